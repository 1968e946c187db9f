"""Actors by their names: which actor a holder is, and where a text names one. Never a guess: no certainty, no id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from govwire.core.vocabulary import Actor, ActorKind, NameWord, name_words
from processors.classifiers.lexicon import BODY_WORDS, COLLECTIVES, PREPOSITION, TRADES, word_set
from processors.classifiers.sentences import Span

# Who speaks for a body, so that the body is the holder: "a spokesperson for OpenAI", "Chinese officials".
_VOICES = word_set(
    """spokesman spokeswoman spokesperson spokespeople spokesmen representative representatives official officials
    delegate delegates delegation delegations envoy envoys ambassador ambassadors diplomat diplomats negotiator
    negotiators government ministry minister ministers chief ceo director executive executives president chairman
    chairwoman chair head boss bosses founder leader leaders leadership lawyer lawyers counsel attorneys management
    board secretariat authorities secretary secretary-general premier chancellor commissioner directors"""
)
# Words by which more than one is meant, or somebody against the one named.
_OTHERS = re.compile(r"\b(?:anti|non|rivals?|critics?|opponents?|and|or|with|against|versus|vs|both|unlike)\b|[;/&]")
# Words by which it is no longer the body that speaks: "a former OpenAI executive".
_NO_LONGER = re.compile(r"\b(?:former|formerly|ex|then|late|onetime|retired)\b")
_SPEAKS_FOR = re.compile(r"(.*?\S)\s(?:for|of|at|from)\s(.+)")
# What may follow the name itself: "Sam Altman of OpenAI", "the Commission in Brussels", "CAIS, a research group".
_DESCRIPTION = re.compile(
    r"\s(?:of|at|from|for|in|who|which|that|based)\s|\s?[,(]\s?(?=[a-z(]|[A-Z]\w*\s?\))|\s[–—-]\s"
)
_GOVERNMENT = re.compile(r"(?:the )?(\w[\w.-]*(?: \w+)?) government")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
# What is longer is a sentence, not a name.
_LONGEST = 200
# Before a name these make another one: New Mexico, Northern Ireland, Latin America, South China Sea.
_DIRECTIONS = word_set("new north south east west northern southern eastern western central latin")


@dataclass(frozen=True)
class Named:
    """A place in a text where an actor is named."""

    span: Span
    actor_id: str


class Actors:
    """The listed actors, found by any of their names. Compiled once; may be used from several threads."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = dict(actors)
        self._ids: dict[tuple[str, ...], str] = {}  # words of a name -> actor
        self._written: dict[tuple[str, ...], list[tuple[str, ...]]] = {}  # the same -> its words as written
        self._longest: dict[str, int] = {}  # first word -> most words of a name that begins with it
        self._demonyms: dict[tuple[str, ...], str] = {}
        self._unspaced: dict[str, str] = {}
        for actor in actors.values():
            for name in actor.names:
                self._learn(actor, name)
        longest_first = sorted(self._unspaced, key=len, reverse=True)
        self._in_unspaced = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def _learn(self, actor: Actor, name: str) -> None:
        words = _bare(name_words(name))
        key = tuple(word.key for word in words)
        self._ids[key] = actor.id
        self._written.setdefault(key, []).append(tuple(word.written for word in words))
        self._longest[key[0]] = max(len(key), self._longest.get(key[0], 0))
        if _UNSPACED.search(name):
            self._unspaced[name] = actor.id
        government = _GOVERNMENT.fullmatch(name)
        if government and actor.kind == "state":
            self._demonyms[tuple(word.key for word in name_words(government[1]))] = actor.id

    def __getitem__(self, actor_id: str) -> Actor:
        return self._actors[actor_id]

    def link(self, name: str) -> str | None:
        """The id of the actor that a holder is, also where a role or description stands beside the name.

        A person's role names the person, who must be listed; a nameless voice of a body is the body. None where nobody
        listed is meant, or more than one could be.
        """
        if not name.strip() or len(name) > _LONGEST:
            return None
        found = self._exact(_bare(name_words(name)))
        if found:
            return found
        if _OTHERS.search(name.casefold()):
            return None
        return self._beside_role(name) or self._by_voice(name)

    def find(self, text: str) -> list[Named]:
        """Where the text names actors, in any language: the longest names, from left to right, none within another."""
        found = [Named(Span(*match.span()), self._unspaced[match[0]]) for match in self._in_unspaced.finditer(text)]
        words = name_words(text)
        at = 0
        while at < len(words):
            taken = 1
            for length in range(min(self._longest.get(words[at].key, 0), len(words) - at), 0, -1):
                actor_id = self._exact(words[at : at + length])
                if actor_id and not _is_of_another(text, words, at, at + length):
                    found.append(Named(Span(words[at].start, words[at + length - 1].end), actor_id))
                    taken = length
                    break
            at += taken
        return sorted(set(found), key=lambda named: named.span.start)

    def _exact(self, words: Sequence[NameWord]) -> str | None:
        key = tuple(word.key for word in words)
        spellings = self._written.get(key, ())
        fits = any(all(_fits(word.written, own) for word, own in zip(words, one, strict=True)) for one in spellings)
        return self._ids[key] if fits else None

    def _by_voice(self, name: str) -> str | None:
        """Of a nameless voice, its body: "a spokesperson for OpenAI", "OpenAI's policy chief", "Chinese officials"."""
        if _NO_LONGER.search(name.casefold()):
            return None
        speaks_for = _SPEAKS_FOR.fullmatch(name)
        if speaks_for and _is_voice(speaks_for[1]) and not _holds_name(name_words(speaks_for[1])):
            return self._body(_bare(name_words(speaks_for[2])))
        words = _bare(name_words(name))
        if not words or not _is_voice(name):
            return None
        for length in range(len(words) - 1, 0, -1):
            body = self._body(words[:length]) or self._demonyms.get(tuple(word.key for word in words[:length]))
            if body and not _holds_name(words[length:]):
                return body
        return None

    def _body(self, words: Sequence[NameWord]) -> str | None:
        found = self._exact(words)
        return found if found and self._actors[found].kind != "person" else None

    def _beside_role(self, name: str) -> str | None:
        """A name after its role or before its description: "Senator Ted Cruz", "Sam Altman of OpenAI"."""
        head = _DESCRIPTION.split(name, maxsplit=1)[0]
        words = _bare(name_words(head))
        for start in range(len(words)):
            found = self._exact(words[start:])
            if found:
                alone = not start or "," not in head[words[start - 1].end : words[start].start]
                return found if self._may_precede(words[:start], self._actors[found].kind, alone) else None
        return None

    def _may_precede(self, words: Sequence[NameWord], kind: ActorKind, alone: bool) -> bool:
        if not words:
            return True
        last = words[-1]
        if any(word.key in PREPOSITION for word in words):
            return kind == "person" and last.key in TRADES
        if kind == "person":
            return alone or last.key in TRADES
        return last.written.islower() and (last.key in TRADES or last.key in COLLECTIVES)


def _bare(words: list[NameWord]) -> list[NameWord]:
    return words[1:] if len(words) > 1 and words[0].key in ("the", "a", "an") else words


def _fits(said: str, known: str) -> bool:
    """Whether a word is written as the name has it: capitals are kept, where there are small letters is free."""
    if known.isupper():
        return said.isupper()
    return not known[0].isupper() or not said[0].islower()


def _is_of_another(text: str, words: Sequence[NameWord], first: int, end: int) -> bool:
    """Whether it is part of another name: New Mexico; "President Xi" of President Xi Jinping."""

    def adjoin(left: int) -> bool:
        return text[words[left].end : words[left + 1].start] == " "

    if first and words[first - 1].key in _DIRECTIONS and words[first - 1].written[0].isupper() and adjoin(first - 1):
        return True
    return words[first].key in TRADES and end < len(words) and words[end].written[0].isupper() and adjoin(end - 1)


def _is_voice(description: str) -> bool:
    words = re.findall(r"[\w-]+", description.casefold())
    return bool(words) and words[-1] in _VOICES


def _holds_name(words: Sequence[NameWord]) -> bool:
    """Whether words beside a body name somebody or something of its own."""
    return any(
        word.written[:1].isupper() and not word.written.isupper() and word.key not in _VOICES | BODY_WORDS
        for word in words
    )
