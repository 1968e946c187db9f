"""Checking samples: a person's answer to a drop that was drawn, what follows from it, and the miss rate it gives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from govwire.core.errors import ConfigError
from govwire.core.state import State, Transaction, samples
from govwire.core.state.samples import Answer, Counts, Sample
from processors.bringing_back import bring_back

# A quarter: long enough for some hundred answers, short enough to tell of the rules of today.
PERIOD = timedelta(days=91)
# The standard normal's 97.5th percentile: of a two-sided interval of 95 %.
Z = 1.959964


@dataclass(frozen=True)
class Rate:
    """How often a rule that drops was wrong, by the samples of it that people have checked, with the 95 % interval."""

    of: Counts
    low: float
    high: float

    @property
    def missed_share(self) -> float | None:
        """The share that was relevant; None where nothing is checked."""
        return self.of.missed / self.of.checked if self.of.checked else None

    def as_dict(self) -> dict[str, Any]:
        """The rate as plain data."""
        return {**vars(self.of), "missed_share": self.missed_share, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        counts = self.of
        rule = f"{counts.reason} by {counts.dropped_by}"
        if self.missed_share is None:
            return f"{rule}: {counts.drawn} drawn, none checked yet"
        return (
            f"{rule}: {counts.missed} of {counts.checked} checked were relevant: {self.missed_share:.1%}, "
            f"95 % interval {self.low:.1%} to {self.high:.1%} ({counts.drawn} drawn)"
        )


def rates(transaction: Transaction, now: datetime) -> list[Rate]:
    """The miss rate of each rule, over what was drawn in the last quarter."""
    counted = samples.counts(transaction, now - PERIOD)
    return [Rate(counts, *wilson(counts.missed, counts.checked)) for counts in counted]


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share by its score (Wilson, 1927): right for few records and shares near 0, too."""
    if not total:
        return 0.0, 1.0
    share, unit = hits / total, Z * Z / total
    middle, half = share + unit / 2, Z * sqrt(share * (1 - share) / total + unit / (4 * total))
    return max(0.0, (middle - half) / (1 + unit)), min(1.0, (middle + half) / (1 + unit))


def answer(state: State, sample_id: int, said: Answer, by: str, now: datetime) -> Sample:
    """Write down what a person says of a sample; what is relevant is brought back, by a correction.

    Raises:
        ConfigError: there is no such sample, or it was called relevant before.
    """
    with state.begin() as transaction:
        sample = samples.find(transaction, sample_id)
        if sample.answer == Answer.RELEVANT:
            undo = (
                f"; 'govwire corrections withdraw {sample.correction_id}' takes it back" if sample.correction_id else ""
            )
            raise ConfigError(f"sample {sample_id}: {sample.answered_by} called it relevant already{undo}")
        number = _bring_back(transaction, sample, by, now) if said is Answer.RELEVANT else None
        samples.answer(transaction, sample_id, said, by=by, at=now, correction_id=number)
        return samples.find(transaction, sample_id)


def _bring_back(transaction: Transaction, sample: Sample, by: str, now: datetime) -> int | None:
    """The correction that brings it back; None where it came back by itself, as under a new model."""
    try:
        return bring_back(transaction, sample.url, by, f"sample {sample.sample_id} of {sample.week}", now)
    except ConfigError:
        return None
