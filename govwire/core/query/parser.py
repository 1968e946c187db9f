"""The grammar of the query language, and the way from a user's text to the syntax tree, by lark."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import NoReturn, get_args

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from govwire.core.errors import QueryError
from govwire.core.query.tree import (
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
    Words,
    row,
)
from govwire.core.records import ActKind, Label
from govwire.core.source import UNWATCHED, SourceKind
from govwire.core.vocabulary import Vocabulary

_GRAMMAR = r"""
    start: [disjunction]
    ?disjunction: conjunction | conjunction (_OR conjunction)+ -> either
    ?conjunction: negation | negation (_AND? negation)+ -> both
    ?negation: atom | NOT+ atom -> negated
    ?atom: "(" disjunction ")"
         | FIELD "(" disjunction ")" -> group
         | FIELD (WORD | PHRASE) -> field
         | (WORD | PHRASE) -> words

    _AND.2: /AND(?![^\s()"])/
    _OR.2: /OR(?![^\s()"])/
    NOT.2: /NOT(?![^\s()"])|-(?=[^\s-])/
    FIELD.2: /[A-Za-z_][\w.-]*:/
    PHRASE: /"[^"]*"/
    WORD: /(?!(AND|OR|NOT)(?![^\s()"]))[^\s()"]+/
    %ignore /\s+/
"""
_PARSER = Lark(_GRAMMAR, parser="lalr", lexer="contextual")

# Quotation marks and brackets of other keyboards, each a single character so that columns stay.
_KEYBOARDS = str.maketrans("“”„«»「」『』（）：", '"""""""""():')

# Any query a person writes is far below these. Elasticsearch nests at most 30 clauses, and a bracket can hold three.
MAX_LENGTH, MAX_DEPTH, MAX_TERMS = 4000, 8, 200

# So many names a mistake lists; of more, the nearest.
_READABLE = 40

DEFAULT_TARGET = "stronger_governance"
_FIELDS = ("title", *FACTS, "stance.<target>", "date", "since", "until", "claim", "candidates")
_CLAIM_FIELDS = ("holder", "target", "stance")
_LABELS: tuple[str, ...] = get_args(Label)
_KINDS: tuple[str, ...] = (*get_args(SourceKind), UNWATCHED)
_ACTS: tuple[str, ...] = get_args(ActKind)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGO = re.compile(r"(\d{1,6})([hdw])")
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def parse_tree(text: str, now: datetime, vocabulary: Vocabulary | None) -> tuple[Node, bool]:
    """The syntax tree of a query, and whether it asks for candidates.

    Raises:
        QueryError: it cannot be parsed, or names a field, topic, target … that is not there.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"longer than {MAX_LENGTH} characters; shorten it, or ask in several", MAX_LENGTH + 1)
    plain = text.translate(_KEYBOARDS)
    _check_balance(plain)
    try:
        tree = _PARSER.parse(plain)
    except UnexpectedToken as error:
        _fail_at(len(plain.rstrip()) if error.token.type == "$END" else error.token.start_pos or 0, plain)
    except UnexpectedCharacters as error:
        _fail_at(error.pos_in_stream or 0, plain)
    builder = _Builder(now, vocabulary)
    return builder.build(tree), builder.candidates


def _check_balance(text: str) -> None:
    open_at: list[int] = []
    quote_at = None
    for at, char in enumerate(text):
        if char == '"':
            quote_at = at if quote_at is None else None
        elif quote_at is None and char == "(":
            open_at.append(at)
        elif quote_at is None and char == ")":
            if not open_at:
                raise QueryError("this bracket closes nothing; take it out or open one before it", at + 1)
            open_at.pop()
        if len(open_at) > MAX_DEPTH:
            raise QueryError(f"brackets nest deeper than {MAX_DEPTH}", at + 1)
    if quote_at is not None:
        raise QueryError('this quotation mark is never closed; add a "', quote_at + 1)
    if open_at:
        raise QueryError("this bracket is never closed; add a )", open_at[-1] + 1)


def _fail_at(at: int, text: str) -> NoReturn:
    before = text[:at].split()
    operator = next((name for name in ("AND", "OR", "NOT") if text.startswith(name, at)), None)
    if before and before[-1].endswith(":"):
        problem = f"a value is missing after {before[-1]}"
    elif operator is not None:
        problem = f"{operator} needs something before it; a word to search for goes in quotes"
    elif before and before[-1] in ("AND", "OR", "NOT"):
        problem = f"{before[-1]} needs something after it; a word to search for goes in quotes"
    else:
        problem = "something to search for is missing here"
    raise QueryError(problem, at + 1)


@dataclass
class _Builder:
    """Turns lark's tree into ours; what it meets at the top may ask for candidates."""

    now: datetime
    vocabulary: Vocabulary | None
    candidates: bool = False
    terms: int = 0

    def build(self, start: Tree[Token]) -> Node:
        """The whole query; `candidates:` stands only here, beside the rest."""
        nodes = [
            self._node(child)
            for top in start.children
            for child in (top.children if isinstance(top, Tree) and top.data == "both" else (top,))
            if isinstance(child, Tree) and not self._asks_for_candidates(child)
        ]
        if len(nodes) == 1:
            return nodes[0]
        return And(tuple(nodes)) if nodes else Everything()

    def _asks_for_candidates(self, tree: Tree[Token]) -> bool:
        if tree.data != "field" or _name(tree) != "candidates":
            return False
        value = _value(tree)
        if value not in ("yes", "no"):
            raise QueryError("candidates: is yes or no", _column(tree.children[1]))
        self.candidates = value == "yes"
        return True

    def _node(self, tree: Tree[Token], *, in_claim: bool = False) -> Node:
        children = [child for child in tree.children if isinstance(child, Tree)]
        match tree.data:
            case "either":
                return Or(tuple(self._node(child, in_claim=in_claim) for child in children))
            case "both":
                return And(tuple(self._node(child, in_claim=in_claim) for child in children))
            case "negated":
                inner = self._node(children[0], in_claim=in_claim)
                return Not(inner) if len(tree.children) % 2 == 0 else inner
            case "group":
                return self._group(tree, children[0], in_claim=in_claim)
        self._count(tree)
        if tree.data == "words":
            return self._words(tree, in_claim=in_claim)
        return self._claim_field(tree) if in_claim else self._field(tree)

    def _count(self, tree: Tree[Token]) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} words and fields; ask in several", _column(tree.children[0]))

    def _group(self, tree: Tree[Token], inside: Tree[Token], *, in_claim: bool) -> Node:
        name, column = _name(tree), _column(tree.children[0])
        if name != "claim":
            raise QueryError(f"only claim: takes brackets; write {name}:… before each word inside", column)
        if in_claim:
            raise QueryError("a claim holds no other claim", column)
        return OneClaim(self._node(inside, in_claim=True))

    def _words(self, tree: Tree[Token], *, in_claim: bool) -> Words:
        column = _column(tree.children[0])
        if in_claim:
            raise QueryError(f"inside claim:(…) write {_listed(_CLAIM_FIELDS)}, not a word alone", column)
        return Words(_searchable(_text(tree.children[0]), column))

    def _field(self, tree: Tree[Token]) -> Node:
        name, value, column = _name(tree), _value(tree), _column(tree.children[1])
        if name == "title":
            return Words(_searchable(value, column), title_only=True)
        if name in ("date", "since", "until"):
            return self._during(name, value, column)
        if name == "stance" or name.startswith("stance."):
            target = name.partition(".")[2] or DEFAULT_TARGET
            self._check("target", target, _column(tree.children[0]))
            return Fact("stance", f"{target}:{_known('label', value, _LABELS, column)}")
        if name in FACTS:
            return Fact(name, self._fact(name, value, column))
        at = _column(tree.children[0])
        if name == "candidates":
            raise QueryError("candidates: stands beside the rest, not in brackets or after OR or NOT", at)
        if name == "claim":
            raise QueryError("claim: takes brackets: claim:(holder:… target:… stance:…)", at)
        if name in _CLAIM_FIELDS:
            raise QueryError(f"{name}: stands inside brackets: claim:({name}:…)", at)
        raise QueryError(_unknown("field", name, _FIELDS) + "; a word with a colon in it goes in quotes", at)

    def _fact(self, name: str, value: str, column: int) -> str:
        match name:
            case "topic" | "law" | "instrument":
                self._check(name, value, column)
            case "act":
                return _known("act", value, _ACTS, column)
            case "kind":
                return _known("kind", value, _KINDS, column)
            case "country":
                return value.upper()
            case "lang":
                return value.lower()
        return value

    def _claim_field(self, tree: Tree[Token]) -> Node:
        name, value, column = _name(tree), _value(tree), _column(tree.children[1])
        match name:
            case "holder":
                return Holder(_searchable(value, column))
            case "target":
                self._check("target", value, column)
                return Fact("target", value)
            case "stance":
                return Fact("stance", _known("label", value, _LABELS, column))
        problem = _unknown("field inside claim:(…):", name, _CLAIM_FIELDS)
        raise QueryError(problem, _column(tree.children[0]))

    def _check(self, kind: str, name: str, column: int) -> None:
        if self.vocabulary is not None:
            if self.vocabulary.is_experimental(name):
                problem = f"{kind} {name!r} is on trial (`experimental` in config/{kind}s.toml), in no search or alert"
                raise QueryError(problem, column)
            tables: Mapping[str, Mapping[str, object]] = {
                "topic": self.vocabulary.topics,
                "target": self.vocabulary.targets,
                "law": self.vocabulary.laws,
                "instrument": self.vocabulary.instruments,
            }
            _known(kind, name, tables[kind], column)

    def _during(self, name: str, value: str, column: int) -> During:
        if name == "date":
            first, _, last = value.partition("..") if ".." in value else (value, "", value)
            since = self._span(first, column)[0] if first else None
            until = self._span(last, column + value.rfind(last))[1] if last else None
            if since is None and until is None:
                raise QueryError(f"no date in {value!r}; {_DATE_FORMS}", column)
            return During(since, until)
        since, until = self._span(value, column, ago=True)
        return During(since=since) if name == "since" else During(until=until)

    def _span(self, value: str, column: int, *, ago: bool = False) -> tuple[datetime, datetime]:
        """The first moment of a year, month or day, and the first one after it."""
        try:
            if ago and (relative := _AGO.fullmatch(value)):
                moment = self.now - int(relative[1]) * _UNITS[relative[2]]
                return moment, moment
            if day := _DAY.fullmatch(value):
                return _bounds(*(int(part) if part else None for part in day.groups()))
        except (ValueError, OverflowError):
            pass
        raise QueryError(f"{value!r} is no date; {_DATE_FORMS}{', or 7d, 24h, 2w' if ago else ''}", column)


_DATE_FORMS = "write 2026, 2026-10, 2026-10-05 or a range as 2026-10-01..2026-10-31"


def _bounds(year: int | None, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    first = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    if day:
        return first, first + timedelta(days=1)
    if month:
        return first, (first + timedelta(days=31)).replace(day=1)
    return first, first.replace(year=first.year + 1)


def _known(kind: str, name: str, names: Collection[str], column: int) -> str:
    if name not in names:
        raise QueryError(_unknown(kind, name, tuple(names)), column)
    return name


def _unknown(kind: str, name: str, names: tuple[str, ...]) -> str:
    if len(names) > _READABLE:
        nearest = get_close_matches(name, names, n=3, cutoff=0)
        return f"unknown {kind} {name!r}; did you mean {' or '.join(nearest)}?"
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ";"
    return f"unknown {kind} {name!r}{hint} known: {_listed(names)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _searchable(text: str, column: int) -> str:
    if not row(text, "").tokens:
        raise QueryError(f"nothing to search for in {text!r}; write a word, or leave it out", column)
    return text


def _name(tree: Tree[Token]) -> str:
    return str(tree.children[0]).removesuffix(":").lower()


def _value(tree: Tree[Token]) -> str:
    return _text(tree.children[1])


def _text(token: "Token | Tree[Token]") -> str:
    return str(token).strip('"')


def _column(token: "Token | Tree[Token]") -> int:
    assert isinstance(token, Token)
    return (token.start_pos or 0) + 1
