"""Counts over records, their sums, and how far those would differ on other records of the same kind.

Whatever is measured is a function of sums of counts. A bootstrap draws the records again, with replacement; their sums
are drawn sums, and the same function gives the figure's percentiles (Efron, 1979). Seeded, so that the same file gives
the same table.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

SAMPLES = 1000
SEED = 20261124

Vector = NDArray[np.float64]  # of the records themselves first, then of every sample
Key = tuple[str, ...]  # what is counted, of which topic or target, of which label, …
Counts = Counter[Key]
PARTS = ("gold", "said", "both")  # where a label is counted


@dataclass(frozen=True)
class Figure:
    """A figure's values; `hits` of `total` where it is a share of something countable."""

    values: Vector
    hits: int | None = None
    total: int | None = None


Figures = Mapping[str, Figure]


@dataclass(frozen=True)
class Row:
    """One line of a table: a figure of one classifier, with its 95 % interval where it has one."""

    block: str
    figure: str
    classifier: str
    value: float | None  # None: nothing to count
    low: float | None = None
    high: float | None = None
    hits: int | None = None
    total: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Tally:
    """How often gold has a label, how often it was said, and how often both."""

    gold: Vector
    said: Vector
    both: Vector

    @property
    def precision(self) -> Vector:
        """How much of what was said is right."""
        return ratio(self.both, self.said)

    @property
    def recall(self) -> Vector:
        """How much of gold was said."""
        return ratio(self.both, self.gold)

    @property
    def f1(self) -> Vector:
        """The harmonic mean of both; nan where there is neither gold nor said."""
        return ratio(2 * self.both, self.gold + self.said)


class Sums:
    """The sums of the records' counts: of the records themselves, and of `samples` that are drawn from them."""

    def __init__(self, counts: Sequence[Counts], samples: int = 0) -> None:
        keys = sorted({key for one in counts for key in one})
        matrix = np.array([[one[key] for key in keys] for one in counts], np.float64).reshape(len(counts), len(keys))
        drawn: Vector = np.zeros((samples, 0))
        if counts:
            even = np.full(len(counts), 1 / len(counts))
            drawn = np.random.default_rng(SEED).multinomial(len(counts), even, samples).astype(np.float64)
        sums = np.concatenate([np.ones((1, len(counts))), drawn]) @ matrix
        self._sums: dict[Key, Vector] = dict(zip(keys, sums.T, strict=True))
        self._nothing: Vector = np.zeros(1 + samples)

    def __getitem__(self, key: Key) -> Vector:
        """The sums under a key; 0 where no record has it."""
        return self._sums.get(key, self._nothing)

    def names(self, kind: str) -> list[str]:
        """What the keys of a kind are about, in order."""
        return sorted({key[1] for key in self._sums if key[0] == kind})

    def total(self, keys: Iterable[Key]) -> Vector:
        """The sums of several keys together."""
        total = self._nothing.copy()
        for key in keys:
            total += self[key]
        return total

    def tally(self, kind: str, names: Iterable[str] = ("",), label: str = "") -> Tally:
        """The tally of one label over some names together."""
        names = list(names)
        return Tally(*(self.total((kind, name, label, part) for name in names) for part in PARTS))


def add(counts: Counts, kind: str, name: str, label: str, *, gold: int, said: int, both: int | None = None) -> None:
    """Count one label of one record; by default both where both are."""
    for part, number in zip(PARTS, (gold, said, min(gold, said) if both is None else both), strict=True):
        counts[kind, name, label, part] += number


def ratio(part: Vector, whole: Vector) -> Vector:
    """A share; nan where there is nothing to share."""
    part, whole = np.broadcast_arrays(part, whole)
    shares: Vector = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=shares, where=whole > 0)


def share(part: Vector, whole: Vector) -> Figure:
    """A share with its counts."""
    return Figure(ratio(part, whole), int(part[0]), int(whole[0]))


def mean(vectors: Sequence[Vector]) -> Vector:
    """The mean of those that are there (not nan); nan where none is."""
    stacked = np.stack(vectors) if vectors else np.full((1, 1), np.nan)
    return ratio(np.nansum(stacked, axis=0), (~np.isnan(stacked)).sum(axis=0).astype(np.float64))


def rows(block: str, classifier: str, figures: Figures) -> list[Row]:
    """A line for each figure, with the 2.5th and the 97.5th percentile of the samples."""
    found = []
    for name, figure in figures.items():
        value, drawn = float(figure.values[0]), figure.values[1:]
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) and not isnan(value) else (None, None)
        found.append(
            Row(
                block,
                name,
                classifier,
                None if isnan(value) else value,
                None if low is None else float(low),
                None if high is None else float(high),
                figure.hits,
                figure.total,
            )
        )
    return found
