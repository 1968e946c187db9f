"""Classifiers: what a text is about, where it stands, and who says so. Pure: texts in, labels out, no state, no bus.

Two engines behind one protocol: `onnx`, the small model shipped in this package, and `keyword`, the English term lists.
Labels depend on the text alone: not on the batch, the number of threads or the order. The heavy libraries are imported
when an engine is opened, not before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel

from govwire.core.errors import ClassificationError
from govwire.core.records import Labels
from govwire.core.settings import Settings, find_config
from govwire.core.vocabulary import Vocabulary

Engine = Literal["onnx", "keyword"]

# The target that every relevant text has a stance on.
OVERALL = "stronger_governance"
# Labels of a classifier that no epoch has numbered yet; the stage sets the number.
NO_EPOCH = 0


@dataclass(frozen=True)
class Document:
    """What a classifier reads. Offsets of evidence count in `text`; the title is context."""

    id: str
    title: str
    text: str
    language: str = "en"


class Classifier(Protocol):
    """An engine with its vocabulary. May be used from several threads."""

    model: str  # name and version, for people
    digest: str  # of the model, the topics, the targets, the terms and the thresholds: what an epoch is known by

    def classify(self, documents: Sequence[Document]) -> Sequence[Labels | ClassificationError]:
        """Labels for each document, in order, under `NO_EPOCH`; an error in place of those it fails on."""

    def close(self) -> None:
        """Release threads."""


def open_classifier(settings: Settings, vocabulary: Vocabulary, engine: Engine | None = None) -> Classifier:
    """The engine of the settings, or the one named, with the vocabulary and the term lists of the config folder.

    Raises:
        ConfigError: a term list is wrong.
        ModelError: model files are missing or unreadable.
    """
    from processors.classifiers.terms import load_terms

    terms = load_terms(find_config())
    if (engine or settings.classify.engine) == "keyword":
        from processors.classifiers.keyword import KeywordClassifier

        return KeywordClassifier(vocabulary, terms)
    from processors.classifiers.neural import open_neural

    return open_neural(vocabulary, terms, settings.classify.threads)


def digest_of(model: str, vocabulary: Vocabulary, *parts: BaseModel | bytes) -> str:
    """The digest an epoch is known by: everything that can change a label."""
    digest = hashlib.sha256(model.encode())
    entries: list[BaseModel | bytes] = [
        *vocabulary.topics.values(),
        *vocabulary.targets.values(),
        *vocabulary.actors.values(),
        *vocabulary.laws.values(),
        *vocabulary.instruments.values(),
        *parts,
    ]
    for entry in entries:
        digest.update(b"\0" + (entry if isinstance(entry, bytes) else entry.model_dump_json().encode()))
    return digest.hexdigest()[:32]
