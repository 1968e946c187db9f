"""The index answers searches: `open_index(settings)` gives Elasticsearch or the embedded one behind one contract.

Two kinds of document: `articles`, whole, with claims nested; and `claims`, flat, one for each shown claim. Both
backends answer a query as `govwire.core.query` defines it, held by tests/contract/test_index_queries.py.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from govwire.core.errors import QueryError, UnknownNameError
from govwire.core.query import Query
from govwire.core.query.tree import FACTS
from govwire.core.settings import Settings

Kind = Literal["articles", "claims"]
Interval = Literal["day", "week", "month"]
KINDS: tuple[Kind, ...] = ("articles", "claims")

# What can be counted: the facts that queries ask for, and of a claim also its own; each by its place in a document.
FACETS: Mapping[Kind, Mapping[str, str]] = {
    "articles": FACTS,
    "claims": {**FACTS, "holder": "holder", "target": "target", "label": "label"},
}
# As many values of one facet as a person reads.
MAX_BUCKETS = 50


@dataclass(frozen=True)
class Document:
    """A whole document; a put with a lower version than the stored one changes nothing."""

    id: str
    version: int  # revision * 10**9 + epoch * 10**3 + corrections
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A document that the index will never take, and its reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class Bucket:
    """One value of a facet, or one interval of a histogram (`key` is then its ISO date), and its count."""

    key: str
    count: int


@dataclass(frozen=True)
class Hit:
    """One document found."""

    id: str
    version: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Hits:
    """A page of results, newest first, with the total and the facets asked for."""

    total: int
    hits: Sequence[Hit]
    facets: Mapping[str, Sequence[Bucket]] = field(default_factory=dict)
    next_after: str | None = None  # pass it as `after` for the next page; None: there is none


class Index(Protocol):
    """Safe to use from several threads. Every method raises SearchError when the index cannot be reached."""

    def setup(self) -> list[str]:
        """Create templates, indices and aliases that are missing; one line for each thing made.

        Raises:
            ConfigError: a mapping older than this program, or a server of another major version.
        """

    def check(self) -> list[str]:
        """What is wrong with it, one line each; empty when all is well."""

    def put(self, kind: Kind, documents: Sequence[Document]) -> list[Refusal]:
        """Store many, idempotently; a stale version is done, and no refusal. Waits out 429 and 503."""

    def replace_claims(self, article_id: str, version: int, documents: Sequence[Document]) -> list[Refusal]:
        """Store an article's flat claims, ids by `documents.claim_id`, and delete those it no longer has.

        Done without effect where a newer version of the article is stored already.
        """

    def get(self, kind: Kind, document_id: str) -> Hit | None:
        """One document, as written last."""

    def search(
        self,
        query: Query,
        *,
        kind: Kind = "articles",
        limit: int = 20,
        after: str | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """The newest documents that match, with counts of the named facets over all matches.

        Bodies come without the fields that only searches need (`documents.TOKEN_FIELDS`).

        Raises:
            UnknownNameError: there is no such facet.
            QueryError: `after` is no cursor of a search.
        """

    def histogram(self, query: Query, *, kind: Kind = "articles", interval: Interval = "day") -> list[Bucket]:
        """Matches per interval, oldest first, empty intervals left out."""

    def delete(self, kind: Kind, document_ids: Sequence[str], *, up_to: int | None = None) -> int:
        """Delete for good, those of a version over `up_to` excepted; returns how many were there."""

    def refresh(self) -> None:
        """Make everything put so far visible to searches."""

    def newest_at(self) -> datetime | None:
        """When the newest article was first seen; None when the index is empty."""

    def close(self) -> None:
        """Release connections and files."""


def open_index(settings: Settings) -> Index:
    """The index that the settings name. The embedded one is made where it is missing; Elasticsearch waits for `setup`.

    Raises:
        ConfigError: the address or the credentials are unusable, or data_dir cannot be written.
        SearchError: the file of the embedded index cannot be opened. (A server is first reached when it is needed.)
    """
    if settings.index.url == "sqlite:":
        from govwire.core.index.embedded import EmbeddedIndex

        return EmbeddedIndex(settings)
    from govwire.core.index.elastic_index import ElasticIndex

    return ElasticIndex(settings)


def facet_path(kind: Kind, name: str) -> str:
    """The place in a document of what a facet counts; raises UnknownNameError."""
    if name not in FACETS[kind]:
        raise UnknownNameError("facet", name, FACETS[kind])
    return FACETS[kind][name]


def cursor_after(sort_at: str, document_id: str) -> str:
    """The cursor that continues behind a document."""
    return base64.urlsafe_b64encode(json.dumps([sort_at, document_id]).encode()).decode()


def place_of(cursor: str) -> tuple[str, str]:
    """The document, by time and id, behind which a cursor continues.

    Raises:
        QueryError: it is no cursor of ours.
    """
    try:
        sort_at, document_id = json.loads(base64.urlsafe_b64decode(cursor))
        datetime.fromisoformat(sort_at)
        return str(sort_at), str(document_id)
    except (ValueError, TypeError) as error:
        raise QueryError("'after' is no cursor of a search; pass next_after of the page before", 1) from error
