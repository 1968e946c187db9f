"""Whether a score is a chance: its expected calibration error, in bins of equal mass (Naeini et al., 2015).

Relevance, topics and targets: the chance against gold. Stance: the chance of the likeliest label against its being
right, wherever gold has one. Claims: the score of all of them, candidates too, against being right.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from govwire.core.vocabulary import Vocabulary
from processors.classifiers import OVERALL
from processors.classifiers.evaluation.claims import match, most_specific, same_claim
from processors.classifiers.evaluation.intervals import Row
from processors.classifiers.evaluation.probes import Judgements
from processors.classifiers.evaluation.records import Labelled, Pair
from processors.classifiers.judgement import Judgement, best

BINS = 10
# Fewer decisions leave too few in a bin: chance alone then makes an error of some points.
ENOUGH = 600
BLOCK = "expected calibration error"

Decision = tuple[float, bool]  # the score, and whether it came true
HEADS = ("relevance", "topic", "target", "stance", "claim")


def calibration(pairs: Sequence[Pair], judgements: Judgements, vocabulary: Vocabulary, classifier: str) -> list[Row]:
    """The error of each head, or that it was asked too seldom to be judged."""
    decisions: dict[str, list[Decision]] = {head: [] for head in HEADS}
    for (gold, said), judgement in zip(pairs, judgements, strict=True):
        decisions["claim"] += _claims(gold, said)
        if judgement is not None:
            decisions["relevance"].append((judgement.relevance, gold.relevant))
            decisions["topic"] += _topics(gold, judgement, vocabulary)
            decisions["target"] += _targets(gold, judgement, vocabulary)
            decisions["stance"] += _stances(gold, judgement)
    return [_row(head, classifier, decisions[head]) for head in HEADS]


def expected_error(decisions: Sequence[Decision]) -> float:
    """How far scores and outcomes lie apart, bin by bin; equal scores are in one bin."""
    scores, outcomes = np.array(decisions, np.float64).T
    edges = np.quantile(scores, np.arange(1, BINS) / BINS)
    bins = np.searchsorted(edges, scores, side="right")
    gaps = [abs(scores[bins == one].sum() - outcomes[bins == one].sum()) for one in range(BINS)]
    return float(sum(gaps)) / len(scores)


def _row(head: str, classifier: str, decisions: Sequence[Decision]) -> Row:
    judged = len(decisions) >= ENOUGH
    note = f"{len(decisions)} decisions" + f", under {ENOUGH}: not judged" * (not judged)
    return Row(BLOCK, head, classifier, expected_error(decisions) if judged else None, note=note)


def _topics(gold: Labelled, judgement: Judgement, vocabulary: Vocabulary) -> Iterator[Decision]:
    for name, found in judgement.topics.items():
        if not vocabulary.is_experimental(name):
            yield found.overall, name in gold.topics


def _targets(gold: Labelled, judgement: Judgement, vocabulary: Vocabulary) -> Iterator[Decision]:
    for found in judgement.targets:
        if found.target != OVERALL and not vocabulary.is_experimental(found.target):
            yield found.chance, found.target in gold.stance


def _stances(gold: Labelled, judgement: Judgement) -> Iterator[Decision]:
    for found in judgement.targets:
        if found.target in gold.stance:
            label = best(found.stance)
            yield found.stance[label], label == gold.stance[found.target]


def _claims(gold: Labelled, said: Labelled) -> Iterable[Decision]:
    given = most_specific(said.claims)
    right = {number for _, number in match(most_specific(gold.claims), given, same_claim)}
    return [(claim.score, number in right) for number, claim in enumerate(given)]
