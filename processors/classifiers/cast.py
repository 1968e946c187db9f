"""Who appears in one article: each speaker once, with all names, offices and signs of gender the text gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from processors.classifiers.actors import Actors
from processors.classifiers.lexicon import (
    BODIES,
    COLLECTIVES,
    DETERMINER,
    FEMALE_NAMES,
    FEMALE_TITLES,
    FIRST_SURNAMES,
    MALE_NAMES,
    MALE_TITLES,
    NAME_TITLES,
    POSSESSIVE,
    PREPOSITION,
    QUANTIFIER,
    RELATIVE,
    SPEECH,
    SUFFIXES,
    TITLES,
    TRADES,
    same_trade,
    word_set,
)
from processors.classifiers.names import Name
from processors.classifiers.phrases import Phrase
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import Token

# How far from a name its office may stand, in tokens.
_NEAR = 12
# Of so many who share a word the rest is not looked at: nobody is told apart among them.
_MANY = 50
# Adjectives that say nothing of which office is meant.
_LOOSE = word_set("former then late new current own young old outgoing")


@dataclass(frozen=True, slots=True)
class Office:
    """What somebody is, as "communications minister": the noun and the words that narrow it."""

    noun: str
    narrowed: frozenset[str] = frozenset()

    def may_be(self, other: "Office") -> bool:
        """Whether a text can mean this one by the other, which comes back to it with fewer words."""
        if not same_trade(self.noun, other.noun):
            return False
        if ("prime" in self.narrowed) != ("prime" in other.narrowed) and "minister" in (self.noun, other.noun):
            return False
        return not self.narrowed or other.narrowed - _LOOSE <= self.narrowed


@dataclass(slots=True, eq=False)
class Speaker:
    """One person, body or group of the article."""

    name: str
    kind: str  # "person", "body", "group", "unknown"
    first: Span
    words: tuple[str, ...] = ()  # of a name, in small letters
    actor_id: str | None = None
    actor_kind: str = ""
    gender: str = ""  # "f", "m"
    offices: set[Office] = field(default_factory=set)

    @property
    def surname(self) -> str:
        """What a person is called by alone."""
        plain = [word for word in self.words if word not in SUFFIXES]
        if plain and plain[0] in FIRST_SURNAMES and 1 < len(plain) <= 3:
            return plain[0]
        return plain[-1] if plain else ""

    def is_exactly(self, noun: str) -> bool:
        """Whether the text itself has given this noun to it."""
        return noun in self.words or any(office.noun == noun for office in self.offices)

    def is_called(self, office: Office) -> bool:
        """Whether a body may be come back to by this: the group, the trade group, the commission."""
        own = [*self.words, *(word for one in self.offices for word in (one.noun, *one.narrowed))]
        generic = BODIES.get(self.actor_kind, frozenset())
        return (office.noun in own or office.noun in generic) and office.narrowed <= {*own, *generic}


class Cast:
    """The speakers whom full names introduce: people by two words and more, bodies, also by their acronyms."""

    def __init__(self, tokens: Sequence[Token], names: Sequence[Name], actors: Actors) -> None:
        self._by_name: dict[str, Speaker] = {}  # case folded
        self._by_word: dict[str, dict[Speaker, None]] = {}  # of people; a dict for its order
        self._by_noun: dict[str, dict[Speaker, None]] = {}  # people by offices, bodies by the last word of their names
        self._people_by_id: dict[str, Speaker] = {}
        for name in sorted(names, key=lambda name: (-(name.end - name.first), name.first)):
            if name.kind == "body" or (name.kind == "person" and len(name.text.split()) > 1):
                self._introduce(name, tokens, actors)
        for name in names:
            acronym = _acronym(tokens, name)
            if acronym and name.text.casefold() in self._by_name:
                self._by_name[acronym] = self._by_name[name.text.casefold()]
        for speaker in self._by_name.values():
            speaker.gender = speaker.gender or gender_of_name(speaker)

    def _introduce(self, name: Name, tokens: Sequence[Token], actors: Actors) -> None:
        key = name.text.casefold()
        speaker = self._by_name.get(key) or self._fuller(name) or _new(name, actors)
        if key == speaker.name.casefold() and name.span.start < speaker.first.start:
            speaker.first = name.span
        self._by_name[key] = speaker
        if speaker.kind == "person":
            if speaker.actor_id:
                self._people_by_id[speaker.actor_id] = speaker
            for word in speaker.words:
                self._by_word.setdefault(word, {})[speaker] = None
        speaker.offices.update(offices_beside(tokens, name))
        speaker.gender = speaker.gender or gender_beside(tokens, name)
        for noun in speaker.words[-1:] if speaker.kind == "body" else [office.noun for office in speaker.offices]:
            self._by_noun.setdefault(noun, {})[speaker] = None

    def _fuller(self, name: Name) -> Speaker | None:
        """The one whose fuller name this is a shorter form of: "Robert Kennedy" of "Robert F. Kennedy Jr."."""
        if name.kind == "person" and name.actor_id in self._people_by_id:
            return self._people_by_id[name.actor_id]
        words = name_words_of(name)
        same = self._people(words) if name.kind == "person" and len(words) > 1 else []
        return same[0] if len(same) == 1 else None

    def _people(self, words: tuple[str, ...]) -> list[Speaker]:
        plain = [word for word in words if word not in SUFFIXES] or list(words)
        sharing = islice(self._by_word.get(plain[-1], ()), _MANY)
        return [one for one in sharing if set(plain) <= set(one.words)]

    def called(self, name: Name) -> Speaker | None:
        """The one whose full name or acronym this is."""
        return self._by_name.get(name.text.casefold())

    def known_as(self, noun: str, before: int) -> list[Speaker]:
        """Whom this noun introduces before a place in the text: people by their office, bodies as their last word."""
        return [speaker for speaker in islice(self._by_noun.get(noun, ()), _MANY) if speaker.first.end <= before]

    def bearers(self, name: Name) -> list[Speaker]:
        """The people whom a short name may be: by surname first, else by any part of the name."""
        words = name_words_of(name)
        people = self._people(words)
        return [one for one in people if one.surname == words[-1]] or people


def _acronym(tokens: Sequence[Token], name: Name) -> str:
    """What a text says it will call a body by: "Center for AI Safety (CAIS)"."""
    marks = [token.text for token in tokens[name.end : name.end + 3]]
    if name.kind == "body" and len(marks) == 3 and marks[0] == "(" and marks[2] == ")" and marks[1][:2].isupper():
        return marks[1].casefold()
    return ""


def name_words_of(name: Name) -> tuple[str, ...]:
    """The words of a name that tell people apart: no titles, no initials."""
    words = [word.lower().replace("’", "'") for word in name.text.split()]
    while len(words) > 1 and words[0] in NAME_TITLES:
        words = words[1:]
    return tuple(word for word in words if not (len(word) < 3 and word.endswith("."))) or tuple(words)


def _new(name: Name, actors: Actors) -> Speaker:
    actor_id = name.actor_id or actors.link(name.text)
    return Speaker(
        name.text,
        name.kind,
        name.span,
        name_words_of(name),
        actor_id,
        actors[actor_id].kind if actor_id else "",
    )


def offices_beside(tokens: Sequence[Token], name: Name) -> list[Office]:
    """The offices a text gives somebody right before or after the name."""
    return [*_before(tokens, name.first), *_after(tokens, name.end)]


def _before(tokens: Sequence[Token], first: int) -> Iterator[Office]:
    at = first - 1
    comma = at >= 0 and tokens[at].text == ","
    at -= comma
    if at < 0 or not _is_office(tokens[at].lower):
        return
    noun, narrowed = tokens[at].lower, []
    at -= 1
    while at >= max(0, first - _NEAR) and tokens[at].text[0].isalpha() and tokens[at].lower not in _BOUNDS:
        narrowed.append(tokens[at].lower)
        at -= 1
    bounded = at >= 0 and tokens[at].lower in DETERMINER | POSSESSIVE | frozenset(("'s",))
    if not comma or bounded:
        yield Office(noun, frozenset(narrowed))


def _after(tokens: Sequence[Token], end: int) -> Iterator[Office]:
    if end >= len(tokens) or tokens[end].text not in (",", "("):
        return
    narrowed: list[str] = []
    for token in tokens[end + 1 : end + 1 + _NEAR]:
        if not token.text[0].isalnum() and token.text not in ("'", "’", "'s", "’s"):
            return
        if token.lower in PREPOSITION | RELATIVE | SPEECH - TRADES:
            return
        if _is_office(token.lower):
            yield Office(token.lower, frozenset(narrowed))
        elif token.lower not in DETERMINER | POSSESSIVE:
            narrowed.append(token.lower)


_BOUNDS = DETERMINER | POSSESSIVE | PREPOSITION | SPEECH | QUANTIFIER | frozenset(("'s", "and", "or", "but"))


def _is_office(word: str) -> bool:
    return word in TRADES or word in COLLECTIVES or (word in TITLES and word not in MALE_TITLES | FEMALE_TITLES)


def gender_beside(tokens: Sequence[Token], name: Name) -> str:
    """What title, office or pronoun beside a name say."""
    before = tokens[name.first - 1].lower if name.first else ""
    first = tokens[name.first].lower
    for word in (before, first, *(office.noun for office in offices_beside(tokens, name))):
        gender = gender_of_word(word)
        if gender:
            return gender
    return ""


def gender_of_word(word: str) -> str:
    """What a title or office says: Ms, chairwoman, father."""
    if word in FEMALE_TITLES or word.endswith("woman") or word in ("mother", "widow", "girl", "nun", "actress"):
        return "f"
    male = word in MALE_TITLES or (word.endswith("man") and word not in ("human", "german", "layman", "ottoman"))
    return "m" if male or word in ("father", "boy", "monk") else ""


def gender_of_name(speaker: Speaker) -> str:
    """What the given name says, of a person whom the text gives no other sign of."""
    if speaker.kind != "person" or len(speaker.words) < 2:
        return ""
    given = speaker.words[0]
    return "f" if given in FEMALE_NAMES else "m" if given in MALE_NAMES else ""


def from_phrase(phrase: Phrase, text: str, actors: Actors) -> Speaker:
    """The speaker that an own description introduces: "a Thai engineer"."""
    written = phrase.span.of(text)
    office = Office(phrase.head, frozenset(phrase.words[:-1]) - DETERMINER - QUANTIFIER - POSSESSIVE)
    return Speaker(
        written,
        phrase.kind,
        phrase.span,
        actor_id=actors.link(written),
        gender=gender_of_word(phrase.head),
        offices={office},
    )
