"""What changed between two wordings of a text: sentence by sentence, and within a sentence word by word.

Sentences that stayed are left out. One that was reworded stands beside what it became; one that has no like on the
other side was inserted or deleted. By difflib, on sentences first and then on the words of a pair.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from govwire.core.text import pieces, sentences

# Two sentences with fewer of their words in common are not one that was reworded.
_LEAST_ALIKE = 0.5

Kind = Literal["same", "inserted", "deleted"]


@dataclass(frozen=True)
class Part:
    """A run of words that stayed, came or went."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Change:
    """A sentence that was reworded; or came (`before` is None), or went (`after` is None)."""

    before: str | None
    after: str | None
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        """On one line: `+ ` came, `- ` went, `~ ` was reworded, with [-what went-] and {+what came+} as git shows."""
        if self.before is None or self.after is None:
            return f"{'+' if self.before is None else '-'} {self.parts[0].text}"
        marks = {"same": "{}", "inserted": "{{+{}+}}", "deleted": "[-{}-]"}
        return "~ " + "".join(marks[part.kind].format(part.text) for part in self.parts)


def compare(before: str, after: str, language: str) -> list[Change]:
    """The sentences that changed from one text to the other, in the order of the text."""
    old, new = (_sentences(text, language) for text in (before, after))
    changes: list[Change] = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            changes += _changes(old[old_from:old_to], new[new_from:new_to])
    return changes


def _sentences(text: str, language: str) -> list[str]:
    """Sentences without the line breaks in them: where a line is wrapped says nothing."""
    return [" ".join(text[start:end].split()) for start, end in sentences(text, language)]


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Pairs of sentences that are alike, in order; those between them went and came."""
    words = [_words(sentence) for sentence in new]
    at = 0
    for sentence in old:
        place = _most_alike(_words(sentence), words, at)
        if place is None:
            yield Change(sentence, None, (Part("deleted", sentence),))
            continue
        yield from map(_inserted, new[at:place])
        yield Change(sentence, new[place], tuple(_parts(sentence, new[place])))
        at = place + 1
    yield from map(_inserted, new[at:])


def _inserted(sentence: str) -> Change:
    return Change(None, sentence, (Part("inserted", sentence),))


def _most_alike(words: Counter[str], others: Sequence[Counter[str]], start: int) -> int | None:
    """The place, from `start` on, of the sentence most like this one; None where none is like it at all."""
    best, place = max(((_alike(words, others[at]), -at) for at in range(start, len(others))), default=(0.0, 0))
    return -place if best >= _LEAST_ALIKE else None


def _parts(before: str, after: str) -> Iterator[Part]:
    old, new = pieces(before), pieces(after)
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Part("same", "".join(old[old_from:old_to]))
            continue
        if old_from < old_to:
            yield Part("deleted", "".join(old[old_from:old_to]))
        if new_from < new_to:
            yield Part("inserted", "".join(new[new_from:new_to]))


def _words(sentence: str) -> Counter[str]:
    return Counter(piece.casefold() for piece in pieces(sentence) if piece[0].isalnum())


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """The share of words in common (Dice 1945)."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
