"""A sentence as clauses: where they begin, and which verbs tell of what happened. English, by rules on the surface.

Not a parse: only what acts need. Every search is bounded, so that time is linear in the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from processors.classifiers.act_words import (
    AHEAD,
    CONDITIONS,
    HYPOTHETICAL,
    LAW_NOUNS,
    NO_ADVERBS,
    NOBODY,
    SUBORDINATE,
    TIME_BEFORE,
    TIME_PREPOSITIONS,
    TIMES,
    UNREAL,
    VERBS,
)
from processors.classifiers.lexicon import (
    ADVERB,
    AUXILIARY,
    DETERMINER,
    POSSESSIVE,
    PREPOSITION,
    QUANTIFIER,
    RELATIVE,
)
from processors.classifiers.tokens import Token

# "present" is a passive that still lasts: "is delayed"; "reduced" one without its verb: "the bill, signed in May".
Voice = Literal["active", "passive", "present", "reduced"]

MARKS = frozenset(',;:.!?()[]—–-…“”"«»')
ARTICLES = DETERMINER | POSSESSIVE
# A subject or object is no longer than this, in words; no clause reaches further back.
LONGEST, FURTHEST = 14, 80
GENITIVES = frozenset(("'s", "’s", "'", "’"))
_BESIDE = AUXILIARY | ADVERB | UNREAL | {"having", "yet", "get", "gets", "got"}
_PARTING = MARKS | SUBORDINATE | RELATIVE
_ATTRIBUTIVE = (ARTICLES | PREPOSITION | GENITIVES) - {"which", "that"}
_CIRCUMSTANCE = PREPOSITION | TIMES | TIME_BEFORE
_OPENING = (ADVERB | {"and", "but", "or", ","}) - {"both"}


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that tells of what happened: its last word, where its auxiliaries begin, and its voice."""

    at: int
    first: int
    voice: Voice


class Sentence:
    """The tokens of one sentence, and which of them name a law of the list."""

    def __init__(self, tokens: Sequence[Token], laws: Sequence[str | None]) -> None:
        self.tokens, self.laws = tokens, laws
        self.words = [token.lower for token in tokens]
        self._asks = any(token.text == "?" for token in tokens[-2:])

    def __len__(self) -> int:
        return len(self.tokens)

    def word(self, at: int) -> str:
        """The word at a place, in small letters; nothing beyond the sentence."""
        return self.words[at] if 0 <= at < len(self.words) else ""

    def is_law(self, at: int) -> bool:
        """Whether a word names a law, or is a noun for one."""
        return 0 <= at < len(self.words) and (self.laws[at] is not None or self.words[at] in LAW_NOUNS)

    def law_in(self, first: int, end: int) -> str | None:
        """The first law of the list that is named between two places."""
        return next((law for law in self.laws[first:end] if law is not None), None)

    def law_after(self, at: int) -> str | None:
        """The next law of the list that is named from a place on."""
        return self.law_in(at, at + FURTHEST)

    def follows(self, at: int, row: Sequence[str]) -> bool:
        """Whether these words follow a place."""
        return self.words[at + 1 : at + 1 + len(row)] == list(row)

    # --- verbs ---

    def verb(self, at: int) -> Verb | None:
        """The verb there, unless what it says did not happen, may happen or is asked for."""
        first, beside = self._beside(at)
        if self._asks or _is_unreal(beside) or self.word(0) == "let":
            return None
        if not beside and self.word(at - 1) in ("and", "or") and _is_unreal(self._beside(at - 2)[1]):
            return None  # "could be adopted and signed"
        clause = self.clause_start(self.before_aside(first))
        opens = self.word(clause - 1)
        ahead = opens in AHEAD and any(word in ("has", "have", "is", "are") for word in beside)
        begins = self.word(clause + (self.word(clause) in ("and", "but", "or")))
        if ahead or opens in HYPOTHETICAL or begins in NOBODY | HYPOTHETICAL:
            return None
        voice = self._voice(at, first, beside)
        return None if voice is None else Verb(at, first, voice)

    def is_verb(self, at: int) -> bool:
        """Whether a word is a finite verb or a participle that is no adjective."""
        word = self.words[at]
        if word in VERBS:
            return word in AUXILIARY or not self.tokens[at].capital
        before = self.word(at - 1)
        adjective = before in _ATTRIBUTIVE or before.endswith("ly")
        return word.endswith("ed") and len(word) > 4 and not self.tokens[at].capital and not adjective

    def is_adverb(self, at: int) -> bool:
        """Whether a word is an adverb in -ly."""
        word = self.words[at]
        return word.endswith("ly") and len(word) > 4 and word not in NO_ADVERBS and not self.tokens[at].capital

    def _beside(self, at: int) -> tuple[int, list[str]]:
        """Where the auxiliaries and adverbs before a verb begin, and which they are."""
        first = at
        while first > max(0, at - LONGEST) and (self.words[first - 1] in _BESIDE or self.is_adverb(first - 1)):
            first -= 1
        return first, self.words[first:at]

    def _voice(self, at: int, first: int, beside: Sequence[str]) -> Voice | None:
        if any(word in ("was", "were", "been", "got") for word in beside):
            return "passive"
        if any(word in ("is", "are") for word in beside):
            return "present"
        if any(word in ("has", "have", "had", "having") for word in beside):
            return "active"
        before = self.word(first - 1)
        if before in _ATTRIBUTIVE or before in CONDITIONS:
            return None
        described = first - 2 if before == "," else first - 1
        return "reduced" if self.is_law(described) and self._is_circumstance(at + 1) else "active"

    def _is_circumstance(self, at: int) -> bool:
        """Whether what follows a verb is when, where or by whom."""
        word = self.word(at)
        return word in _CIRCUMSTANCE or (bool(word) and self.is_adverb(at))

    # --- clauses ---

    def clause_start(self, end: int) -> int:
        """Where the clause begins whose words end before a place."""
        first = end
        while first > max(0, end - FURTHEST) and not self._parts(first - 1):
            first -= 1
        return first

    def _parts(self, at: int) -> bool:
        word = self.words[at]
        return self._joins_clauses(at) if word in ("and", "or") else word in _PARTING or self.is_verb(at)

    def _joins_clauses(self, at: int) -> bool:
        """ "France and Germany signed", but "Paris hosted the talks and Germany signed"."""
        for before in range(at - 1, max(-1, at - LONGEST), -1):
            if self.words[before] in _PARTING:
                return False
            if self.is_verb(before):
                return True
        return False

    def before_aside(self, end: int) -> int:
        """Where what stands between commas before a place begins; the place itself where nothing does."""
        if self.word(end - 1) != ",":
            return end
        opened = next((at for at in range(end - 2, max(end - 2 * LONGEST, 0), -1) if self.words[at] == ","), end)
        if "and" in self.words[opened:end]:
            first = self.list_start(opened + 1)
            opened = next((at for at in range(first - 1, max(first - 4, 0), -1) if self.words[at] == ","), opened)
        return opened if opened > 0 else end

    def list_start(self, first: int) -> int:
        """Where a list of names begins: "France, Germany and Italy"."""
        while self.word(first - 1) == ",":
            start = first - 2
            while start > 0 and self.tokens[start - 1].capital and first - start < 5:
                start -= 1
            article = self.word(start - 1) in ARTICLES
            if not self.tokens[start].capital or self.word(start - 1 - article) in PREPOSITION:
                break
            first = start - article
        return first

    # --- times ---

    def without_opening(self, first: int, end: int) -> int:
        """Past "But", "On Tuesday", "Meanwhile,"."""
        while first < end:
            at = first + 1 if self.words[first] in _OPENING else self.past_time(first, end)
            if at == first:
                break
            first = at
        return first

    def past_time(self, first: int, end: int) -> int:
        """Past "on Tuesday"; the place itself where no time stands."""
        at = first + (self.words[first] in TIME_PREPOSITIONS or self._counts_time(first))
        if not (at < end and self.is_time(at)):
            return first
        while at < end and self.is_time(at):
            at += 1
        return at

    def without_time_behind(self, end: int, first: int = 0) -> int:
        """Before "on Tuesday", "last week", "in March 2024"."""
        at = end
        while at > first and self.is_time(at - 1):
            at -= 1
        if at == end:
            return end
        if at > first and self._counts_time(at - 1):
            at -= 1
        while at > first and self.words[at - 1] in TIME_PREPOSITIONS:
            at -= 1
        return at

    def is_time(self, at: int) -> bool:
        """Whether a word belongs to a time."""
        word = self.word(at)
        if word in TIMES:
            return True
        if word in TIME_BEFORE:
            return self.word(at + 1) in TIMES
        if word.isdigit():
            return self.word(at - 1) in TIMES or (len(word) == 4 and self.word(at - 1) in TIME_PREPOSITIONS)
        return False

    def _counts_time(self, at: int) -> bool:
        """Whether a number counts days or years."""
        word = self.words[at]
        return (word in QUANTIFIER or word.isdigit()) and self.word(at + 1) in TIMES


def _is_unreal(beside: Sequence[str]) -> bool:
    return any(word in UNREAL or word.endswith("n't") for word in beside)
