"""The speakers of one article: where they are named, and who a short name, a pronoun or "the minister" is.

Rules on the surface of English, without a model. What stays ambiguous is nobody rather than the wrong one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from processors.classifiers.actors import Actors
from processors.classifiers.cast import Office, Speaker, from_phrase, gender_of_word, introduce, name_words_of
from processors.classifiers.lexicon import (
    COLLECTIVES,
    DETERMINER,
    POSSESSIVE,
    PREPOSITION,
    PRONOUN,
    PRONOUN_HE,
    PRONOUN_IT,
    PRONOUN_SHE,
    PRONOUN_THEY,
    TITLES,
    TRADES,
)
from processors.classifiers.names import Name, find_names
from processors.classifiers.phrases import Phrase, find_phrases, is_plural, speaks
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import tokenize

# A pronoun or description reaches back over this many paragraphs, and at most so many appearances.
_PARAGRAPHS = 2
_REACH = 60


@dataclass(frozen=True)
class Holder:
    """Who holds a position: the fullest name the text gives, and where it stands first."""

    name: str
    actor_id: str | None
    first: Span


@dataclass(frozen=True, slots=True)
class _Appearance:
    at: int  # first token
    sentence: int
    paragraph: int
    speaker: Speaker
    prominent: bool  # given the word, or the subject that opens its sentence


class Speakers:
    """The speakers of a text. Made once for a text; asks are quick."""

    def __init__(self, text: str, actors: Actors) -> None:
        self._text = text
        self._actors = actors
        self._tokens = tokenize(text)
        self._names = find_names(text, self._tokens, actors)
        self._phrases = find_phrases(text, self._tokens, [(name.first, name.end) for name in self._names])
        self._starts = [token.start for token in self._tokens]
        self._ends = [token.end for token in self._tokens]
        self._speakers = introduce(text, self._tokens, self._names, actors)
        self._singles: dict[str, Speaker] = {}
        self._appearances: list[_Appearance] = []
        self._named: dict[int, Speaker | None] = {}  # first token of a name -> whose it is
        for place in sorted([*self._names, *self._phrases], key=lambda place: (place.first, -place.end)):
            self._appear(place)

    def mentions(self) -> list[Span]:
        """Everything that could be the holder of a claim, in order: names, descriptions, pronouns that speak."""
        names = [
            name.span
            for name in self._names
            if name.kind != "unknown" or speaks(self._tokens, name.first, name.end) or self._is_short(name)
        ]
        spans = {*names, *(phrase.span for phrase in self._phrases)}
        return sorted(spans, key=lambda span: (span.start, span.end))

    def speaking(self) -> list[Span]:
        """The mentions that are given the word: subjects of a speech verb, or after "according to", in order."""
        places: list[Name | Phrase] = [*self._names, *self._phrases]
        spans = {one.span for one in places if speaks(self._tokens, one.first, one.end)}
        return sorted(spans, key=lambda span: (span.start, span.end))

    def holder(self, mention: Span) -> Holder | None:
        """Who a stretch of the text names or stands for; None where that is nobody, or not certain."""
        first, end = bisect_right(self._ends, mention.start), bisect_left(self._starts, mention.end)
        if first >= end:
            return None
        if end - first == 1 and self._tokens[first].lower in PRONOUN:
            return _as_holder(self._pronoun(self._tokens[first].lower, first))
        heads = self._heads(first, end)
        if len(heads) == 1:
            return _as_holder(self._named[heads[0].first])
        if not heads and not any(token.lower in ("and", "or") for token in self._tokens[first:end]):
            phrase = self._phrase(first, end)
            if phrase.definite and not is_plural(phrase.head):
                return _as_holder(self._definite(phrase))
        return self._as_written(first, end)

    def _as_written(self, first: int, end: int) -> Holder:
        span = Span(self._starts[first], self._ends[end - 1])
        written = span.of(self._text)
        return Holder(written, self._actors.link(written), span)

    def _heads(self, first: int, end: int) -> list[Name]:
        """The names in a stretch that are its holder, not a part of the description of one."""
        low = bisect_right([name.end for name in self._names], first)
        heads = []
        for name in self._names[low:]:
            if name.first >= end:
                break
            possessed = name.end < end - 1 and self._tokens[name.end].text in ("'s", "’s", "'", "’")
            described = any(token.lower in PREPOSITION for token in self._tokens[first : name.first])
            joined = any(token.lower in ("and", "or") for token in self._tokens[name.end : end])
            if not possessed and not described:
                heads += [name, name] if joined else [name]
        return heads

    def _phrase(self, first: int, end: int) -> Phrase:
        words = [token.lower for token in self._tokens[first:end]]
        until = next((n for n, word in enumerate(words) if n and word in PREPOSITION | {","}), len(words))
        head = words[until - 1]
        kind = "body" if head in COLLECTIVES and head not in TRADES else "person"
        return Phrase(Span(self._starts[first], self._ends[end - 1]), first, end, head, tuple(words[:until]), kind)

    def _appear(self, place: Name | Phrase) -> None:
        speaker = self._whose(place) if isinstance(place, Name) else self._described(place)
        if isinstance(place, Name):
            self._named[place.first] = speaker
        if speaker is None:
            return
        token = self._tokens[place.first]
        before = self._tokens[: place.first][-1:]
        opens = token.begins or (bool(before) and before[0].begins and before[0].lower in TITLES | TRADES)
        prominent = opens or speaks(self._tokens, place.first, place.end)
        self._appearances.append(_Appearance(place.first, token.sentence, token.paragraph, speaker, prominent))

    def _described(self, phrase: Phrase) -> Speaker | None:
        if phrase.kind == "pronoun":
            return self._pronoun(phrase.head, phrase.first)
        if phrase.definite and phrase.kind != "group":
            return self._definite(phrase)
        return from_phrase(phrase, self._text, self._actors)

    # names

    def _is_short(self, name: Name) -> bool:
        speaker = self._named.get(name.first)
        return speaker is not None and speaker.kind == "person"

    def _whose(self, name: Name) -> Speaker | None:
        words = name_words_of(name)
        full = [one for one in self._speakers if one.name.casefold() == name.text.casefold()]
        if len(full) == 1:
            return full[0]
        title = self._tokens[name.first - 1].lower if name.first else ""
        bearers = self._bearers(words)
        if len(bearers) > 1:
            bearers = self._told_apart(bearers, title, name)
        if bearers:
            return bearers[0] if len(bearers) == 1 else None
        single = self._singles.get(name.text.casefold())
        if single is None:
            single = Speaker(name.text, name.kind, name.span, words, self._actors.link(name.text))
            single.gender = gender_of_word(title)
            self._singles[name.text.casefold()] = single
        return single

    def _bearers(self, words: tuple[str, ...]) -> list[Speaker]:
        """The introduced people whom a short name may be: by surname first, else by any part of the name."""
        people = [one for one in self._speakers if one.kind == "person"]
        by_surname = [one for one in people if one.surname == words[-1] and set(words) <= set(one.words)]
        return by_surname or [one for one in people if set(words) <= set(one.words)]

    def _told_apart(self, bearers: list[Speaker], title: str, name: Name) -> list[Speaker]:
        gender = gender_of_word(title)
        if gender:
            return [one for one in bearers if one.gender == gender] or [one for one in bearers if not one.gender]
        if title in TRADES | TITLES:
            return [one for one in bearers if any(office.may_be(Office(title)) for office in one.offices)]
        sentence = self._tokens[name.first].sentence
        spoke = {
            id(seen.speaker): seen.speaker
            for seen in self._appearances[-_REACH:]
            if seen.sentence in (sentence - 1, sentence) and seen.prominent and seen.speaker in bearers
        }
        return list(spoke.values()) if len(spoke) == 1 else bearers

    # pronouns and descriptions

    def _before(self, at: int) -> list[_Appearance]:
        """What appeared within reach before a token, newest first."""
        until = bisect_left([seen.at for seen in self._appearances], at)
        lowest = self._tokens[at].paragraph - _PARAGRAPHS
        near = self._appearances[max(0, until - _REACH) : until]
        return [seen for seen in reversed(near) if seen.paragraph >= lowest]

    def _pronoun(self, word: str, at: int) -> Speaker | None:
        if word in PRONOUN_THEY:
            fits: Callable[[Speaker], bool] = _is_several
        elif word in PRONOUN_IT:
            fits = _is_thing
        else:
            gender = "f" if word in PRONOUN_SHE else "m"
            fits = lambda one: one.kind in ("person", "unknown") and one.gender in ("", gender)  # noqa: E731
        return _newest([seen for seen in self._before(at) if fits(seen.speaker)])

    def _definite(self, phrase: Phrase) -> Speaker | None:
        office = Office(phrase.head, frozenset(phrase.words[1:-1]) - DETERMINER - POSSESSIVE)
        if phrase.kind == "body":
            fits: Callable[[Speaker], bool] = lambda one: one.kind != "person" and one.is_called(phrase.head)
        else:
            fits = lambda one: one.kind == "person" and any(own.may_be(office) for own in one.offices)
        seen = [one for one in self._before(phrase.first) if fits(one.speaker)]
        distinct = _distinct(seen)
        if len(distinct) == 1:
            return distinct[0]
        if distinct:
            return _newest([one for one in seen if one.prominent and one.sentence >= seen[0].sentence])
        named = [one for one in self._speakers if one.first.end <= phrase.span.start and fits(one)]
        return named[0] if len(named) == 1 else None if named else from_phrase(phrase, self._text, self._actors)


def _is_several(one: Speaker) -> bool:
    return one.kind == "group"


def _is_thing(one: Speaker) -> bool:
    return one.kind in ("body", "unknown")


def _distinct(seen: Iterable[_Appearance]) -> list[Speaker]:
    return list({id(one.speaker): one.speaker for one in seen}.values())


def _newest(seen: Sequence[_Appearance]) -> Speaker | None:
    """The one who appeared last, those who were given the word first; None where two did in one sentence."""
    prominent = [one for one in seen if one.prominent]
    for choice in (prominent, list(seen)):
        if choice:
            last = _distinct(one for one in choice if one.sentence == choice[0].sentence)
            return last[0] if len(last) == 1 else None
    return None


def _as_holder(speaker: Speaker | None) -> Holder | None:
    return Holder(speaker.name, speaker.actor_id, speaker.first) if speaker else None
