"""The speakers of one article: where they are named, and who a short name, a pronoun or "the minister" is.

Rules on the surface of English, without a model. What stays ambiguous is nobody rather than the wrong one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from processors.classifiers.actors import Actors
from processors.classifiers.cast import (
    Cast,
    Office,
    Speaker,
    from_phrase,
    gender_of_word,
    name_words_of,
    offices_beside,
)
from processors.classifiers.lexicon import (
    AUXILIARY,
    COLLECTIVES,
    CONJUNCTION,
    DETERMINER,
    GENDERS,
    POSSESSIVE,
    PREPOSITION,
    PRONOUN,
    PRONOUN_IT,
    PRONOUN_THEY,
    RELATIVE,
    SPEECH,
    TRADES,
    is_human,
)
from processors.classifiers.names import Name, find_names
from processors.classifiers.phrases import Phrase, find_phrases, is_plural
from processors.classifiers.sentences import Span
from processors.classifiers.speech import speaks
from processors.classifiers.tokens import tokenize

# A pronoun or description reaches back over this many paragraphs, and at most so many appearances.
_PARAGRAPHS = 2
_REACH = 60
# How many words of title and office may stand before the name that opens a sentence.
_OPENING = 12
_CLAUSAL = PREPOSITION | CONJUNCTION | AUXILIARY | (SPEECH - TRADES)


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
    spoke: bool
    opened: bool  # the subject that opens its sentence

    @property
    def prominent(self) -> bool:
        return self.spoke or self.opened


class Speakers:
    """The speakers of a text. Made once for a text; asks are quick."""

    def __init__(self, text: str, actors: Actors) -> None:
        self._text = text
        self._actors = actors
        self._tokens = tokenize(text)
        self._names = find_names(text, self._tokens, actors)
        self._phrases = find_phrases(self._tokens, [(name.first, name.end) for name in self._names])
        self._starts = [token.start for token in self._tokens]
        self._ends = [token.end for token in self._tokens]
        self._cast = Cast(self._tokens, self._names, actors)
        self._singles: dict[str, Speaker] = {}
        self._appearances: list[_Appearance] = []
        self._named: dict[int, Speaker | None] = {}  # first token of a name -> whose it is
        places: list[Name | Phrase] = [*self._names, *self._phrases]
        for place in sorted(places, key=lambda place: (place.first, -place.end)):
            self._appear(place)

    def mentions(self) -> list[Span]:
        """Everything that could be the holder of a claim, in order: names, descriptions, pronouns that speak."""
        names = [name.span for name in self._names if self._may_hold(name)]
        spans = {*names, *(phrase.span for phrase in self._phrases)}
        return sorted(spans, key=lambda span: (span.start, span.end))

    def speaking(self) -> list[Span]:
        """The mentions that are given the word: subjects of a speech verb, or after "according to", in order."""
        places: list[Name | Phrase] = [*self._names, *self._phrases]
        spans = {one.span for one in places if speaks(self._tokens, one.first, one.end)}
        return sorted(spans, key=lambda span: (span.start, span.end))

    def refers(self, mention: Span) -> bool:
        """Whether a mention stands for somebody who is named elsewhere, as a pronoun or a short name does."""
        holder = self.holder(mention)
        return holder is not None and holder.name != mention.of(self._text)

    def _may_hold(self, name: Name) -> bool:
        if speaks(self._tokens, name.first, name.end):
            return True
        speaker = self._named[name.first]
        before = self._tokens[name.first - 1].lower if name.first else ""
        after = self._tokens[name.end].lower if name.end < len(self._tokens) else ""
        if speaker and speaker.actor_kind == "state":
            return before not in PREPOSITION and not is_human(after)
        if name.kind != "unknown" or (speaker is not None and speaker.kind == "person"):
            return True
        return self._opens(name.first) and (after == "," or after in AUXILIARY)

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
            # The article may stand before the stretch.
            article = first > 0 and self._tokens[first - 1].lower in ("the", "its")
            phrase = self._phrase(first - article, end)
            beside = self._named_beside(phrase)
            if beside or (phrase.comes_back and not is_plural(phrase.head)):
                return _as_holder(beside or self._definite(phrase))
        return self._as_written(first, end)

    def _as_written(self, first: int, end: int) -> Holder:
        span = Span(self._starts[first], self._ends[end - 1])
        written = span.of(self._text)
        return Holder(written, self._actors.link(written), span)

    def _heads(self, first: int, end: int) -> list[Name]:
        """The names in a stretch that are its holder, not a part of the description of one."""
        low = bisect_right(self._names, first, key=lambda name: name.end)
        heads = []
        for name in self._names[low:]:
            if name.first >= end:
                break
            follows = self._tokens[name.end] if name.end < end else None
            possessed = follows is not None and (
                follows.text in ("'s", "’s", "'", "’")
                or (follows.text.islower() and follows.lower not in _CLAUSAL | RELATIVE)
            )
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
        if isinstance(place, Phrase) and place.kind == "pronoun" and speaker.words and place.head in GENDERS:
            speaker.gender = GENDERS[place.head]
        token = self._tokens[place.first]
        spoke = speaks(self._tokens, place.first, place.end)
        opened = self._opens(place.first)
        self._appearances.append(_Appearance(place.first, token.sentence, token.paragraph, speaker, spoke, opened))

    def _opens(self, at: int) -> bool:
        """Whether a name is the subject that opens its sentence, behind nothing but article, title and office."""
        first = at
        while not self._tokens[at].begins:
            at -= 1
            if at < first - _OPENING:
                return False
            word = self._tokens[at]
            if word.text == "," and self._tokens[at - 1].lower in TRADES:
                continue
            if not word.text.isalpha() or word.lower in _CLAUSAL:
                return False
        return True

    def _described(self, phrase: Phrase) -> Speaker | None:
        if phrase.kind == "pronoun":
            return self._pronoun(phrase.head, phrase.first)
        beside = self._named_beside(phrase)
        if beside:
            return beside
        if phrase.comes_back and phrase.kind in ("person", "body"):
            return self._definite(phrase)
        return from_phrase(phrase, self._text, self._actors)

    # names

    def _whose(self, name: Name) -> Speaker | None:
        own = self._cast.called(name)
        if own:
            return own
        title = self._tokens[name.first - 1].lower if name.first else ""
        gender = gender_of_word(title)
        bearers = self._cast.bearers(name)
        if len(bearers) > 1:
            bearers = self._told_apart(bearers, title, gender, self._tokens[name.first].sentence)
        if len(bearers) > 1:
            return None
        if not bearers:
            return self._single(name, title)
        bearers[0].gender = gender or bearers[0].gender
        return bearers[0]

    def _single(self, name: Name, title: str) -> Speaker:
        key = name.text.casefold()
        if key not in self._singles:
            single = Speaker(name.text, name.kind, name.span, name_words_of(name), self._actors.link(name.text))
            single.gender, single.offices = gender_of_word(title), set(offices_beside(self._tokens, name))
            self._singles[key] = single
        return self._singles[key]

    def _told_apart(self, bearers: list[Speaker], title: str, gender: str, sentence: int) -> list[Speaker]:
        if gender:
            bearers = [one for one in bearers if one.gender == gender] or [one for one in bearers if not one.gender]
        else:
            bearers = [one for one in bearers if any(office.noun == title for office in one.offices)] or bearers
        if len(bearers) < 2:
            return bearers
        spoke = [
            seen
            for seen in self._appearances[-_REACH:]
            if seen.sentence in (sentence - 1, sentence) and seen.prominent and seen.speaker in bearers
        ]
        return _distinct(spoke) or bearers

    # pronouns and descriptions

    def _before(self, at: int) -> list[_Appearance]:
        """What appeared within reach before a token, newest first."""
        until = bisect_left(self._appearances, at, key=lambda seen: seen.at)
        lowest = self._tokens[at].paragraph - _PARAGRAPHS
        near = self._appearances[max(0, until - _REACH) : until]
        return [seen for seen in reversed(near) if seen.paragraph >= lowest]

    def _pronoun(self, word: str, at: int) -> Speaker | None:
        seen = self._before(at)
        if word in PRONOUN_THEY:
            return _newest([one for one in seen if one.speaker.kind == "group"])
        if word in PRONOUN_IT:
            return _newest([one for one in seen if one.speaker.kind in ("body", "thing", "unknown") and _stands(one)])
        fitting = [one for one in seen if one.speaker.gender in ("", GENDERS[word])]
        people = [one for one in fitting if one.speaker.kind == "person"]
        return _newest(people or [one for one in fitting if one.speaker.kind == "unknown"])

    def _named_beside(self, phrase: Phrase) -> Speaker | None:
        """The one whom a description introduces: "its chief executive, Sam Altman"."""
        after = phrase.end + (phrase.end < len(self._tokens) and self._tokens[phrase.end].text == ",")
        low = bisect_left(self._names, after, key=lambda name: name.first)
        name = self._names[low] if low < len(self._names) else None
        if phrase.kind != "person" or name is None or name.first != after or name.kind != "person":
            return None
        return self._named[name.first] if name.first in self._named else self._whose(name)

    def _definite(self, phrase: Phrase) -> Speaker | None:
        """Who "the minister" or "the group" is: by the very noun near by, then anywhere before, then by its like."""
        office = Office(phrase.head, frozenset(phrase.words[1:-1]) - DETERMINER - POSSESSIVE)
        near = [one for one in self._before(phrase.first) if _fits(one.speaker, phrase, office) and _stands(one)]
        exact = [one for one in near if one.speaker.is_exactly(phrase.head)]
        known = [one for one in self._cast.known_as(phrase.head, phrase.span.start) if _fits(one, phrase, office)]
        if not exact and known:
            return known[0] if len(known) == 1 else None
        choice = exact or near
        if not choice:
            return from_phrase(phrase, self._text, self._actors)
        distinct = _distinct(choice)
        return distinct[0] if len(distinct) == 1 else _only([one for one in choice if one.spoke])


def _fits(speaker: Speaker, phrase: Phrase, office: Office) -> bool:
    if phrase.kind == "body":
        return speaker.kind != "person" and speaker.is_called(office)
    return speaker.kind == "person" and any(own.may_be(office) for own in speaker.offices)


def _stands(seen: _Appearance) -> bool:
    """Whether a state or unknown name is there as somebody rather than as a place."""
    return seen.prominent or (seen.speaker.kind != "unknown" and seen.speaker.actor_kind != "state")


def _distinct(seen: Iterable[_Appearance]) -> list[Speaker]:
    return list({id(one.speaker): one.speaker for one in seen}.values())


def _only(seen: Sequence[_Appearance]) -> Speaker | None:
    """The one who spoke in the last sentence in which anybody did, if only one did."""
    last = _distinct(one for one in seen if one.sentence == seen[0].sentence)
    return last[0] if len(last) == 1 else None


def _newest(seen: Sequence[_Appearance]) -> Speaker | None:
    """The one who appeared last: in the nearest paragraph, those who were given the word before those only mentioned.

    None where two did in one sentence, or nobody did.
    """
    if not seen:
        return None
    here = [one for one in seen if one.paragraph == seen[0].paragraph]
    candidates = [one for one in here if one.prominent] or here
    return _only(candidates)


def _as_holder(speaker: Speaker | None) -> Holder | None:
    return Holder(speaker.name, speaker.actor_id, speaker.first) if speaker else None
