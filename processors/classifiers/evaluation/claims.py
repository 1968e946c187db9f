"""When two claims, or the names of two holders, are the same: the lenient one-to-one matching of the evaluation."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from govwire.core.records import AUTHOR
from processors.classifiers import OVERALL
from processors.classifiers.evaluation.records import LabelledClaim

T = TypeVar("T")

_TITLES = frozenset(
    ("the", "a", "an", "of", "and", "mr", "ms", "dr", "sen", "rep", "president", "minister", "prime", "professor")
)


def most_specific(claims: Sequence[LabelledClaim]) -> list[LabelledClaim]:
    """Without the overall claims of holders that have a more specific one."""
    specific = {claim.holder for claim in claims if claim.target != OVERALL}
    return [claim for claim in claims if claim.target != OVERALL or claim.holder not in specific]


def match(wanted: Sequence[T], given: Sequence[T], same: Callable[[T, T], bool]) -> list[tuple[int, int]]:
    """Which of the wanted is which of the given, one to one, in the order of the wanted: their numbers."""
    left = list(range(len(given)))
    found = []
    for number, one in enumerate(wanted):
        other = next((candidate for candidate in left if same(one, given[candidate])), None)
        if other is not None:
            left.remove(other)
            found.append((number, other))
    return found


def same_claim(one: LabelledClaim, other: LabelledClaim) -> bool:
    """Whether holder, target and label agree."""
    return one.label == other.label and same_position(one, other)


def same_position(one: LabelledClaim, other: LabelledClaim) -> bool:
    """Whether holder and target agree, whatever the label."""
    return one.target == other.target and same_holder(one.holder, other.holder)


def same_holder(one: str, other: str) -> bool:
    """Whether two names may be one holder: one's words within the other's, or half of them all in common."""
    if one == other:
        return True
    words, others = _words(one), _words(other)
    if AUTHOR in (one, other) or not words or not others:
        return False
    return words <= others or others <= words or len(words & others) / len(words | others) >= 0.5


def _words(name: str) -> set[str]:
    return {word for word in re.findall(r"\w+", name.lower()) if word not in _TITLES}
