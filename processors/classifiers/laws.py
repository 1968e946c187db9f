"""Laws by their names: where a text names one, in any language, and what "the Act" means after that."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from govwire.core.vocabulary import Law, LawKind
from processors.classifiers.phrasebook import Phrasebook, Word, words_of
from processors.classifiers.sentences import Span, sentences

# What a law may be called after it was named: nouns of its names, and of its kind.
_NOUNS_OF_KIND: Mapping[LawKind, str] = {
    "statute": "law act statute legislation bill measure",
    "bill": "bill legislation measure act law",
    "regulation": "regulation law legislation",
    "order": "order",
    "treaty": "treaty convention",
    "declaration": "declaration statement",
    "code": "code",
    "standard": "standard",
    "strategy": "strategy",
    "guideline": "",
}
_NOUNS = frozenset(" ".join((*_NOUNS_OF_KIND.values(), "directive compact pact accord initiative resolution")).split())
_NOUN = "|".join(sorted(_NOUNS, key=len, reverse=True))
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec)\w*"
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
# "The act of signing", "the law on copyright", "the bill that …", "the law-making" are about something else.
_ELSEWHERE = (
    rf"(?!\s(?:of|that|governing|regulating|enforcement|firms?|schools?|professors?|degree)\b|\son\s(?!{_DAY}|{_MONTH})"
    rf"|\sto\s(?!the\b|an?\b|[A-Z])|\sin\s(?!{_MONTH})[A-Z]|-\w)"
)
_ADJECTIVE = (
    r"(?:AI|new|landmark|proposed|draft|sweeping|final|comprehensive|joint|same|whole|entire|historic|artificial\sintelligence|"
    r"two-year-old|amended|revised|original)"
)
_REFERENCE = regex.compile(rf"\b(?i:the|this|that)\s(?:{_ADJECTIVE}\s){{0,2}}(?i:(?P<noun>{_NOUN}))\b{_ELSEWHERE}")
# Another law that the list does not know, and that a later "the bill" may mean just as well.
_UNKNOWN = regex.compile(
    rf"\b(?i:an?|another|one|each|every|any|no|its|their|own)\s(?:(?!{_NOUN})[\w-]+\s){{0,4}}?(?P<indefinite>{_NOUN})\b"
    rf"|\b[A-Z][\w-]*\s(?P<name>Act|Law|Bill|Treaty|Convention|Declaration|Directive|Regulation|Initiative|Code|Order)\b"
    r"|\b(?:[SH]\.?\s?[BR]\.?|A\.?B\.?)\s?\d+(?P<number>)"
)
_OWNED = regex.compile(r"(?:['’]s|\b(?:its|their|own|his|her|our))\s$")
# How far, in code points, a description stands from the name it belongs to.
_NEAR = 20
# Between a name and the indefinite description of the same law: "SB 53, a bill that …", "a bill called SB 53".
_APPOSED = regex.compile(
    r"\s?[,(–—]\s?(?:is|was|as)?|\s(?:is|was|as|became|called|known\sas|named|dubbed|or)\s?(?:the\s)?"
)


@dataclass(frozen=True)
class Named:
    """A place where a law is named, or referred to by a short name."""

    span: Span
    law_id: str


class Laws:
    """The listed laws, found by any of their names. Compiled once; may be used from several threads."""

    def __init__(self, laws: Mapping[str, Law]) -> None:
        self._laws = dict(laws)
        self._names, self._context, self._short = Phrasebook(), Phrasebook(), Phrasebook()
        for law in laws.values():
            for name in (*law.names, *law.short):
                self._names.learn(name, law.id)
            for name in law.short:
                self._short.learn(name, law.id)
            for word in law.context:
                self._context.learn(word, law.id)
        self._guarded = {law.id for law in laws.values() if law.context}
        self._nouns = {law.id: _nouns(law) for law in laws.values()}

    def __getitem__(self, law_id: str) -> Law:
        return self._laws[law_id]

    def find(
        self, title: str, text: str, words: Sequence[Word], language: str = "en"
    ) -> tuple[list[Named], list[Named]]:
        """Where title and text, of such words, name laws, in order, the longest names first; offsets count in each.

        In English also where a later short name ("the Act") can mean only one of them.
        """
        spoken = words_of(title), words
        near = {law_id for words in spoken for _, bearers in self._context.all(words) for law_id in bearers}
        in_title, in_text = (
            list(self._named(told, words, near)) for told, words in zip((title, text), spoken, strict=True)
        )
        if language == "en" and (in_title or in_text):
            references = self._references(in_title, in_text, text)
            in_text = sorted([*in_text, *references], key=lambda each: each.span.start)
        return in_title, in_text

    def _named(self, text: str, words: Sequence[Word], near: set[str]) -> Iterator[Named]:
        """The longest names from left to right; a short name means a law only if a word of its context is near.

        So does one that somebody else may own: "its AI Act".
        """
        at = 0
        while at < len(words):
            end, laws = self._names.at(words, at)
            short = self._short.at(words, at)
            meant = laws - short[1] | laws & near if short[0] == end else laws
            if meant and _OWNED.search(text, max(0, words[at].start - _NEAR), words[at].start):
                meant = meant & near | meant - self._guarded
            if len(meant) == 1:
                yield Named(Span(words[at].start, words[end - 1].end), *meant)
            at = max(end, at + 1)

    def _references(self, title: Sequence[Named], named: Sequence[Named], text: str) -> Iterator[Named]:
        """Short names later in the text, each as the only law of its noun that was named in the sentence before."""
        recent = _Recent()
        for each in title:
            recent.note(self._nouns[each.law_id], each.law_id, -1)
        spans = sentences(text)
        number = 0
        for start, end, noun, known in _events(named, text):
            while number < len(spans) - 1 and spans[number].end <= start:
                number += 1
            if known is not None:
                recent.note(self._nouns[known] if known else {noun}, known, number)
            elif (meant := recent.only(noun)) is not None:
                recent.note(self._nouns[meant], meant, number)
                yield Named(Span(start, end), meant)


class _Recent:
    """For every noun, the laws that the last sentence with one of it named; "" is one that nobody listed."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, set[str]]] = {}

    def note(self, nouns: Iterable[str], law_id: str, sentence: int) -> None:
        for noun in nouns:
            before, laws = self._last.get(noun, (-2, set()))
            self._last[noun] = sentence, laws | {law_id} if before == sentence else {law_id}

    def only(self, noun: str) -> str | None:
        _, laws = self._last.get(noun, (-2, set()))
        return next(iter(laws)) or None if len(laws) == 1 else None


def _nouns(law: Law) -> frozenset[str]:
    spoken = {word.key for name in (*law.names, *law.short) for word in words_of(name)}
    return frozenset(_NOUNS_OF_KIND[law.kind].split()) | (_NOUNS & spoken)


def _events(named: Sequence[Named], text: str) -> Iterator[tuple[int, int, str, str | None]]:
    """Names, unknown laws (id "") and short names (no id) of a text, in order: start, end, noun, law."""
    events: list[tuple[int, int, str, str | None]] = [
        (each.span.start, each.span.end, "", each.law_id) for each in named
    ]
    covered = _Covered(named, text)
    events += [
        (*match.span(), match["noun"].lower(), None)
        for match in _REFERENCE.finditer(text)
        if covered.free(*match.span())
    ]
    for match in _UNKNOWN.finditer(text):
        noun = match["indefinite"] or (match["name"] or "bill").lower()
        if covered.free(*match.span()) and not (match["indefinite"] and covered.apposed(*match.span())):
            events.append((match.start(), match.end(), noun, ""))
    return iter(sorted(events, key=lambda event: event[:2]))


class _Covered:
    """Which places of a text are names already, or beside one."""

    def __init__(self, named: Sequence[Named], text: str) -> None:
        self._text = text
        self._starts, self._ends = [each.span.start for each in named], [each.span.end for each in named]
        self._within = bytearray(len(text))
        for each in named:
            self._within[each.span.start : each.span.end] = b"\1" * (each.span.end - each.span.start)

    def free(self, start: int, end: int) -> bool:
        return not any(self._within[start:end])

    def apposed(self, start: int, end: int) -> bool:
        """Whether an indefinite description belongs to the name before or behind it."""
        before, behind = bisect_right(self._ends, start) - 1, bisect_left(self._starts, end)
        gaps = [self._text[self._ends[before] : start]] if before >= 0 else []
        gaps += [self._text[end : self._starts[behind]]] if behind < len(self._starts) else []
        return any(len(gap) <= _NEAR and _APPOSED.fullmatch(gap) for gap in gaps)
