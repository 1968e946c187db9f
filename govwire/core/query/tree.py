"""The syntax tree of a query, and what it means: `holds` is the reference that every backend answers like.

A document is an article as `govwire.core.index.documents` writes it, or a flat claim: that is its own only claim, its
evidence is its text, and the article's facts are repeated in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from govwire.core.records import AUTHOR
from govwire.core.text import phrase, stemmed_languages

# The facts that a field of the language asks for, by their place in a document.
FACTS: Mapping[str, str] = {
    "source": "source.id",
    "kind": "source.kind",
    "country": "source.country",
    "lang": "language",
    "topic": "topic_ids",
    "law": "law_ids",
    "act": "act_ids",
    "instrument": "instrument_ids",
    "story": "story_id",
    "tag": "source.tags",
    "stance": "stance_labels",
}
CLAIM_FACTS: Mapping[str, str] = {"target": "target", "stance": "label"}


@dataclass(frozen=True)
class Row:
    """Tokens that must stand in a row; where `open`, the last is only the beginning of one."""

    tokens: tuple[str, ...]
    open: bool

    def stands_in(self, text_tokens: str) -> bool:
        """Whether the row is found in tokens joined by single spaces."""
        wanted = " " + " ".join(self.tokens)
        return wanted in f" {text_tokens}" if self.open else f"{wanted} " in f" {text_tokens} "


@dataclass(frozen=True)
class Everything:
    """The empty query."""


@dataclass(frozen=True)
class Words:
    """A word or phrase of the title or the text, read in the language of the document."""

    text: str
    title_only: bool = False

    def variants(self) -> list[tuple[Row, tuple[str, ...]]]:
        """What to look for in documents of which languages.

        The first is for the languages that no other names.
        """
        plain = row(self.text, "")
        groups: dict[Row, list[str]] = {}
        for language in stemmed_languages():
            groups.setdefault(row(self.text, language), []).append(language)
        groups.pop(plain, None)
        return [(plain, ()), *((variant, tuple(languages)) for variant, languages in groups.items())]


@dataclass(frozen=True)
class Fact:
    """An exact fact: a source, a topic, a law, a stance as `target:label` …"""

    field: str
    value: str


@dataclass(frozen=True)
class During:
    """A span of time, `until` exclusive; None is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Holder:
    """Inside a claim: who holds it, by id, by the exact name, or by words of the name."""

    name: str

    def row(self) -> Row | None:
        """The words of the name; None for the article itself, which has none."""
        return None if self.name == AUTHOR else row(self.name, "")


@dataclass(frozen=True)
class OneClaim:
    """What must hold inside one and the same claim."""

    inside: "Node"


@dataclass(frozen=True)
class And:
    """All of them."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Or:
    """At least one of them."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    node: "Node"


Node = Everything | Words | Fact | During | Holder | OneClaim | And | Or | Not
Document = Mapping[str, Any]


def instant(at: datetime) -> str:
    """A time as documents hold it: UTC to the millisecond, so that text order is the order of time."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@lru_cache(maxsize=8192)  # every word of every subscription, in the languages of the day
def row(text: str, language: str) -> Row:
    """The row of tokens that stands for a text in a language; none stems in ""."""
    wanted, is_open = phrase(text, language)
    return Row(tuple(wanted), is_open)


def facts_of(document: Document, path: str) -> tuple[str, ...]:
    """The values at a dotted path of a document."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def claims_of(document: Document) -> Iterable[Document]:
    """An article's claims; a flat claim is its own."""
    claims: Iterable[Document] = document.get("claims", (document,))
    return claims


def holds(node: Node, document: Document, *, candidates: bool) -> bool:
    """Whether a document matches; with `candidates`, claims below the display threshold count too."""
    match node:
        case And(nodes):
            return all(holds(each, document, candidates=candidates) for each in nodes)
        case Or(nodes):
            return any(holds(each, document, candidates=candidates) for each in nodes)
        case Not(inner):
            return not holds(inner, document, candidates=candidates)
        case OneClaim(inside):
            return any(
                _holds_in_claim(inside, claim) for claim in claims_of(document) if candidates or claim.get("shown")
            )
        case _:
            return _leaf_holds(node, document)


def _leaf_holds(node: Node, document: Document) -> bool:
    match node:
        case Words(text, title_only):
            wanted = row(text, document["language"])
            return wanted.stands_in(document["title_tokens"]) or (
                not title_only and wanted.stands_in(document["text_tokens"])
            )
        case Fact(field, value):
            return value in facts_of(document, FACTS[field])
        case During(since, until):
            at = document["sort_at"]
            return (since is None or instant(since) <= at) and (until is None or at < instant(until))
        case Everything():
            return True
    raise TypeError(f"{node!r} stands only inside a claim")


def _holds_in_claim(node: Node, claim: Document) -> bool:
    match node:
        case And(nodes):
            return all(_holds_in_claim(each, claim) for each in nodes)
        case Or(nodes):
            return any(_holds_in_claim(each, claim) for each in nodes)
        case Not(inner):
            return not _holds_in_claim(inner, claim)
        case Fact(field, value):
            return value in facts_of(claim, CLAIM_FACTS[field])
        case Holder(name):
            words = node.row()
            named = name in (claim["holder"], claim["holder_id"])
            return named or (words is not None and words.stands_in(claim["holder_tokens"]))
    raise TypeError(f"{node!r} never stands inside a claim")
