"""Choosing: calibration and cuts, on events that the network did not learn from, by the engine as it is used."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from processors.classifiers.heads import Scale, logit

Array = NDArray[Any]
STEPS = np.arange(0.05, 0.96, 0.01)
# F1 differs by this much between two ways to deal the same events into parts.
AS_GOOD = 0.005


def scale(chances: Sequence[float], right: Sequence[bool]) -> Scale:
    """The calibration of a yes-or-no head, from its chances and what was so."""
    model = LogisticRegression(C=1e3)
    model.fit(logit(np.array(chances))[:, np.newaxis], np.array(right))
    return Scale(slope=round(float(model.coef_[0, 0]), 4), shift=round(float(model.intercept_[0]), 4))


def temperature(chances: Sequence[Sequence[float]], right: Sequence[int]) -> Scale:
    """The calibration of a head of several outcomes (Guo et al., 2017): the slope of its logits."""
    logits = np.log(np.clip(np.array(chances), 1e-9, 1))
    rows = np.arange(len(right))

    def surprise(slope: float) -> float:
        scaled = logits * slope
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, right]).mean())

    return Scale(slope=round(float(min(np.arange(0.1, 2.01, 0.02), key=surprise)), 2))


def cut(chances: Sequence[float], right: Sequence[bool], average: str = "binary") -> float:
    """The middle of the cuts that are as good as the best: the very best one is an accident of the events."""
    said, gold = np.array(chances), np.array(right)
    scores = np.array([f1_score(gold, said >= step, average=average, zero_division=0) for step in STEPS])
    return round(float(STEPS[scores >= scores.max() - AS_GOOD].mean()), 2)


def given_up(leads: Sequence[float], said: Sequence[bool], right: Sequence[bool]) -> float:
    """The highest chance below which a lead may end the reading without loss of the macro-F1 of what is said."""
    begun, whole, gold = np.array(leads), np.array(said), np.array(right)
    best = f1_score(gold, whole, average="macro")
    steps = np.unique(begun.round(4))
    kept = [step for step in steps if f1_score(gold, whole & (begun >= step), average="macro") >= best]
    return round(float(max(kept, default=0.0)), 4)


def precise(chances: Sequence[float], right: Sequence[bool], wanted: float) -> float:
    """The lowest cut from which on so many of those above it are right; the highest step where none is."""
    said, gold = np.array(chances), np.array(right)
    for step in STEPS:
        above = said >= step
        if above.any() and gold[above].mean() >= wanted:
            return round(float(step), 2)
    return round(float(STEPS[-1]), 2)
