"""What travels on the bus: Page, Article, Tagged, DeadLetter, AlertMessage.

Immutable pydantic models, JSON on the wire, each with a `schema` number. Within a number fields are only added, and
unknown fields are ignored; a newer number is a dead letter `newer_schema`. Nothing is keyed by user data: scores are
lists of {id, score}. All times are aware UTC. tests/cases/records holds one golden record per type and number.
"""

import base64
import json
import threading
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

import zstandard
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from govwire.core.errors import DecodeError, NewerSchemaError

# Pages are capped at 8 MiB decoded (settings fetch.max_bytes); this guards the reader against a bomb in a record.
MAX_BODY_BYTES = 64 * 1024 * 1024
# A compressor serves one thread at a time.
_threads = threading.local()


class Lane(StrEnum):
    """How an item came in; backfill flows on Kafka topics of its own and never fires an alert."""

    LIVE = "live"
    BACKFILL = "backfill"


class Part(BaseModel):
    """A part of a record: immutable, and tolerant of fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Record(Part):
    """A whole record; `SCHEMA` is the number this program writes, and the newest that it reads."""

    SCHEMA: ClassVar[int] = 1
    schema_number: int = Field(default=1, alias="schema")

    def to_json(self) -> bytes:
        """The record as it goes on the wire: deterministic for equal records."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def from_json(cls, value: bytes) -> Self:
        """Read a record from the wire.

        Raises:
            DecodeError: the bytes are no JSON, or no record of this type.
            NewerSchemaError: its schema number is newer than this program.
        """
        try:
            raw = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"{cls.__name__}: not JSON ({error})", reason="not_json") from error
        number = raw.get("schema") if isinstance(raw, dict) else None
        if isinstance(number, int) and number > cls.SCHEMA:
            raise NewerSchemaError(f"{cls.__name__}: schema {number}, this program knows {cls.SCHEMA}; upgrade it")
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "record"
            raise DecodeError(f"{cls.__name__}: {where}: {first['msg']}") from error


class SourceFacts(Part):
    """The facts of a source that travel with its items, so that no later stage looks them up."""

    id: str  # the name of its file; of an outlet that nobody watches, its domain
    name: str
    kind: str  # source.SourceKind: legislator, regulator, think_tank, press …; or source.UNWATCHED
    country: str  # ISO 3166-1 alpha-2, "EU" or "INT"; "ZZ": not known
    language: str  # ISO 639-1 of the edition
    rights: Literal["full", "excerpt", "link"]  # what readers may be shown
    tags: tuple[str, ...] = ()


class Entry(Part):
    """What a feed or sitemap said of a page before it was fetched."""

    feed_url: str
    title: str | None = None
    summary: str | None = None
    authors: tuple[str, ...] = ()
    published_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    language: str | None = None


class Header(Part):
    """One response header, name in lower case."""

    name: str
    value: str


class Page(Record):
    """One fetched document, bytes as received. Key on the bus: url_id."""

    url_id: str
    fetch_id: str  # url_id + fetch time: the same fetch, however often delivered
    lane: Lane
    source: SourceFacts
    url: str  # as requested
    final_url: str  # after redirects
    status: int
    headers: tuple[Header, ...]
    fetched_at: AwareDatetime
    first_seen_at: AwareDatetime  # when this URL was first known to us
    entry: Entry | None = None
    body_zstd: str  # base64 of zstd of the decoded body
    body_bytes: int

    @staticmethod
    def pack(body: bytes) -> str:
        """Compress a body for `body_zstd`."""
        if not hasattr(_threads, "compressor"):  # making one costs as much as compressing a small page
            _threads.compressor = zstandard.ZstdCompressor(level=1)
        packed: bytes = _threads.compressor.compress(body)
        return base64.b64encode(packed).decode("ascii")

    def body(self) -> bytes:
        """The body as received, content encoding undone.

        Raises:
            DecodeError: the body is no base64 of zstd, or unpacks to more than the record says.
        """
        try:
            packed = base64.b64decode(self.body_zstd, validate=True)
            body = zstandard.ZstdDecompressor().decompress(packed, max_output_size=min(self.body_bytes, MAX_BODY_BYTES))
        except (ValueError, zstandard.ZstdError) as error:
            raise DecodeError(f"Page: body_zstd: {error}") from error
        if len(body) != self.body_bytes:
            raise DecodeError(f"Page: body_zstd: {len(body)} bytes, body_bytes says {self.body_bytes}")
        return body

    def header(self, name: str) -> str | None:
        """The first header of that name, if any."""
        return next((header.value for header in self.headers if header.name == name.lower()), None)


class Dated(Part):
    """A date with where it comes from. None is ever invented: what the page does not say is absent."""

    at: AwareDatetime
    precision: Literal["day", "minute", "second"]
    provenance: str  # json_ld, meta, time_element, url, text, feed, sitemap, http
    plausible: bool = True  # False: in the future or before the web; kept, never trusted


class Article(Record):
    """A news text with its metadata, one revision of it. Key on the bus: article_id."""

    article_id: str
    url_id: str
    fetch_id: str
    revision: int  # 1, 2, 3 … per article_id
    state: Literal["there", "gone"] = "there"
    lane: Lane
    source: SourceFacts
    url: str  # canonical
    requested_url: str
    title: str
    text: str
    summary: str | None = None
    authors: tuple[str, ...] = ()
    language: str  # ISO 639-1, "und" where the text does not tell
    published: Dated | None = None
    updated: Dated | None = None
    fetched_at: AwareDatetime
    first_seen_at: AwareDatetime
    text_hash: str  # of the normalised sentences of title and body
    story_id: str
    extractor: str  # name and version; texts of different extractors are never compared
    access: Literal["free", "metered", "paid"] | None = None  # by the page's own marks; None: it has none
    partial: bool = False  # the text is not the whole: cut by a paywall, or at the limit of what is kept
    opt_outs: tuple[str, ...] = ()  # what the page asks for that was not obeyed, as `noimageai` (core/optouts.py)
    came_by: Lane | None = None  # of an article that is sent through anew: the lane it came by at first

    @property
    def sort_at(self) -> datetime:
        """The time to sort and filter by: published where plausible, else first seen."""
        return self.published.at if self.published and self.published.plausible else self.first_seen_at


class Score(Part):
    """The model's number for one id."""

    id: str
    score: float


class Evidence(Part):
    """A span of the article's text; offsets count code points, end exclusive."""

    text: str
    start: int
    end: int


Label = Literal["favor", "against", "neutral", "unsure"]
Neutrality = Literal["contested", "only_reported"]
By = Literal["classifier", "person"]  # person: a correction


class TopicLabel(Part):
    """A subject of the article."""

    id: str
    score: float
    role: Literal["about", "mentioned"] = "about"
    by: By = "classifier"


class StanceLabel(Part):
    """The article's stance on one target, with the sentence that shows it."""

    target: str
    label: Label
    score: float
    evidence: Evidence | None = None
    # Of a neutral: shown claims on both sides, or none at all.
    neutrality: Neutrality | None = None
    by: By = "classifier"


# Who a claim is of, where the text itself argues.
AUTHOR = "_author"


class Claim(Part):
    """Holder, target, stance and evidence: who says it."""

    holder: str  # as written; AUTHOR for the text itself
    holder_id: str | None = None
    target: str
    label: Literal["favor", "against", "neutral"]
    score: float
    evidence: Evidence
    shown: bool = True  # False: a candidate, below the display threshold
    by: By = "classifier"


class LawMention(Part):
    """A law, bill, treaty or declaration that the article names."""

    id: str
    evidence: Evidence | None = None  # its name as first written in the text; None: only the title names it


ActKind = Literal["proposed", "adopted", "signed", "vetoed", "delayed", "in_force", "enforced", "litigated", "refused"]


class Act(Part):
    """What an institution did; an act is never a claim."""

    act: ActKind
    actor: str | None = None  # as written; None in the passive without one
    actor_id: str | None = None
    law: str | None = None  # id of the law it was done to
    evidence: Evidence  # the sentence
    by: Literal["rules"] = "rules"


class InstrumentMention(Part):
    """A means of governance that the article speaks of, as licensing or disclosure."""

    id: str
    evidence: Evidence  # the first sentence that names it


class Experimental(Part):
    """Labels for topics and targets that are on trial: beside the others, in no count, chart or alert."""

    topics: tuple[TopicLabel, ...] = ()
    stance: tuple[StanceLabel, ...] = ()
    claims: tuple[Claim, ...] = ()


class Labels(Part):
    """What the classifier says of one article, and which classifier under which epoch said it."""

    relevant: bool
    relevance_score: float
    relevance_by: Literal["model", "keyword", "terms", "person"]  # person: a correction, against the classifier
    topics: tuple[TopicLabel, ...] = ()
    stance: tuple[StanceLabel, ...] = ()
    claims: tuple[Claim, ...] = ()
    laws: tuple[LawMention, ...] = ()
    acts: tuple[Act, ...] = ()
    instruments: tuple[InstrumentMention, ...] = ()
    topic_scores: tuple[Score, ...] = ()  # every topic, also below its threshold
    experimental: Experimental = Experimental()
    model: str
    epoch: int


class Tagged(Record):
    """An article with its labels. Key on the bus: article_id."""

    article: Article
    labels: Labels


class Origin(Part):
    """Where on the bus a record lay."""

    kafka_topic: str
    partition: int
    offset: int


class DeadLetter(Record):
    """A record set aside: its original bytes, and who could not process it, when, where and why."""

    dead_letter_id: str  # deterministic: stage, origin
    stage: str
    reason: str
    error: str  # class
    message: str
    place: str  # module:line that raised
    attempts: int
    code_version: str
    died_at: AwareDatetime
    origin: Origin
    url_id: str | None = None
    lane: Lane = Lane.LIVE
    key: str
    headers: tuple[Header, ...] = ()
    value_base64: str

    def value(self) -> bytes:
        """The original bytes of the record."""
        return base64.b64decode(self.value_base64)


class AlertMessage(Record):
    """One alert as its channel gets it. Key on the bus: message_id."""

    message_id: Annotated[str, Field(description="the outbox key: the same message, however often sent")]
    subscription: str
    kind: str  # new_story …
    story_id: str
    article_id: str
    title: str
    url: str
    source_name: str
    published_at: AwareDatetime | None = None
    subject: str
    body: str
