"""Names in an English text: people and bodies, by their capitals, the words beside them and the list of actors.

Rules on the surface. Months, places, laws and names within other names are none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from processors.classifiers.actors import Actors, Named
from processors.classifiers.lexicon import (
    ADVERB,
    AUXILIARY,
    BODY_WORDS,
    CALENDAR,
    CONJUNCTION,
    DETERMINER,
    FUNCTION,
    LAW_WORDS,
    NAME_TITLES,
    NO_PERSON,
    PARTICLES,
    PLACES,
    PREPOSITION,
    QUANTIFIER,
    RELATIVE,
    SPEECH,
    SUFFIXES,
    TITLES,
    TRADES,
    is_human,
    is_place,
    word_set,
)
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import Token, span_of

# A person's name has no more words than this; a body's may.
_LONGEST_NAME = 6
_LONGEST_RUN = 24
# Months and days that nobody is called by.
_DATES = CALENDAR - {"may", "april", "june", "august"}
_NO_GIVEN_NAME = NO_PERSON | TRADES
_DETERMINING = DETERMINER | QUANTIFIER
_LONGEST_DATELINE = 10
_LINKS = frozenset(("of", "for", "to", "on", "against", "in"))
# What a body's name may have after "and": "Ministry of Science and Technology".
_FIELDS = word_set(
    """technology technologies industry information innovation trade science data privacy human rights civil social
    digital communications telecommunications development security commerce culture education employment labour labor
    health justice economy economic energy investment resources policy freedoms liberties democracy standards media
    sport family affairs engineering medicine mathematics markets society law tourism climate infrastructure
    accountability"""
)
_HEADS = BODY_WORDS | LAW_WORDS
_AFTER_NAME = AUXILIARY | PREPOSITION | CONJUNCTION | RELATIVE | SPEECH | ADVERB
_ROLE_LEADS = word_set("prime chief deputy vice senior former interim acting first assistant attorney")


@dataclass(frozen=True, slots=True)
class Name:
    """A place where somebody is named; the name alone, without title and role."""

    span: Span
    text: str
    kind: Literal["person", "body", "unknown"]
    first: int  # its first token
    end: int  # the token after its last
    actor_id: str | None = None
    title: str = ""  # "ms", "senator" …, in small letters, right before the name


def find_names(text: str, tokens: Sequence[Token], actors: Actors) -> list[Name]:
    """The names in order; none overlaps another."""
    return list(_Finder(text, tokens, actors).names())


class _Finder:
    def __init__(self, text: str, tokens: Sequence[Token], actors: Actors) -> None:
        self._text = text
        self._tokens = tokens
        self._actors = actors
        self._small = {token.text for token in tokens if token.text.islower()}
        self._listed = self._align(actors.find(text))

    def _align(self, found: Sequence[Named]) -> dict[int, tuple[int, str]]:
        """Listed names by their first token: the token after them, and the actor."""
        starts = {token.start: number for number, token in enumerate(self._tokens)}
        ends = {token.end: number + 1 for number, token in enumerate(self._tokens)}
        aligned = {}
        for named in found:
            first, end = starts.get(named.span.start), ends.get(named.span.end)
            if end is None:
                # A token may keep a full stop or go on with a hyphen: "U.S.", "OpenAI-backed" is none.
                end = ends.get(named.span.end + 1)
            if first is not None and end is not None:
                aligned[first] = end, named.actor_id
        return aligned

    def names(self) -> Iterator[Name]:
        at = 0
        while at < len(self._tokens):
            at = self._past_dateline(at)
            if at in self._listed:
                name, at = self._from_listed(at)
                if name:
                    yield name
            elif self._may_begin(at):
                end = self._run(at, at + 1)
                yield from self._from_run(at, end)
                at = end
            else:
                at += 1

    def _past_dateline(self, at: int) -> int:
        """The token after "GENEVA -" or "ALBANY, New York -" at the head of a paragraph."""
        token = self._tokens[at]
        if token.text.isupper() and token.begins and (not at or self._tokens[at - 1].paragraph != token.paragraph):
            for dash in range(at + 1, min(at + _LONGEST_DATELINE, len(self._tokens) - 1)):
                if self._tokens[dash].text in ("-", "–", "—"):
                    return dash + 1
        return at

    def _may_begin(self, at: int) -> bool:
        token = self._tokens[at]
        if not token.capital or token.lower in _DATES:
            return False
        if token.lower in FUNCTION and token.lower not in TITLES:
            return False
        return not (token.begins and self._is_common(token))

    def _is_common(self, token: Token) -> bool:
        """Whether the first word of a sentence owes its capital to its place alone."""
        if token.lower in TITLES or token.lower in TRADES:
            return False
        return (
            is_human(token.lower)
            or token.lower in self._small
            or token.lower in SPEECH
            or token.lower.endswith(("ing", "ly"))
        )

    def _run(self, first: int, end: int) -> int:
        """Where the row of capitals that begins at `first` ends."""
        tokens = self._tokens
        while end < min(len(tokens), first + _LONGEST_RUN) and tokens[end].sentence == tokens[first].sentence:
            if end in self._listed:
                break
            step = self._step(first, end)
            if not step:
                break
            end += step
        return end

    def _step(self, first: int, end: int) -> int:
        """How many tokens the next part of the row takes; 0 where it has ended."""
        tokens = self._tokens
        if tokens[end].text in ("'", "’") and tokens[end - 1].lower.endswith("s") and self._capital(end + 1):
            # "Musicians' Union"
            return 2 if tokens[end + 1].lower in BODY_WORDS and tokens[end].start == tokens[end - 1].end else 0
        if tokens[end].start - tokens[end - 1].end > 1 or (
            tokens[end].start == tokens[end - 1].end and not tokens[end - 1].text.endswith(".")
        ):
            return 0
        if tokens[end].capital:
            return int(tokens[end].lower not in _DATES)
        skip = 0
        while skip < 3 and end + skip < len(tokens) and tokens[end + skip].lower in PARTICLES:
            skip += 1
        if skip and self._capital(end + skip):
            return skip + 1
        return self._link(first, end)

    def _link(self, first: int, end: int) -> int:
        """A body's name goes on: "Center for AI Safety", "Ministry of Science and Technology"."""
        lower = [token.lower for token in self._tokens[first:end]]
        word = self._tokens[end].lower
        if not any(part in _HEADS for part in lower):
            return 0
        if word in _LINKS and lower[-1] in _HEADS:
            if self._capital(end + 1):
                return 2
            if end + 2 < len(self._tokens) and self._tokens[end + 1].lower == "the" and self._capital(end + 2):
                return 3
        if word in ("and", "&") and (set(lower) & _LINKS or word == "&"):
            follows = self._tokens[end + 1].lower if end + 1 < len(self._tokens) else ""
            return 2 if follows in _FIELDS and self._capital(end + 1) else 0
        return 0

    def _capital(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].capital and self._tokens[at].lower not in _DATES

    def _from_listed(self, first: int) -> tuple[Name | None, int]:
        end, actor_id = self._listed[first]
        kind: Literal["person", "body"] = "person" if self._actors[actor_id].kind == "person" else "body"
        if kind == "body" and self._tokens[first].capital:
            whole = self._run(first, end)
            added = [token.lower for token in self._tokens[end:whole]]
            if added and not any(word in TRADES or word in TITLES for word in added):
                if self._is_law(added):
                    return None, whole
                if any(word in BODY_WORDS for word in added):
                    return self._name(first, whole, "body"), whole
        return self._name(first, end, kind, actor_id), end

    def _from_run(self, first: int, end: int) -> Iterator[Name]:
        lower = [token.lower for token in self._tokens[first:end]]
        role = max((n for n, word in enumerate(lower[:-1]) if self._is_role(word, lower[n + 1])), default=-1)
        person = first + role + 1
        if role >= 0 and lower[role] in NAME_TITLES:
            person -= 1
        if role >= 0 and self._is_person(person, end, titled=True):
            body = person
            while body > first and (
                self._is_role(lower[body - first - 1], "") or lower[body - first - 1] in _ROLE_LEADS
            ):
                body -= 1
            if body > first and self._is_body(first, body):
                yield self._name(first, body, "body")
            yield self._name(person, end, "person")
        elif self._is_law(lower) or is_place(tuple(lower)):
            return
        elif self._is_body(first, end):
            yield self._name(first, end, "body")
        else:
            yield from self._plain(first, end)

    def _plain(self, first: int, end: int) -> Iterator[Name]:
        """A row of capitals that neither role nor kind explains."""
        while first < end and (
            self._tokens[first].lower in _ROLE_LEADS
            or (end - first > 1 and self._tokens[first].lower in _NO_GIVEN_NAME)
        ):
            first += 1
        before = self._tokens[first - 1].lower if first else ""
        if end - first > 1 and before not in ("in", "at", "near") and self._is_person(first, end, titled=False):
            yield self._name(first, end, "person")
        elif end - first == 1 and self._tokens[first].lower not in TRADES and self._may_stand_alone(first):
            yield self._name(first, end, "person" if before in TITLES else "unknown")

    def _may_stand_alone(self, at: int) -> bool:
        word = self._tokens[at].lower
        return (
            not self._modifies(at)
            and word not in NO_PERSON
            and word not in PLACES
            and word not in TITLES
            and not is_human(word)
        )

    def _is_adjective(self, at: int) -> bool:
        """Whether the first word of a sentence goes on as "Poor and middle-income states" or "Certain countries" do."""
        following = self._tokens[at + 1 : at + 3]
        if following and following[0].lower in ("and", "or"):
            following = following[1:]
            return bool(following) and following[0].text.islower()
        word = following[0] if following else None
        return word is not None and word.text.islower() and is_human(word.lower) and word.lower not in SPEECH

    def _goes_on(self, end: int) -> bool:
        """Whether a noun without a capital is what the row of capitals belongs to: "Global AI governance"."""
        following = self._tokens[end] if end < len(self._tokens) else None
        if following is None or not following.text.islower() or following.lower in _AFTER_NAME | TRADES:
            return False
        if self._tokens[end - 1].lower in BODY_WORDS:
            return False
        return not following.lower.endswith(("s", "ed"))

    def _modifies(self, at: int) -> bool:
        """Whether a capital belongs to the noun behind it: "a Thai engineer", "Texan lawmakers"."""
        if at + 1 == len(self._tokens) or not self._tokens[at + 1].text.islower():
            return False
        following = self._tokens[at + 1].lower
        determined = at > 0 and self._tokens[at - 1].lower in _DETERMINING
        return is_human(following) or (determined and following not in _AFTER_NAME and not following.endswith("ed"))

    @staticmethod
    def _is_law(words: Sequence[str]) -> bool:
        """By the head: the last word before "of", "on", "for"."""
        head = next((number for number, word in enumerate(words) if number and word in _LINKS), len(words))
        return words[head - 1] in LAW_WORDS

    @staticmethod
    def _is_role(word: str, following: str) -> bool:
        return (word in TRADES or word in TITLES) and following not in _LINKS

    def _is_body(self, first: int, end: int) -> bool:
        words = self._tokens[first:end]
        if any(token.lower in BODY_WORDS for token in words):
            return end - first > 1 and not self._goes_on(end)
        return end - first > 1 and any(len(token.text) > 2 and token.text.isupper() for token in words)

    def _is_person(self, first: int, end: int, *, titled: bool) -> bool:
        words = [token for token in self._tokens[first:end] if token.capital]
        if not (1 if titled else 2) <= len(words) <= _LONGEST_NAME:
            return False
        for token in words:
            if token.lower in NO_PERSON or (
                len(token.text) > 3 and token.text.isupper() and token.lower not in SUFFIXES
            ):
                return False
        return not any(token.lower in _LINKS for token in self._tokens[first:end])

    def _name(
        self, first: int, end: int, kind: Literal["person", "body", "unknown"], actor_id: str | None = None
    ) -> Name:
        span = span_of(self._tokens, first, end)
        before = self._tokens[first - 1] if first else None
        title = before.lower if before and (before.lower in TITLES or before.lower in TRADES) else ""
        return Name(span, span.of(self._text), kind, first, end, actor_id, title)
