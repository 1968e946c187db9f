"""Every figure of the evaluation: relevance, topics, the overall stance, the other targets, claims and holders.

`count` says what one record adds, and the figures are made of the sums. Claims and holders are scored over shown claims
and candidates alike, and the shown ones once more by themselves.
"""

from collections.abc import Sequence

import numpy as np

from processors.classifiers import OVERALL
from processors.classifiers.evaluation.claims import match, most_specific, same_claim, same_holder, same_position
from processors.classifiers.evaluation.intervals import Counts, Figure, Sums, Tally, Vector, add, mean, share
from processors.classifiers.evaluation.records import Labelled, Pair

STANCES = ("favor", "against", "neutral")
SIDES = {"favor", "against"}
# A topic with fewer gold records has no F1 worth a mean.
ENOUGH = 5


def figures(pairs: Sequence[Pair]) -> dict[str, float]:
    """The value of every figure of all labels; nan where there is nothing to count."""
    return {name: float(figure.values[0]) for name, figure in label_figures(summed(pairs)).items()}


def summed(pairs: Sequence[Pair], samples: int = 0) -> Sums:
    """The counts of all records, and of samples of them."""
    return Sums([count(gold, said) for gold, said in pairs], samples)


def count(gold: Labelled, said: Labelled) -> Counts:
    """What one record adds. The keys of kind `confused` are a target, gold's label and the label that was said."""
    counts = Counts()
    for relevant in (True, False):
        add(counts, "relevance", "", str(relevant), gold=gold.relevant is relevant, said=said.relevant is relevant)
    for topic in {*gold.topics, *said.topics}:
        add(counts, "topic", topic, "", gold=topic in gold.topics, said=topic in said.topics)
    for target in {*gold.stance, *said.stance}:
        if target != OVERALL:
            add(counts, "found", target, "", gold=target in gold.stance, said=target in said.stance)
        if target != OVERALL or gold.relevant:
            _count_stance(counts, target, gold.stance.get(target), said.stance.get(target))
    _count_claims(counts, gold, said)
    _count_shown(counts, gold, said)
    return counts


def label_figures(sums: Sums) -> dict[str, Figure]:
    """The figures of all labels, claims shown and candidates."""
    topics = [sums.tally("topic", [topic]) for topic in sums.names("topic")]
    others = [target for target in sums.names("stance") if target != OVERALL]
    ends = [sums.tally("stance", others, label).f1 for label in STANCES]
    values = {
        "relevance_macroF1": macro([sums.tally("relevance", label=label) for label in ("True", "False")]),
        "topic_microF1": _micro(topics),
        f"topic_macroF1(n>={ENOUGH})": macro(topics, ENOUGH),
        "stance_overall_macroF1": macro([sums.tally("stance", [OVERALL], label) for label in STANCES]),
        "target_detectionF1": sums.tally("found", others).f1,
        "target_stance_macroF1(detected)": macro([sums.tally("told", others, label) for label in STANCES]),
        "target_stance_end_to_end_macroF1": np.mean(ends, axis=0),
        "claim_F1(holder,target,label)": sums.tally("claim").f1,
        "holder_F1": sums.tally("holder").f1,
    }
    return {name: Figure(value) for name, value in values.items()}


def shown_figures(sums: Sums) -> dict[str, Figure]:
    """The figures of shown claims alone, with their counts."""
    shown = sums.tally("shown")
    return {
        "shown_precision(holder,target,label)": share(shown.both, shown.said),
        "shown_recall(holder,target,label)": share(shown.both, shown.gold),
        "shown_favor_against_reversed(holder,target)": share(sums["reversed",], sums["matched",]),
    }


def macro(tallies: Sequence[Tally], least: int = 1) -> Vector:
    """The mean F1 over the labels that gold has at least so often."""
    return mean([np.where(one.gold >= least, one.f1, np.nan) for one in tallies])


def _micro(tallies: Sequence[Tally]) -> Vector:
    """F1 over all labels together, of those that gold has."""
    there = [(one.gold > 0) * np.stack([one.gold, one.said, one.both]) for one in tallies]
    return Tally(*np.sum(there, axis=0)).f1 if there else np.full(1, np.nan)


def _count_stance(counts: Counts, target: str, gold: str | None, said: str | None) -> None:
    for label in STANCES:
        add(counts, "stance", target, label, gold=gold == label, said=said == label)
        if gold and said:
            add(counts, "told", target, label, gold=gold == label, said=said == label)
    if gold and said:
        counts["confused", target, gold, said] += 1


def _count_claims(counts: Counts, gold: Labelled, said: Labelled) -> None:
    wanted, given = most_specific(gold.claims), most_specific(said.claims)
    add(counts, "claim", "", "", gold=len(wanted), said=len(given), both=len(match(wanted, given, same_claim)))
    # Names in the order of the text, each once.
    holders, found = ([*dict.fromkeys(claim.holder for claim in side)] for side in (wanted, given))
    add(counts, "holder", "", "", gold=len(holders), said=len(found), both=len(match(holders, found, same_holder)))


def _count_shown(counts: Counts, gold: Labelled, said: Labelled) -> None:
    wanted = most_specific(gold.claims)
    given = most_specific([claim for claim in said.claims if claim.shown])
    right = match(wanted, given, same_claim)
    add(counts, "shown", "", "", gold=len(wanted), said=len(given), both=len(right))
    # What is wrong in its label only: the right ones are out of the way first.
    missed, wrong = (
        [claim for number, claim in enumerate(side) if number not in {pair[at] for pair in right}]
        for at, side in enumerate((wanted, given))
    )
    mistaken = match(missed, wrong, same_position)
    counts["matched",] += len(right) + len(mistaken)
    counts["reversed",] += sum({missed[one].label, wrong[other].label} == SIDES for one, other in mistaken)
