"""A query as SQL over the embedded index's tables: exactly what `Query.matches` says, never a row more or less."""

from dataclasses import dataclass

from govwire.core.query import Query
from govwire.core.query.tree import (
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

# The columns of `claims` that the fields inside claim:(…) ask for.
_CLAIM_COLUMNS = {"target": "target", "stance": "label"}


@dataclass(frozen=True)
class Sql:
    """A condition, never NULL, and its parameters in order."""

    text: str
    parameters: tuple[str, ...] = ()


def condition(query: Query) -> Sql:
    """The condition on a row `d` of `documents`."""
    return _document(query.root, candidates=query.candidates)


def _document(node: Node, *, candidates: bool) -> Sql:
    match node:
        case And(nodes):
            return _joined(" AND ", [_document(each, candidates=candidates) for each in nodes])
        case Or(nodes):
            return _joined(" OR ", [_document(each, candidates=candidates) for each in nodes])
        case Not(inner):
            return _negated(_document(inner, candidates=candidates))
        case OneClaim(inside):
            wanted = _claim(inside)
            if not candidates:
                wanted = _joined(" AND ", [Sql("c.shown"), wanted])
            return Sql(f"d.number IN (SELECT c.document FROM claims c WHERE {wanted.text})", wanted.parameters)
        case _:
            return _leaf(node)


def _leaf(node: Node) -> Sql:
    match node:
        case Everything():
            return Sql("TRUE")
        case Words():
            return _words(node)
        case Fact(field, value):
            return Sql("d.number IN (SELECT f.document FROM facts f WHERE f.field = ? AND f.value = ?)", (field, value))
        case During(since, until):
            bounds = [Sql("d.sort_at >= ?", (instant(since),))] if since else []
            bounds += [Sql("d.sort_at < ?", (instant(until),))] if until else []
            return _joined(" AND ", bounds)
    raise TypeError(f"{node!r} stands only inside a claim")


def _words(words: Words) -> Sql:
    (plain, _), *stemmed = words.variants()
    found = _match(plain, title_only=words.title_only)
    if not stemmed:
        return found
    named = [language for _, languages in stemmed for language in languages]
    clauses = [_joined(" AND ", [found, _negated(_language_in(named))])]
    for row, languages in stemmed:
        clauses.append(_joined(" AND ", [_match(row, title_only=words.title_only), _language_in(languages)]))
    return _joined(" OR ", clauses)


def _match(row: Row, *, title_only: bool) -> Sql:
    # Tokens hold letters and digits only, so nothing in them can close the quotes.
    phrase = f'"{" ".join(row.tokens)}"{" *" if row.open else ""}'
    wanted = f"title_tokens : {phrase}" if title_only else phrase
    return Sql("d.number IN (SELECT w.rowid FROM words w WHERE w.words MATCH ?)", (wanted,))


def _language_in(languages: "list[str] | tuple[str, ...]") -> Sql:
    return Sql(f"d.language IN ({', '.join('?' * len(languages))})", tuple(languages))


def _claim(node: Node) -> Sql:
    match node:
        case And(nodes):
            return _joined(" AND ", [_claim(each) for each in nodes])
        case Or(nodes):
            return _joined(" OR ", [_claim(each) for each in nodes])
        case Not(inner):
            return _negated(_claim(inner))
        case Fact(field, value):
            return Sql(f"c.{_CLAIM_COLUMNS[field]} = ?", (value,))
        case Holder(name):
            named = Sql("c.holder = ? OR c.holder_id = ?", (name, name))
            row = node.row()
            return named if row is None else _joined(" OR ", [named, _in_holder(row)])
    raise TypeError(f"{node!r} never stands inside a claim")


def _in_holder(row: Row) -> Sql:
    wanted = " " + " ".join(row.tokens) + ("" if row.open else " ")
    return Sql("instr(' ' || c.holder_tokens || ' ', ?) > 0", (wanted,))


def _negated(inner: Sql) -> Sql:
    return Sql(f"NOT ({inner.text})", inner.parameters)


def _joined(operator: str, parts: "list[Sql]") -> Sql:
    return Sql(
        operator.join(f"({part.text})" for part in parts),
        tuple(parameter for part in parts for parameter in part.parameters),
    )
