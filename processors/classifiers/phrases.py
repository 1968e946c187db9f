"""Who is given the word without a name: noun phrases of people and bodies, rows of names, pronouns that speak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from processors.classifiers.lexicon import (
    ADVERB,
    AUXILIARY,
    COLLECTIVES,
    CONJUNCTION,
    DETERMINER,
    PLURAL_SPEECH,
    POSSESSIVE,
    PREPOSITION,
    PRONOUN,
    QUANTIFIER,
    RELATIVE,
    SPEECH,
    SUBJECTS,
    TITLES,
    TRADES,
    is_human,
    word_set,
)
from processors.classifiers.sentences import Span
from processors.classifiers.speech import CLOSERS, accords, follows_verb, speaks
from processors.classifiers.tokens import Token, span_of

# A noun phrase has no more words than this.
_LONGEST = 16
# Words by which a description means somebody new.
_ANOTHER = QUANTIFIER | word_set("fourth fifth same opposite opposing younger elder")
# Nouns that are a time or a measure, whatever follows.
_TIMES = word_set("year years month months week weeks day days hour hours percent time times decade decades")
# Behind these a form that could be a verb is a noun: "dangerous questions".
_ADJECTIVAL = ("ous", "ive", "ful", "ical", "able", "less")
# Past forms that end a noun phrase as those in -ed do.
_PAST = word_set(
    """began brought built came drew fell gave got grew kept led left lost made met paid ran rose sent set sold sat
    stood struck took went won wore"""
)
# What stands between the names of a row.
_BETWEEN = frozenset((",", "&", "and"))
_ARTICLES = word_set("the a an")
_OWNING = DETERMINER | POSSESSIVE
_OPENERS = _OWNING | QUANTIFIER
# Plurals that stand before another noun: "rights groups". Other words in -s there are verbs: "ranks job applicants".
_BEFORE_NOUNS = word_set(
    "rights news arms sports sales savings business press class mass cross consumers systems operations"
)
_NOBODY = word_set("i we you what which whatever whoever nobody everybody everyone nothing something there")
_OBJECTS = PRONOUN - POSSESSIVE
_NO_BEGINNING = AUXILIARY | CONJUNCTION | PREPOSITION | _OBJECTS | RELATIVE | SPEECH | TITLES | _NOBODY
_ENDINGS = AUXILIARY | CONJUNCTION | RELATIVE
_VERBAL = SPEECH | _PAST | (ADVERB - {"all", "each", "alone"})
_JOINING = (CONJUNCTION - {"as"}) | {"that"}
_NO_HEAD = _OPENERS | ADVERB
_NO_VERB_AFTER = PREPOSITION | _OWNING
_NO_END = PREPOSITION | DETERMINER
_POSSESSIVES = ("'s", "’s", "'", "’")
_SINGULAR_S = word_set("press police society business campus congress politics headquarters")
_PLURALS = word_set("people men women police those others some many most both several")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase or pronoun; `head` is its noun in small letters, `words` all of them."""

    span: Span
    first: int
    end: int
    head: str
    words: tuple[str, ...]
    kind: str  # "pronoun", "person", "body", "group", "thing"

    @property
    def comes_back(self) -> bool:
        """Whether it can mean somebody named before: the minister, this group; not the next one, the head of it."""
        definite = self.words[0] in ("the", "this", "that") or (
            self.kind == "person" and self.words[0] in ("its", "their")
        )
        return definite and self.end - self.first == len(self.words) and not _ANOTHER.intersection(self.words)


def find_phrases(tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> list[Phrase]:
    """The phrases that may be speakers, in order, outside the token ranges that names take."""
    return list(_Finder(tokens, taken).phrases())


class _Finder:
    def __init__(self, tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> None:
        self._tokens = tokens
        self._names = dict(taken)
        self._named_until = frozenset(self._names.values())

    def phrases(self) -> Iterator[Phrase]:
        at = 0
        while at < len(self._tokens):
            row = self._row(at)
            if row:
                yield row
            phrase = self._pronoun(at) if self._tokens[at].lower in SUBJECTS else self._noun_phrase(at)
            if phrase:
                yield phrase
            at = max(at + 1, phrase.end if phrase else 0, self._names.get(at, 0))

    def _pronoun(self, at: int) -> Phrase | None:
        if not speaks(self._tokens, at, at + 1):
            return None
        word = self._tokens[at].lower
        return Phrase(span_of(self._tokens, at, at + 1), at, at + 1, word, (word,), "pronoun")

    def _row(self, first: int) -> Phrase | None:
        """Several names as one subject: "Durbin and Hawley", "Torstar, Postmedia and the CBC"."""
        if first not in self._names or (first - 1 in self._named_until and self._tokens[first - 1].lower in _BETWEEN):
            return None
        end, joined = self._names[first], False
        while end < len(self._tokens) and self._tokens[end].lower in _BETWEEN:
            after = end + 1
            while after < len(self._tokens) and self._tokens[after].lower in ("and", "the"):
                after += 1
            if joined or after not in self._names:
                break
            joined = any(token.lower in ("and", "&") for token in self._tokens[end:after])
            end = self._names[after]
        if not joined:
            return None
        return Phrase(span_of(self._tokens, first, end), first, end, "and", ("and",), "group")

    def _noun_phrase(self, first: int) -> Phrase | None:
        if not self._may_begin(first):
            return None
        end, head = self._extent(first)
        if head is None:
            return None
        noun = self._tokens[head].lower
        if self._tokens[head].capital and not self._tokens[head].begins and not is_human(noun):
            # A name, if of a law or programme.
            return None
        if not is_human(noun) and not speaks(self._tokens, first, end):
            end = head = self._before_verb(first, head)
            noun, end = self._tokens[head].lower, end + 1
        if noun in _TIMES or not self._may_speak(first, end, noun):
            return None
        words = tuple(token.lower for token in self._tokens[first : head + 1])
        return Phrase(span_of(self._tokens, first, end), first, end, noun, words, self._kind(words, noun))

    def _before_verb(self, first: int, head: int) -> int:
        """The last noun of people that may have a verb behind it: "a federation draws the conclusion"."""
        for at in range(head - 1, first, -1):
            noun, following = self._tokens[at].lower, self._tokens[at + 1].lower
            if is_human(noun) and (is_plural(noun) or following.endswith(("s", "d"))):
                return at
        return head

    def _may_begin(self, at: int) -> bool:
        token = self._tokens[at]
        if not token.text[0].isalnum() or token.lower in _NO_BEGINNING:
            return False
        if at in self._names:
            # "Malaysia's commission", "OpenAI researchers"
            end = self._names[at]
            return end < len(self._tokens) and (self._is_possessive(end) or self._is_noun_of_people(end))
        if token.lower in _OPENERS or self._is_subject(at):
            return True
        before = self._tokens[at - 1]
        return (
            before.lower in SPEECH or (before.begins and before.lower in ("for", "to")) or accords(self._tokens, at - 1)
        )

    def _is_subject(self, at: int) -> bool:
        """Whether a main or subordinate clause may begin here; a description beside a name begins none."""
        if not at or self._tokens[at].begins:
            return True
        before = self._tokens[at - 1]
        if (before.text == "," and at - 1 in self._named_until) or self._tokens[at].lower.endswith("ing"):
            return False
        return before.text in CLOSERS or before.lower in _JOINING

    def _may_speak(self, first: int, end: int, noun: str) -> bool:
        tokens, speaking = self._tokens, speaks(self._tokens, first, end)
        to_whom = first > 0 and tokens[first - 1].begins and tokens[first - 1].lower in ("for", "to")
        if first and tokens[first - 1].lower in PREPOSITION and not to_whom and not follows_verb(tokens, first):
            return False
        opened = tokens[first].lower in _OPENERS or first in self._names
        if not opened and tokens[first].lower != noun and self._is_verb_in_s(first):
            return False
        leads = tokens[first].begins and (speaking or noun in TRADES)
        if not opened and not is_plural(noun) and not leads:
            # "head off something worse" is no head.
            return False
        if first and tokens[first - 1].text == "," and first - 1 in self._named_until:
            # A description of the one named before it, unless it has a verb of its own.
            return end < len(tokens) and tokens[end].lower in SPEECH
        return speaking or (is_human(noun) and (to_whom or self._is_subject(first)))

    def _is_verb_in_s(self, at: int) -> bool:
        word = self._tokens[at]
        return word.text.islower() and word.lower.endswith("s") and word.lower not in _BEFORE_NOUNS

    def _is_possessive(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].text in _POSSESSIVES

    def _is_noun_of_people(self, at: int) -> bool:
        if at >= len(self._tokens) or not self._tokens[at].text.islower():
            return False
        return is_human(self._tokens[at].lower) and self._tokens[at].lower not in SPEECH

    def _extent(self, first: int) -> tuple[int, int | None]:
        """Where the phrase ends, and its head noun: the last noun before a preposition; None where it is a name."""
        tokens, head, at, before_preposition = self._tokens, None, first, True
        while at < min(first + _LONGEST, len(tokens)) and tokens[at].sentence == tokens[first].sentence:
            if at in self._names:
                at = self._names[at]
                if before_preposition and not self._is_possessive(at) and not self._is_noun_of_people(at):
                    return at, None
            elif self._is_possessive(at):
                at += 1
            elif self._closes(first, at, None if head is None or self._counts(head) else head):
                break
            elif tokens[at].lower in PREPOSITION:
                if head is None or tokens[at].lower == "to":
                    break
                before_preposition = False
                at += 1
            else:
                word = tokens[at].lower
                if before_preposition and word not in (
                    _OPENERS | ADVERB if head is not None else DETERMINER | POSSESSIVE
                ):
                    head = at
                at += 1
        while at > first and tokens[at - 1].lower in _NO_END:
            at -= 1
        return at, head

    def _counts(self, at: int) -> bool:
        return self._tokens[at].lower in QUANTIFIER or self._tokens[at].text[0].isdigit()

    def _closes(self, first: int, at: int, head: int | None) -> bool:
        token, before = self._tokens[at], self._tokens[at - 1].lower if at > first else ""
        if not token.text[0].isalnum() or token.lower in _ENDINGS:
            return True
        if token.lower in _OBJECTS:
            return token.lower in SUBJECTS or before not in PREPOSITION
        if head is None or before in PREPOSITION:
            return False
        return token.lower in _ARTICLES or (before not in _OWNING and self._may_be_verb(at, before, head))

    def _may_be_verb(self, at: int, before: str, head: int) -> bool:
        token, after = self._tokens[at], self._tokens[min(at + 1, len(self._tokens) - 1)]
        if before.endswith(_ADJECTIVAL) and not is_human(before):
            return False
        if token.lower == "states":
            # A verb only before what is stated.
            return after.text in ("that", ",", ":")
        if token.lower in PLURAL_SPEECH:
            noun = self._tokens[head].lower
            return is_plural(noun) or (noun in COLLECTIVES and noun not in TRADES)
        past = token.text.islower() and token.lower.endswith(("ed", "ly")) and "-" not in token.lower
        return past or token.lower in _VERBAL

    @staticmethod
    def _kind(words: tuple[str, ...], head: str) -> str:
        if not is_human(head) and head not in QUANTIFIER:
            return "thing"
        if words[0] in QUANTIFIER - {"one", "another"} or is_plural(head):
            return "group"
        return "body" if head in COLLECTIVES and head not in TRADES else "person"


def is_plural(noun: str) -> bool:
    """Whether a noun is more than one."""
    return noun in _PLURALS or (noun.endswith("s") and not noun.endswith("ss") and noun not in _SINGULAR_S)
