"""The scorecard: how good each topic and each target is, in figures with their counts and in one word."""

import numpy as np

from processors.classifiers import OVERALL
from processors.classifiers.evaluation.figures import STANCES, macro, summed
from processors.classifiers.evaluation.intervals import Sums, Tally, Vector
from processors.classifiers.evaluation.report import Answers, figure_rows
from processors.classifiers.evaluation.tables import markdown, markdown_table

# From which F1 on a label is called so.
GOOD, FAIR = 0.8, 0.65

TEXT = """# Scorecard

Made by `{what} --scorecard FILE`: do not edit. Model `{model}` on {records} records.
A label is *good* from an F1 of {good} on, *fair* from {fair} on, else *weak*; with little support a word means little.
*Support* is how often gold has the label, *said* how often the model gives it, *right* how often both.

## All figures
{figures}

## Topics
{topics}

## Targets: discussed or not
{found}

## Targets: stance
The word goes by the mean F1 of the labels. A stance counts as right only where the target was found, too.

{targets}

## Labels of each target
{labels}
"""
COUNTED = ["support", "said", "right", "precision", "recall", "F1"]


def scorecard(answers: Answers, what: str) -> str:
    """The scorecard of the classifier that was measured, as Markdown; `what` is the command that measured it."""
    sums = summed(list(zip(answers.gold, answers.said, strict=True)))
    topics = {topic: sums.tally("topic", [topic]) for topic in sums.names("topic")}
    targets = sums.names("stance")
    found = {target: sums.tally("found", [target]) for target in targets if target != OVERALL}
    return TEXT.format(
        model=answers.classifier.model,
        records=len(answers.gold),
        what=what,
        good=GOOD,
        fair=FAIR,
        figures=markdown(figure_rows(answers)),
        topics=_table("topic", topics),
        found=_table("target", found),
        targets=markdown_table(
            ["target", "mean F1", "favor taken for against", "against taken for favor", ""],
            [_sides(sums, target) for target in targets],
        ),
        labels=markdown_table(
            ["target", "label", *COUNTED],
            [
                [target, label, *_counted(sums.tally("stance", [target], label))]
                for target in targets
                for label in STANCES
            ],
        ),
    )


def word(f1: Vector) -> str:
    """An F1 in one word."""
    value = f1[0]
    return "–" if np.isnan(value) else "good" if value >= GOOD else "fair" if value >= FAIR else "weak"


def _table(kind: str, tallies: dict[str, Tally]) -> str:
    lines = [[name, *_counted(one), word(one.f1)] for name, one in tallies.items()]
    return markdown_table([kind, *COUNTED, ""], lines)


def _counted(tally: Tally) -> list[str]:
    counts = [str(int(one[0])) for one in (tally.gold, tally.said, tally.both)]
    return counts + [_number(one) for one in (tally.precision, tally.recall, tally.f1)]


def _sides(sums: Sums, target: str) -> list[str]:
    labels = {label: sums.tally("stance", [target], label) for label in STANCES}
    f1 = macro(list(labels.values()))
    mistaken = [
        f"{sums['confused', target, gold, said][0]:.0f} of {labels[gold].gold[0]:.0f}"
        for gold, said in (("favor", "against"), ("against", "favor"))
    ]
    return [target, _number(f1), *mistaken, word(f1)]


def _number(values: Vector) -> str:
    return "–" if np.isnan(values[0]) else f"{values[0]:.2f}"
