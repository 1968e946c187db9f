"""The heads: small models over the encoder's vectors, conditioned on what they are asked about.

A stance is asked of a stretch of text *toward a proposition*: the proposition's own vector makes the weights (Ha et
al., HyperNetworks, 2017), so that another wording, a negated one or a new one is answered by its meaning. Topics are
asked by their descriptions in the same way; those that were there in training have weights of their own in addition.
The layers are written here for use, and in training/network.py for training; a test holds that the two agree.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from govwire.core.errors import ModelError
from processors.classifiers.judgement import Cuts

Vector = NDArray[np.float64]
# What a token is: outside every holder, the first of one, or a further one.
OUTSIDE, BEGIN, INSIDE = range(3)
# The parts of the attention by which a proposition finds what concerns it; as many as in training.
ATTENTION_HEADS = 6


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
        return (means - self.arrays[f"{kind}_centre"]) / self.arrays[f"{kind}_scale"]

    def relevance(self, whole: Vector) -> float:
        """The chance that a window is about the governance of AI."""
        return float(self.facts.relevance(sigmoid(self.linear("relevance", whole)))[0])

    def tags(self, tokens: Vector) -> Vector:
        """The chances that each token is outside, the first, or a further one of a holder [tokens, 3]."""
        return softmax(self.linear("tag", tokens))


class Questions:
    """Topics or targets as the heads are asked about them: the weights that their vectors make, made once."""

    def __init__(self, heads: Heads, kind: str, ids: Sequence[str], means: Vector) -> None:
        self._heads, self._kind = heads, kind
        self._vectors = heads.question(kind, means)
        self._weights: dict[str, Vector] = {}
        known = heads.facts.topics if kind == "topic" else heads.facts.targets
        # Weights of an id's own; the mean of all, for one that was not there in training: how seldom anything is so.
        rows = [known.index(one) if one in known else None for one in ids]
        own, bias = heads.arrays[f"{kind}_own.weight"], heads.arrays[f"{kind}_own.bias"]
        self._own = np.stack([own.mean(axis=0) if row is None else own[row] for row in rows])
        self._bias = np.array([bias.mean() if row is None else bias[row] for row in rows])
        # Of topics nobody asks for a side.
        self._sign: Vector = np.tanh(heads.linear("polarity", self._vectors)) if kind == "target" else np.ones((1, 1))

    def chances(self, whole: Vector) -> Vector:
        """The chance that a window is about each topic, or discusses each target."""
        logits = self._asked(f"{self._kind}_asked", whole)[:, 0] + self._own @ whole + self._bias
        scale = self._heads.facts.topic if self._kind == "topic" else self._heads.facts.target
        return scale(sigmoid(logits))

    def claims(self, head: str, features: Vector) -> Vector:
        """The chances of no claim and of each stance [..., targets, 4]; `head` is `claim`, `author` or `sentence`."""
        return softmax(self._sided(self._asked(head, features)))

    def stance(self, whole: Vector, tokens: Vector, shown: Vector) -> Vector:
        """The chances of each stance of a window toward each target [targets, 3].

        By its meaning as a whole, by what the proposition finds among its tokens, and by the claims its sentences show.
        """
        sides = shown[..., 1:]
        summary = np.concatenate([sides.max(axis=0), sides.mean(axis=0), sides[-1]], axis=-1)
        logits = self._sided(self._asked("stance", whole) + self._found(tokens))
        return softmax((logits + self._heads.linear("summary", summary)) * self._heads.facts.stance.slope)

    def _sided(self, logits: Vector) -> Vector:
        """Logits of no claim (where the head has it), against, favor and neutral.

        A head gives how far the text leans to what a proposition is about; whether that is for or against the
        proposition, its own sign says: whether it affirms or denies.
        """
        lean = logits[..., -2:-1] * self._sign
        return np.concatenate([logits[..., :-2], -lean, lean, logits[..., -1:]], axis=-1)

    def _asked(self, head: str, features: Vector) -> Vector:
        """Logits [..., questions, outcomes]."""
        read = np.tanh(self._heads.linear(f"{head}.features", features))
        return np.asarray(np.tensordot(read, self._made(head), (-1, -1)) + self._heads.arrays[f"{head}.bias"])

    def _made(self, head: str) -> Vector:
        """The weights [questions, outcomes, rank] that the questions' vectors make for a head."""
        if head not in self._weights:
            rank = len(self._heads.arrays[f"{head}.features.bias"])
            made = self._heads.linear(f"{head}.question", self._vectors)
            self._weights[head] = made.reshape(len(self._vectors), -1, rank) / np.sqrt(rank)
        return self._weights[head]

    def _found(self, tokens: Vector) -> Vector:
        """Logits [targets, 3] by what each proposition attends to among the tokens."""

        def apart(part: str, vectors: Vector) -> Vector:
            made = self._heads.linear(f"found.{part}", vectors).reshape(len(vectors), ATTENTION_HEADS, -1)
            return made.transpose(1, 0, 2)

        asked, keys, values = apart("query", self._vectors), apart("key", tokens), apart("value", tokens)
        scores = asked @ keys.transpose(0, 2, 1) / np.sqrt(keys.shape[-1])
        found = (softmax(scores) @ values).transpose(1, 0, 2).reshape(len(self._vectors), -1)
        read = np.tanh(self._heads.linear("found.features", found))
        return np.asarray((self._made("found") @ read[..., np.newaxis])[..., 0] + self._heads.arrays["found.bias"])


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
            read = {name: arrays[name].astype(np.float64) for name in arrays.files}
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise ModelError(f"model {folder}: {error}; install govwire again, or run 'govwire train'") from error
    return Heads(facts, read)


def kept(array: NDArray[Any]) -> Vector:
    """An array as the file keeps it, in half precision: calibration must see what will be used."""
    return array.astype(np.float16).astype(np.float64)


def save_heads(heads: Heads, folder: Path) -> None:
    """Write heads.json and heads.npz; equal heads give equal bytes."""
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in sorted(heads.arrays.items())}
    np.savez(folder / "heads.npz", **arrays)
    text = json.dumps(heads.facts.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (folder / "heads.json").write_text(text + "\n", encoding="utf-8")
