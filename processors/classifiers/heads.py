"""The heads: small linear models over the encoder's vectors, and the thresholds they were given.

Features are defined here, once, for training and for use. All heads are trained; a topic or target that is in the
vocabulary and was not there in training is decided by the likeness of its description alone, under the same threshold.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from govwire.core.errors import ModelError
from processors.classifiers.encoder import Vector, Window

STANCES = ("against", "favor", "neutral")
SIDES = ("against", "favor")


class Facts(BaseModel):
    """What heads.json says: the version, the order of ids in heads.npz, the thresholds, and what they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    topics: tuple[str, ...]
    targets: tuple[str, ...]
    relevance_threshold: float
    topic_threshold: float
    target_threshold: float
    trained_on: int
    data_digest: str


@dataclass(frozen=True)
class Linear:
    """A logistic model: a row of weights for each outcome, or a single one for yes and no."""

    weights: Vector
    bias: Vector

    def probabilities(self, features: Vector) -> Vector:
        """The probability of each outcome; of yes, where there is a single row."""
        scores = self.weights @ features + self.bias
        if len(scores) == 1:
            return np.asarray(1 / (1 + np.exp(-scores)))
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum())


@dataclass(frozen=True)
class Heads:
    """Every head by name, and the facts."""

    facts: Facts
    linear: dict[str, Linear]

    def __getitem__(self, name: str) -> Linear:
        return self.linear[name]

    def likelihood(self, kind: str, name: str, window: Window, description: Vector) -> float:
        """How likely a window is about a topic, or discusses a target, whose description has that vector."""
        likeness = float(window.vector @ description)
        head = self.linear.get(f"{kind}.{name}")
        if head is None:
            return float(self.linear[kind].probabilities(np.array([likeness]))[0])
        return float(head.probabilities(about(window, likeness))[0])


def whole(window: Window) -> Vector:
    """Features of a window: its meaning and its words."""
    return np.concatenate([window.vector, window.middle])


def about(window: Window, likeness: float) -> Vector:
    """Features of a window and a description: those of the window, and how alike the two are."""
    return np.append(whole(window), likeness)


def toward(vector: Vector, middle: Vector, proposition: Vector) -> Vector:
    """Features of a window and a proposition: where in the space of meanings the two meet."""
    return np.concatenate([vector, vector * proposition, middle])


def between(sentence: Vector, proposition: Vector) -> Vector:
    """Features of a sentence and a proposition."""
    return np.concatenate([sentence, sentence * proposition])


def load_heads(folder: Path) -> Heads:
    """Read heads.json and heads.npz.

    Raises:
        ModelError: one is missing or unreadable.
    """
    try:
        facts = Facts.model_validate_json((folder / "heads.json").read_bytes())
        with np.load(folder / "heads.npz", allow_pickle=False) as arrays:
            names = [name.removesuffix("/weights") for name in arrays.files if name.endswith("/weights")]
            linear = {
                name: Linear(*(arrays[f"{name}/{part}"].astype(np.float64) for part in ("weights", "bias")))
                for name in names
            }
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise ModelError(f"model {folder}: {error}; install govwire again, or run 'govwire train'") from error
    return Heads(facts, linear)


def save_heads(heads: Heads, folder: Path) -> None:
    """Write heads.json and heads.npz; equal heads give equal bytes."""
    arrays: dict[str, Any] = {}
    for name, head in sorted(heads.linear.items()):
        # In the file as float32: what is lost is far below a score's last digit.
        arrays[f"{name}/weights"], arrays[f"{name}/bias"] = (
            part.astype(np.float32) for part in (head.weights, head.bias)
        )
    np.savez(folder / "heads.npz", **arrays)
    text = json.dumps(heads.facts.model_dump(), indent=1, ensure_ascii=False)
    (folder / "heads.json").write_text(text + "\n", encoding="utf-8")


def mixed(probabilities: Sequence[Vector], tokens: Sequence[int]) -> Vector:
    """The mean over windows, by their number of tokens."""
    return np.asarray(np.average(np.stack(probabilities), axis=0, weights=tokens))
