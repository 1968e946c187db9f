"""Who is given the word without a name: noun phrases of people and bodies, and pronouns, before or after speech verbs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from processors.classifiers.lexicon import (
    ADVERB,
    AUXILIARY,
    COLLECTIVES,
    CONJUNCTION,
    DETERMINER,
    POSSESSIVE,
    PREPOSITION,
    PRONOUN,
    QUANTIFIER,
    RELATIVE,
    SPEECH,
    TITLES,
    TRADES,
    is_human,
)
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import Token, span_of

# A noun phrase is no longer than this, nor what stands between a speaker and the verb.
_LONGEST = 16
_ASIDE = 24
_QUOTES = frozenset("“”\"«»„‘’'")
_CLOSERS = frozenset(",;:.!?()[]—–-…") | _QUOTES
# Verbs that can stand before their subject: "said a campaigner".
_INVERTED = frozenset(
    """said says say wrote writes write added adds argued argues argue asked asks warned warns replied replies answered
    answers explained explains noted notes objected objects remarked remarks concluded concludes declared declares insisted
    insists complained complains testified testifies observed observes retorted retorts countered counters recalled recalls
    thinks thought suggested suggests predicted predicts commented comments runs ran goes reads read""".split()
)
_SINGULAR_S = frozenset("press police society business campus congress politics headquarters".split())


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase or pronoun; `head` is its noun in small letters, `words` all of them."""

    span: Span
    first: int
    end: int
    head: str
    words: tuple[str, ...]
    kind: str  # "pronoun", "person", "body", "group"

    @property
    def definite(self) -> bool:
        """Whether it comes back to somebody: the minister, this group, its director."""
        return self.words[0] in ("the", "this", "that", "these", "those") or self.words[0] in POSSESSIVE


def find_phrases(text: str, tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> list[Phrase]:
    """The phrases that may be speakers, in order, outside the token ranges that names take."""
    return list(_Finder(text, tokens, taken).phrases())


class _Finder:
    def __init__(self, text: str, tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._tokens = tokens
        self._names = dict(taken)

    def phrases(self) -> Iterator[Phrase]:
        at = 0
        while at < len(self._tokens):
            phrase = self._pronoun(at) if self._tokens[at].lower in PRONOUN else self._noun_phrase(at)
            if phrase:
                yield phrase
            at = max(at + 1, phrase.end if phrase else 0, self._names.get(at, 0))

    def _pronoun(self, at: int) -> Phrase | None:
        if not speaks(self._tokens, at, at + 1):
            return None
        word = self._tokens[at].lower
        return Phrase(span_of(list(self._tokens), at, at + 1), at, at + 1, word, (word,), "pronoun")

    def _noun_phrase(self, first: int) -> Phrase | None:
        if not self._may_begin(first):
            return None
        end, head = self._extent(first)
        if head is None:
            return None
        speaking = speaks(self._tokens, first, end)
        noun = self._tokens[head].lower
        if not speaking and not is_human(noun):
            return None
        words = tuple(token.lower for token in self._tokens[first : head + 1])
        return Phrase(span_of(list(self._tokens), first, end), first, end, noun, words, self._kind(words, noun))

    def _may_begin(self, at: int) -> bool:
        token = self._tokens[at]
        if not token.text[0].isalnum() or token.lower in AUXILIARY | CONJUNCTION | PREPOSITION | RELATIVE - {"those"}:
            return False
        if at in self._names:
            # "Malaysia's commission", "OpenAI's policy chief"
            end = self._names[at]
            return end < len(self._tokens) and self._tokens[end].text in ("'s", "’s")
        before = self._tokens[at - 1].lower if at else ""
        return (
            token.lower in DETERMINER | POSSESSIVE | QUANTIFIER
            or token.begins
            or before in _CLOSERS
            or before in CONJUNCTION | SPEECH
            or before in ("for", "to", "by", "from", "than", "that")
        )

    def _extent(self, first: int) -> tuple[int, int | None]:
        """Where the phrase ends, and its head noun: the last noun before a preposition."""
        tokens, head, at, open_ = self._tokens, None, first, True
        while at < min(first + _LONGEST, len(tokens)) and tokens[at].sentence == tokens[first].sentence:
            token = tokens[at]
            if at in self._names:
                at = self._names[at]
                if at < len(tokens) and tokens[at].text in ("'s", "’s"):
                    at += 1
                elif open_ and head is None:
                    return at, None
                continue
            if token.text in ("'", "’", "'s", "’s") and at > first:
                at += 1
                continue
            if self._closes(at, head is not None):
                break
            if token.lower in PREPOSITION:
                if head is None or token.lower == "to":
                    break
                open_ = False
            elif open_ and token.lower not in DETERMINER | POSSESSIVE | QUANTIFIER | ADVERB:
                head = at
            elif open_ and token.lower in QUANTIFIER and head is None:
                head = at
            at += 1
        while at > first and tokens[at - 1].lower in PREPOSITION | DETERMINER:
            at -= 1
        return at, head

    def _closes(self, at: int, has_head: bool) -> bool:
        token = self._tokens[at]
        if not token.text[0].isalnum():
            return True
        if token.lower in AUXILIARY | CONJUNCTION | RELATIVE | PRONOUN:
            return True
        return has_head and token.lower in SPEECH

    @staticmethod
    def _kind(words: tuple[str, ...], head: str) -> str:
        if words[0] in QUANTIFIER - {"one", "another"} or is_plural(head):
            return "group"
        return "body" if head in COLLECTIVES and head not in TRADES else "person"


def is_plural(noun: str) -> bool:
    """Whether a noun is more than one."""
    irregular = noun in (
        "people",
        "men",
        "women",
        "police",
        "those",
        "others",
        "some",
        "many",
        "most",
        "both",
        "several",
    )
    return irregular or (noun.endswith("s") and not noun.endswith("ss") and noun not in _SINGULAR_S)


def speaks(tokens: Sequence[Token], first: int, end: int) -> bool:
    """Whether what stands between two tokens is given the word: the subject of a speech verb, or after "according to"."""
    return _verb_follows(tokens, end) or _verb_precedes(tokens, first)


def _verb_follows(tokens: Sequence[Token], at: int) -> bool:
    if at < len(tokens) and tokens[at].text == ":" and (at + 1 == len(tokens) or tokens[at + 1].end > tokens[at].end):
        return True
    at = _past_aside(tokens, at)
    for token in tokens[at : at + 5]:
        if token.lower in SPEECH:
            return True
        if token.lower not in ADVERB | AUXILIARY and not token.lower.endswith("ly"):
            return False
    return False


def _past_aside(tokens: Sequence[Token], at: int) -> int:
    """The token after a description: "Kress, who heads the union, said", "Kress (Greens) said", "Kress of the union said"."""
    if at >= len(tokens):
        return at
    mark = tokens[at].text
    closers = {",": ",", "(": ")", "–": "–", "—": "—"}
    if mark in closers:
        for end in range(at + 1, min(at + _ASIDE, len(tokens))):
            if tokens[end].text == closers[mark]:
                after = end + 1
                return after if after < len(tokens) and tokens[after].text != "," else after + 1
            if tokens[end].text in _QUOTES or tokens[end].sentence != tokens[at].sentence:
                break
        return at
    if tokens[at].lower in PREPOSITION | RELATIVE:
        for end in range(at + 1, min(at + _ASIDE // 2, len(tokens))):
            if not tokens[end].text[0].isalnum():
                return at
            if tokens[end].lower in SPEECH and tokens[end - 1].lower not in DETERMINER | POSSESSIVE | PREPOSITION:
                return end
    return at


def _verb_precedes(tokens: Sequence[Token], at: int) -> bool:
    at -= 1
    while at >= 0 and (tokens[at].lower in TITLES | TRADES | DETERMINER or tokens[at].lower.endswith("ly")):
        at -= 1
    if at < 0:
        return False
    if tokens[at].lower == "to" and at and tokens[at - 1].lower == "according":
        return True
    if tokens[at].lower == "of" and at > 1 and tokens[at - 1].lower in ("view", "words", "opinion", "eyes"):
        return True
    if tokens[at].lower == "for" and (tokens[at].begins or tokens[at - 1].text in ";,:"):
        return True
    if tokens[at].lower not in _INVERTED:
        return False
    return at == 0 or tokens[at - 1].text in _CLOSERS or tokens[at - 1].lower in ("so", "as")
