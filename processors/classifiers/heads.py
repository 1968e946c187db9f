"""The heads: small models over the encoder's vectors, conditioned on what they are asked about.

A stance is asked of a stretch of text *toward a proposition*: the proposition's own vector makes the weights (Ha et
al., HyperNetworks, 2017), so that another wording, a negated one or a new one is answered by its meaning. Topics are
asked by their descriptions in the same way; those that were there in training have weights of their own in addition.
A target's proposition also reads the text along with it, as a token of the encoder's upper layers: its answer.
The layers are written here for use, and in training/network.py for training; a test holds that the two agree.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from govwire.core.errors import ModelError
from processors.classifiers.encoder import Vector
from processors.classifiers.judgement import Cuts

# What a token is: outside every holder, the first of one, or a further one.
OUTSIDE, BEGIN, INSIDE = range(3)


class Scale(BaseModel):
    """A logistic calibration (Platt, 1999): a chance p becomes sigmoid(slope * logit(p) + shift)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, chances: Vector) -> Vector:
        """Calibrated chances."""
        return sigmoid(self.slope * logit(chances) + self.shift)


class Facts(BaseModel):
    """What heads.json says: the version, the order of ids in the weights, calibration, cuts, and the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    topics: tuple[str, ...]
    targets: tuple[str, ...]
    cuts: Cuts
    relevance_cut: float
    unnamed_cut: float  # the same for a text that has no term of AI
    hopeless: float  # a lead less relevant than this ends the reading
    relevance: Scale
    topic: Scale
    target: Scale
    stance: Scale  # its slope is the inverse of a temperature
    claim: tuple[float, ...]  # the weights of what a claim's score is made of (neural.py), the constant first
    trained_on: int
    data_digest: str


@dataclass(frozen=True)
class Heads:
    """Every array by name, and the facts."""

    facts: Facts
    arrays: Mapping[str, Vector]

    def linear(self, name: str, features: Vector) -> Vector:
        """A linear layer."""
        return features @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"]

    def normal(self, name: str, features: Vector) -> Vector:
        """A layer normalisation (Ba et al., 2016)."""
        centred = features - features.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"])

    def question(self, kind: str, means: Vector) -> Vector:
        """Mean vectors of propositions or descriptions [questions, size], without what all of a kind have in common."""
        return np.asarray((means - self.arrays[f"{kind}_centre"]) / self.arrays[f"{kind}_scale"])

    def relevance(self, whole: Vector) -> float:
        """The chance that a window is about the governance of AI."""
        return float(self.facts.relevance(sigmoid(self.linear("relevance", whole)))[0])

    def tags(self, tokens: Vector) -> Vector:
        """The chances that each token is outside, the first, or a further one of a holder [tokens, 3]."""
        return softmax(self.linear("tag", tokens))


class Questions:
    """Topics or targets as the heads are asked about them, by the vectors of their wordings."""

    def __init__(self, heads: Heads, kind: Literal["topic", "target"], ids: Sequence[str], means: Vector) -> None:
        self._heads, self._kind = heads, kind
        self._vectors = heads.question(kind, means)
        known = heads.facts.topics if kind == "topic" else heads.facts.targets
        # Weights of an id's own; the mean of all, for one that was not there in training: how seldom anything is so.
        rows = [known.index(one) if one in known else None for one in ids]
        own, bias = heads.arrays[f"{kind}_own.weight"], heads.arrays[f"{kind}_own.bias"]
        self._own = np.stack([own.mean(axis=0) if row is None else own[row] for row in rows])
        self._bias = np.array([bias.mean() if row is None else bias[row] for row in rows])
        self._weights = self._made(f"{kind}_asked", self._vectors)

    def chances(self, whole: Vector) -> Vector:
        """The chance that a window is about each topic."""
        return self._heads.facts.topic(sigmoid(self._of(whole)))

    def _of(self, whole: Vector) -> Vector:
        """Logits of what the wordings and ids have in common with a window."""
        logits = self._asked(f"{self._kind}_asked", whole, self._weights)[:, 0]
        return np.asarray(logits + self._own @ whole + self._bias)

    def _asked(self, head: str, features: Vector, weights: Vector) -> Vector:
        """Logits [..., questions, outcomes]."""
        read = np.tanh(self._heads.linear(f"{head}.features", features))
        return np.asarray(np.tensordot(read, weights, (-1, -1)) + self._heads.arrays[f"{head}.bias"])

    def _made(self, head: str, questions: Vector) -> Vector:
        """The weights [questions, outcomes, rank] that vectors of questions make for a head."""
        rank = len(self._heads.arrays[f"{head}.features.bias"])
        made = self._heads.linear(f"{head}.question", questions)
        return np.asarray(made.reshape(len(questions), -1, rank) / np.float32(rank) ** 0.5)


class Targets(Questions):
    """Targets, whose propositions read the text along with it: what the encoder makes of them there is an answer."""

    def __init__(self, heads: Heads, ids: Sequence[str], means: Vector, middles: Vector) -> None:
        super().__init__(heads, "target", ids, means)
        self.tokens = middles + heads.arrays["mark"]  # as the encoder takes them in
        self._stance = self._made("stance", self._vectors)
        self._sign = np.tanh(heads.linear("polarity", self._vectors))
        self._trained = [ids.index(one) if one in ids else None for one in heads.facts.targets]
        self._overall = self._trained[0]

    def answers(self, vectors: Vector) -> Vector:
        """The answers of a window [targets, size], from what the encoder made of the propositions."""
        return self._heads.normal("answer_norm", vectors)

    def discussed(self, whole: Vector, answers: Vector) -> Vector:
        """The chance that a window discusses each target."""
        logits = self._of(whole) + self._heads.linear("answered", answers)[:, 0]
        return self._heads.facts.target(sigmoid(logits))

    def claims(self, head: Literal["claim", "author"], features: Vector, answers: Vector) -> Vector:
        """The chances of no claim and of each stance [..., targets, 4]."""
        return softmax(_sided(self._in_text(head, features, answers), self._sign))

    def shown(self, sentences: Vector, answers: Vector) -> tuple[Vector, Vector]:
        """The same of sentences; then toward what each proposition is about, whether it affirms that or not."""
        logits = self._in_text("sentence", sentences, answers)
        return softmax(_sided(logits, self._sign)), softmax(_sided(logits, np.ones_like(self._sign)))

    def stance(self, whole: Vector, answers: Vector, shown: Vector, affirmed: Vector) -> Vector:
        """The chances of each stance of a window toward each target [targets, 3].

        By its meaning as a whole, by the answers, and by the claims its sentences show: toward AI rules in general,
        which is the first target in training, by those on every target.
        """
        lean = self._asked("stance", whole, self._stance)
        lean += self._heads.linear("answer", np.tanh(self._heads.linear("answer_features", answers)))
        if self._overall is not None:
            summary = _summary(affirmed)
            of_all = np.concatenate([np.zeros(9) if at is None else summary[at] for at in self._trained])
            lean[self._overall] += self._heads.linear("overall", of_all)
        logits = _sided(lean, self._sign) + self._heads.linear("summary", _summary(shown))
        return softmax(logits * self._heads.facts.stance.slope)

    def _in_text(self, head: str, features: Vector, answers: Vector) -> Vector:
        """Logits toward the questions as the text makes them [..., targets, 3]."""
        questions = self._vectors + self._heads.linear("context", answers)
        return self._asked(head, features, self._made(head, questions))


def _sided(logits: Vector, sign: Vector) -> Vector:
    """Logits of no claim (where the head has it), against, favor and neutral.

    A head gives how far the text leans to what a proposition is about; whether that is for or against the proposition,
    its sign says: whether it affirms or denies, or says nothing.
    """
    lean = logits[..., -2:-1] * sign
    return np.concatenate([logits[..., :-2], -lean, lean, logits[..., -1:]], axis=-1)


def _summary(shown: Vector) -> Vector:
    """The stances that sentences show: the strongest, the mean, and the last [targets, 9]."""
    sides = shown[..., 1:]
    return np.concatenate([sides.max(axis=0), sides.mean(axis=0), sides[-1]], axis=-1)


def sigmoid(logits: Vector) -> Vector:
    """The chance of each logit."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -50, 50))))


def logit(chances: Vector) -> Vector:
    """The logit of each chance, within what is worth telling apart."""
    bounded = np.clip(chances, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)))


def softmax(logits: Vector) -> Vector:
    """Chances over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load_heads(folder: Path) -> Heads:
    """Read heads.json and heads.npz.

    Raises:
        ModelError: one is missing or unreadable.
    """
    try:
        facts = Facts.model_validate_json((folder / "heads.json").read_bytes())
        with np.load(folder / "heads.npz", allow_pickle=False) as arrays:
            read = {name: arrays[name].astype(np.float32) for name in arrays.files}
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise ModelError(f"model {folder}: {error}; install govwire again, or run 'govwire train'") from error
    return Heads(facts, read)


def kept(array: NDArray[Any]) -> Vector:
    """An array as the file keeps it, in half precision: calibration must see what will be used."""
    return array.astype(np.float16).astype(np.float32)


def save_heads(heads: Heads, folder: Path) -> None:
    """Write heads.json and heads.npz; equal heads give equal bytes."""
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in sorted(heads.arrays.items())}
    np.savez(folder / "heads.npz", **arrays)
    text = json.dumps(heads.facts.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (folder / "heads.json").write_text(text + "\n", encoding="utf-8")
