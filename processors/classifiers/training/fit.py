"""Heads from labelled passages: logistic regressions with balanced classes, and thresholds from unseen events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from processors.classifiers.encoder import Vector
from processors.classifiers.heads import SIDES, STANCES, Facts, Heads, Linear, about, between, toward, whole
from processors.classifiers.training.passages import Passage

FOLDS = 5
# Inverse strength of regularisation for each head: chosen by cross-validation over events, in steps of about three.
STRENGTH = {
    "relevance": 0.03,
    "topic": 0.01,
    "target": 0.01,
    "overall": 0.003,
    "pair": 0.003,
    "claim_target": 0.003,
    "claim_side": 0.001,
}
# A feature that varies less than this says nothing.
FLAT = 1e-6
# F1 differs by this much between two ways to deal the same events into folds.
AS_GOOD = 0.005
STEPS = np.arange(0.2, 0.81, 0.01)

Array = NDArray[Any]
OVERALL = "stronger_governance"


@dataclass(frozen=True)
class Ids:
    """Topics and targets in the order of the vocabulary, with the vectors of what describes them."""

    topics: dict[str, Vector]
    targets: dict[str, Vector]


def folds(passages: Sequence[Passage]) -> list[tuple[list[int], list[int]]]:
    """Rows to train and to test on, whole events at a time."""
    groups = [passage.event for passage in passages]
    split = GroupKFold(FOLDS).split(np.zeros(len(passages)), groups=groups)
    return [(train.tolist(), test.tolist()) for train, test in split]


def fit(passages: Sequence[Passage], ids: Ids) -> dict[str, Linear]:
    """Every head, trained on all of the passages."""
    relevant = [passage for passage in passages if passage.record["relevant"]]
    heads = {
        "relevance": _logistic(
            [whole(one.window) for one in passages], [one.record["relevant"] for one in passages], "relevance", [True]
        ),
        "overall": _logistic(
            [toward(one.window.vector, one.window.middle, ids.targets[OVERALL]) for one in relevant],
            [one.stance[OVERALL] for one in relevant],
            "overall",
            STANCES,
        ),
    }
    heads |= _described("topic", ids.topics, passages, lambda one: one.record["topics"])
    specific = {name: vector for name, vector in ids.targets.items() if name != OVERALL}
    heads |= _described("target", specific, passages, lambda one: one.stance)
    pairs = [(one, specific[name], label) for one in relevant for name, label in one.stance.items() if name in specific]
    heads["pair"] = _logistic(
        [toward(one.window.vector, one.window.middle, vector) for one, vector, _ in pairs],
        [label for _, _, label in pairs],
        "pair",
        STANCES,
    )
    return heads | _claims(passages, ids)


def thresholds(passages: Sequence[Passage], trained: Sequence[dict[str, Linear]], ids: Ids) -> dict[str, float]:
    """The cuts that give the best F1 on events that each fold's heads were not trained on."""
    seen: dict[str, list[tuple[float, bool]]] = {"relevance": [], "topic": [], "target": []}
    for heads, (_, test) in zip(trained, folds(passages), strict=True):
        for passage in (passages[row] for row in test):
            yes = float(heads["relevance"].probabilities(whole(passage.window))[0])
            seen["relevance"].append((yes, passage.record["relevant"]))
            for kind, gold, vectors in (
                ("topic", passage.record["topics"], ids.topics),
                ("target", passage.stance, {name: ids.targets[name] for name in ids.targets if name != OVERALL}),
            ):
                for name, vector in vectors.items():
                    features = about(passage.window, float(passage.window.vector @ vector))
                    seen[kind].append((float(heads[f"{kind}.{name}"].probabilities(features)[0]), name in gold))
    return {kind: _best(pairs, "macro" if kind == "relevance" else "binary") for kind, pairs in seen.items()}


def assemble(linear: dict[str, Linear], cuts: dict[str, float], ids: Ids, **facts: Any) -> Heads:
    """Heads with their facts; those for what is only described are moved to the common threshold."""
    linear = dict(linear)
    for kind in ("topic", "target"):
        head, own = linear[kind], linear[f"{kind}/cut"].bias[0]
        shift = np.log(cuts[kind] / (1 - cuts[kind])) - np.log(own / (1 - own))
        linear[kind] = Linear(head.weights, head.bias + shift)
        del linear[f"{kind}/cut"]
    return Heads(
        Facts(
            topics=tuple(ids.topics),
            targets=tuple(ids.targets),
            relevance_threshold=cuts["relevance"],
            topic_threshold=cuts["topic"],
            target_threshold=cuts["target"],
            **facts,
        ),
        linear,
    )


def _described(kind: str, vectors: dict[str, Vector], passages: Sequence[Passage], gold: Any) -> dict[str, Linear]:
    """A head for each name, and one for all names by likeness alone, with the cut that is best for it."""
    heads, likenesses, present = {}, [], []
    for name, vector in vectors.items():
        alike = [float(one.window.vector @ vector) for one in passages]
        yes = [name in gold(one) for one in passages]
        rows = [about(one.window, likeness) for one, likeness in zip(passages, alike, strict=True)]
        heads[f"{kind}.{name}"] = _logistic(rows, yes, kind, [True])
        likenesses += alike
        present += yes
    heads[kind] = _logistic([np.array([alike]) for alike in likenesses], present, kind, [True])
    chances = [float(heads[kind].probabilities(np.array([alike]))[0]) for alike in likenesses]
    cut = _best(list(zip(chances, present, strict=True)), "binary")
    heads[f"{kind}/cut"] = Linear(np.zeros((1, 1)), np.array([cut]))
    return heads


def _claims(passages: Sequence[Passage], ids: Ids) -> dict[str, Linear]:
    stated = [one for passage in passages for one in passage.stated if one.target in ids.targets and one.label in SIDES]
    return {
        "claim_target": _logistic(
            [one.sentence.vector for one in stated], [one.target for one in stated], "claim_target", list(ids.targets)
        ),
        "claim_side": _logistic(
            [between(one.sentence.vector, ids.targets[one.target]) for one in stated],
            [one.label == "favor" for one in stated],
            "claim_side",
            [True],
        ),
    }


def _logistic(rows: Sequence[Array], gold: Sequence[Any], kind: str, outcomes: Sequence[Any]) -> Linear:
    """A logistic regression on standardised features, the standardising folded into its weights."""
    features = np.stack(rows).astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    # Two dimensions of the encoder are dead (1e-33 everywhere): what does not vary is not blown up.
    scale[scale < FLAT] = 1.0
    model = LogisticRegression(C=STRENGTH[kind], max_iter=5000, class_weight="balanced")
    model.fit((features - mean) / scale, np.array(gold))
    weights = model.coef_ / scale
    bias = model.intercept_ - weights @ mean
    if len(outcomes) > 1:
        order = [model.classes_.tolist().index(outcome) for outcome in outcomes]
        weights, bias = weights[order], bias[order]
    return Linear(weights, bias)


def _best(pairs: Sequence[tuple[float, bool]], average: str) -> float:
    """The middle of the cuts that are as good as the best: the very best one is an accident of the folds."""
    chances, gold = np.array([chance for chance, _ in pairs]), np.array([yes for _, yes in pairs])
    scores = np.array([f1_score(gold, chances >= step, average=average) for step in STEPS])
    return round(float(STEPS[scores >= scores.max() - AS_GOOD].mean()), 2)
