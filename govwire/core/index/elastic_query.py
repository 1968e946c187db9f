"""A query in Elasticsearch's query DSL: exactly what `Query.matches` says. Nothing is scored, so all are filters."""

from collections.abc import Mapping, Sequence
from typing import Any

from govwire.core.index import Kind
from govwire.core.query import Query
from govwire.core.query.tree import (
    CLAIM_FACTS,
    FACTS,
    And,
    During,
    Everything,
    Fact,
    Holder,
    Node,
    Not,
    OneClaim,
    Or,
    Row,
    Words,
    instant,
)

Clause = Mapping[str, Any]

# How many tokens may begin with one character of a script without spaces; no such script pairs a character with more.
_MAX_EXPANSIONS = 20_000


def clause(query: Query, kind: Kind) -> Clause:
    """The query as one clause over documents of a kind."""
    return _Translation(nested=kind == "articles", candidates=query.candidates).document(query.root)


class _Translation:
    """In articles claims are nested; a flat claim is its own."""

    def __init__(self, *, nested: bool, candidates: bool) -> None:
        self._nested, self._candidates = nested, candidates
        self._path = "claims." if nested else ""

    def document(self, node: Node) -> Clause:
        """A condition on a document."""
        match node:
            case And(nodes):
                return _all([self.document(each) for each in nodes])
            case Or(nodes):
                return _any([self.document(each) for each in nodes])
            case Not(inner):
                return _none(self.document(inner))
            case OneClaim(inside):
                return self._one_claim(inside)
            case _:
                return _leaf(node)

    def _one_claim(self, inside: Node) -> Clause:
        wanted = self._claim(inside)
        if not self._candidates:
            wanted = _all([{"term": {f"{self._path}shown": True}}, wanted])
        return {"nested": {"path": "claims", "query": wanted}} if self._nested else wanted

    def _claim(self, node: Node) -> Clause:
        match node:
            case And(nodes):
                return _all([self._claim(each) for each in nodes])
            case Or(nodes):
                return _any([self._claim(each) for each in nodes])
            case Not(inner):
                return _none(self._claim(inner))
            case Fact(field, value):
                return {"term": {f"{self._path}{CLAIM_FACTS[field]}": value}}
            case Holder(name):
                named = [{"term": {f"{self._path}{field}": name}} for field in ("holder", "holder_id")]
                row = node.row()
                return _any(named if row is None else [*named, _row(f"{self._path}holder_tokens", row)])
        raise TypeError(f"{node!r} never stands inside a claim")


def _leaf(node: Node) -> Clause:
    match node:
        case Everything():
            return {"match_all": {}}
        case Words():
            return _words(node)
        case Fact(field, value):
            return {"term": {FACTS[field]: value}}
        case During(since, until):
            bounds = ({"gte": instant(since)} if since else {}) | ({"lt": instant(until)} if until else {})
            return {"range": {"sort_at": bounds}}
    raise TypeError(f"{node!r} stands only inside a claim")


def _words(words: Words) -> Clause:
    fields = ("title_tokens",) if words.title_only else ("title_tokens", "text_tokens")
    (plain, _), *stemmed = words.variants()
    wanted = [_row(field, plain) for field in fields]
    if not stemmed:
        return _any(wanted)
    named = [language for _, languages in stemmed for language in languages]
    clauses = [_any(wanted, but_not=_language_in(named))]
    for row, languages in stemmed:
        clauses.append(_any([_row(field, row) for field in fields], only=_language_in(languages)))
    return _any(clauses)


def _row(field: str, row: Row) -> Clause:
    """Tokens in a row; the fields are analysed at white space, so that the tokens stay as they are."""
    text = " ".join(row.tokens)
    if row.open and len(row.tokens) == 1:
        return {"prefix": {field: {"value": text}}}
    if row.open:
        return {"match_phrase_prefix": {field: {"query": text, "max_expansions": _MAX_EXPANSIONS}}}
    return {"term": {field: text}} if len(row.tokens) == 1 else {"match_phrase": {field: text}}


def _language_in(languages: Sequence[str]) -> Clause:
    return {"terms": {"language": list(languages)}}


def _all(clauses: Sequence[Clause]) -> Clause:
    return {"bool": {"filter": list(clauses)}}


def _any(clauses: Sequence[Clause], *, only: Clause | None = None, but_not: Clause | None = None) -> Clause:
    limits = ({"filter": [only]} if only else {}) | ({"must_not": [but_not]} if but_not else {})
    return {"bool": {"should": list(clauses), "minimum_should_match": 1, **limits}}


def _none(inner: Clause) -> Clause:
    return {"bool": {"must_not": [inner]}}
