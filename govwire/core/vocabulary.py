"""Sources, topics, targets, actors, laws and instruments, read from config/: the only reader of these files.

What users edit is data: one file per source under config/sources, and a file of each other kind, a table an entry. A
mistake names the file, the key and the hint, and all mistakes are reported at once.
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

import regex
from pydantic import Field, ValidationError, model_validator

from govwire.core.entries import Entry, Id, Named, WebAddress
from govwire.core.errors import ConfigError, UnknownNameError
from govwire.core.source import Source


class Topic(Named):
    """A subject label; its description is what a classifier without training for it compares a text with."""

    label: str
    group: str
    description: str
    experimental: bool = False  # on trial: labelled beside the others, in no count, chart or alert


class Target(Named):
    """What a stance is about: the proposition one is for or against."""

    label: str
    proposition: str
    favor: str  # what one who is for it says, in one sentence
    against: str  # what one who is against it says
    experimental: bool = False  # on trial: labelled beside the others, in no count, chart or alert


ActorKind = Literal[
    "person",
    "state",
    "legislature",
    "ministry",
    "regulator",
    "court",
    "international",
    "standards",
    "company",
    "industry_group",
    "civil_society",
    "think_tank",
    "academic",
    "media",
    "union",
]


class Actor(Named):
    """Who takes part in the governance of AI; its names, in any spelling and script, lead to its id."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    kind: ActorKind
    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|INT|EU)$")]
    groups: tuple[Id, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is known by, its name first."""
        return self.name, *self.aliases


class NameWord(NamedTuple):
    """A word of a name or text: as it is compared and as it is written; dots of abbreviations are left out."""

    key: str
    written: str
    start: int
    end: int


_NAME_WORD = regex.compile(r"(?<=[\p{L}\p{M}\p{N}])['’]s\b|(?P<dotted>(?:\p{L}\.){2,})|[\p{L}\p{M}\p{N}]+")


def name_words(text: str) -> list[NameWord]:
    """The words of a name or text as names are compared by: NFKC, case folded, without punctuation and possessives."""
    words = []
    for match in _NAME_WORD.finditer(text):
        written = match[0].replace(".", "") if match["dotted"] else match[0]
        if written[0] not in "'’":
            folded = written.lower() if written.isascii() else _folded(written)
            words.append(NameWord(folded, written, *match.span()))
    return words


def _folded(written: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", written).casefold())


def name_key(name: str) -> str:
    """What all spellings of a name have in common: its words, without an article before them."""
    keys = [word.key for word in name_words(name)]
    return " ".join(keys[1:] if len(keys) > 1 and keys[0] in ("the", "a", "an") else keys)


LawKind = Literal[
    "statute", "bill", "regulation", "order", "treaty", "declaration", "code", "standard", "strategy", "guideline"
]


class Law(Named):
    """A law, bill, treaty, declaration or other text of governance; its names lead to its id."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    short: tuple[str, ...] = ()  # names that mean it only where a word of `context` stands in the same text
    context: tuple[str, ...] = ()
    jurisdiction: Annotated[str, Field(pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?|INT)$")]  # ISO 3166, EU or INT
    kind: LawKind
    issuer: str = Field(min_length=1)
    link: Annotated[WebAddress, Field(pattern=r"^https://")] | None = None  # its official page

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is always known by, its name first."""
        return self.name, *self.aliases

    @model_validator(mode="after")
    def _short_names_have_a_context(self) -> Self:
        if bool(self.short) != bool(self.context):
            raise ValueError("short and context stand together: the short names, and the words of which they need one")
        return self


class Instrument(Named):
    """A means of governance, known by its terms."""

    label: str
    terms: tuple[str, ...] = Field(min_length=1)


T = TypeVar("T")
E = TypeVar("E", bound=Named)


class Vocabulary(Entry):
    """Everything under config/ but the settings."""

    sources: dict[str, Source]
    topics: dict[str, Topic]
    targets: dict[str, Target]
    actors: dict[str, Actor] = Field({})
    laws: dict[str, Law] = Field({})
    instruments: dict[str, Instrument] = Field({})

    def is_experimental(self, name: str) -> bool:
        """Whether this is the id of a topic or target on trial."""
        entry = self.topics.get(name) or self.targets.get(name)
        return entry is not None and entry.experimental

    def source(self, source_id: str) -> Source:
        """A source by id.

        Raises:
            UnknownNameError: there is none; names the nearest.
        """
        return _named("source", self.sources, source_id)

    def topic(self, topic_id: str) -> Topic:
        """A topic by id; raises UnknownNameError."""
        return _named("topic", self.topics, topic_id)

    def target(self, target_id: str) -> Target:
        """A target by id; raises UnknownNameError."""
        return _named("target", self.targets, target_id)


def _named(kind: str, table: dict[str, T], name: str) -> T:
    if name not in table:
        raise UnknownNameError(kind, name, table)
    return table[name]


def load_vocabulary(config: Path) -> Vocabulary:
    """Read everything under a config folder but the settings and the term lists.

    Raises:
        ConfigError: every mistake found, each with its file and key.
    """
    problems: list[str] = []
    sources = {
        entry.id: entry
        for path in sorted((config / "sources").glob("*.toml"))
        for entry in _entries(Source, path, [_table(path, problems) | {"id": path.stem}], problems)
    }
    topics = _tables(Topic, config / "topics.toml", problems)
    targets = _tables(Target, config / "targets.toml", problems)
    actors = _tables(Actor, config / "actors.toml", problems)
    problems += _names_twice(config / "actors.toml", actors.values())
    laws = _tables(Law, config / "laws.toml", problems)
    problems += [*_names_twice(config / "laws.toml", laws.values()), *_short_twice(config / "laws.toml", laws)]
    instruments = _tables(Instrument, config / "instruments.toml", problems)
    if problems:
        raise ConfigError(problems)
    return Vocabulary(
        sources=sources, topics=topics, targets=targets, actors=actors, laws=laws, instruments=instruments
    )


def _names_twice(path: Path, entries: Iterable[Actor | Law]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for entry in entries:
        for number, name in enumerate(entry.names):
            key = name_key(name)
            owner = owners.setdefault(key, entry.id)
            if not key:
                yield f"{path}: {entry.id}.aliases: {name!r} has no letter; leave it out"
            elif owner != entry.id:
                yield f"{path}: {entry.id}.aliases: {name!r} names {owner} already; leave it out of one of them"
            elif any(_written(name) == _written(other) for other in entry.names[:number]):
                yield f"{path}: {entry.id}.aliases: {name!r} stands there twice; leave one out"


def _written(name: str) -> list[str]:
    return [word.written for word in name_words(name)]


def _short_twice(path: Path, laws: Mapping[str, Law]) -> Iterator[str]:
    """Short names may be shared, but by laws of different contexts, and none is a full name of another."""
    owners = {name_key(name): law.id for law in laws.values() for name in law.names}
    contexts: dict[tuple[str, str], str] = {}
    for law in laws.values():
        for name in law.short:
            owner = owners.get(name_key(name))
            pairs = [(name_key(name), name_key(word)) for word in law.context]
            shared = owner or next((contexts[pair] for pair in pairs if pair in contexts), None)
            if shared:
                yield f"{path}: {law.id}.short: {name!r} names {shared} already; leave it out of one of them"
            contexts.update(dict.fromkeys(pairs, law.id))


def _tables(kind: type[E], path: Path, problems: list[str]) -> dict[str, E]:
    rows = [{"id": key} | value for key, value in _table(path, problems).items() if isinstance(value, dict)]
    return {entry.id: entry for entry in _entries(kind, path, rows, problems)}


def _table(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: not there; 'govwire init DIR' writes a whole config folder")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: {error}")
    return {}


def _entries(kind: type[E], path: Path, rows: list[dict[str, Any]], problems: list[str]) -> Iterator[E]:
    for row in rows:
        try:
            yield kind.model_validate(row)
        except ValidationError as error:
            for entry in error.errors(include_url=False):
                key = ".".join(map(str, entry["loc"]))
                message = entry["msg"].removeprefix("Value error, ")
                problems.append(f"{path}: {row.get('id', '?')}.{key}: {message}")
