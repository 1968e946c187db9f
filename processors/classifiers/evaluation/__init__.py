"""How good the labels are: every figure with its interval, beside baselines, with probes of what they hang on.

records, claims: gold and said, and when they are the same. figures, intervals: what is counted, and how sure the sums
are. probes, calibration: whether a stance follows its proposition, and a score is a chance. report, tables, scorecard,
examples: what `govwire evaluate` prints and writes.
"""

from processors.classifiers.evaluation.examples import examples
from processors.classifiers.evaluation.figures import figures
from processors.classifiers.evaluation.intervals import Row
from processors.classifiers.evaluation.records import Labelled, Pair, predict, read_gold
from processors.classifiers.evaluation.report import (
    Answers,
    agreement_rows,
    answer,
    compare,
    figure_rows,
    held_out,
    opener,
    probe_rows,
    support_rows,
)
from processors.classifiers.evaluation.scorecard import scorecard
from processors.classifiers.evaluation.tables import render

__all__ = [
    "Answers",
    "Labelled",
    "Pair",
    "Row",
    "agreement_rows",
    "answer",
    "compare",
    "examples",
    "figure_rows",
    "figures",
    "held_out",
    "opener",
    "predict",
    "probe_rows",
    "read_gold",
    "render",
    "scorecard",
    "support_rows",
]
