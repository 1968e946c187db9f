"""Classifiers: what a text is about, where it stands, and who says so. Pure: texts in, labels out, no state, no bus.

Three engines judge (judgement.py): `onnx`, the small model shipped in this package; `hub`, any model of the hub;
`keyword`, the English term lists. One place makes labels of what they say (labelling.py).
Labels depend on the text alone: not on the batch, the number of threads or the order. The heavy libraries are imported
when an engine is opened, not before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel

from govwire.core.errors import ClassificationError
from govwire.core.records import Labels
from govwire.core.settings import Settings, find_config
from govwire.core.vocabulary import Vocabulary

if TYPE_CHECKING:
    from govwire.core.terms import TermList
    from processors.classifiers.judgement import Engine

EngineName = Literal["onnx", "hub", "keyword"]

# The target that every relevant text has a stance on.
OVERALL = "stronger_governance"
# The passage cache, in data_dir.
CACHE = "cache.db"
# Labels of a classifier that no epoch has numbered yet; the stage sets the number.
NO_EPOCH = 0


@dataclass(frozen=True)
class Document:
    """What a classifier reads. Offsets of evidence count in `text`; the title is context."""

    id: str
    title: str
    text: str
    language: str = "en"
    is_vouched: bool = False  # a person has called it relevant: it gets labels whatever the engine says of that


class Classifier(Protocol):
    """An engine with its vocabulary (labelling.py). May be used from several threads."""

    model: str  # name and version, for people
    digest: str  # of the model, the topics, the targets, the terms and the thresholds: what an epoch is known by

    def classify(self, documents: Sequence[Document]) -> Sequence[Labels | ClassificationError]:
        """Labels for each document, in order, under `NO_EPOCH`; an error in place of those it fails on."""

    def close(self) -> None:
        """Release threads."""


def open_classifier(
    settings: Settings, vocabulary: Vocabulary, engine: EngineName | None = None, *, cached: bool = False
) -> Classifier:
    """The classifier of the settings' engine, or of the one named, with the vocabulary and terms of the config folder.

    `cached`: what the encoder makes of passages is kept in data_dir, for the program that sees copies and revisions.

    Raises:
        ConfigError: a term list is wrong, or an engine's extra is not installed.
        ModelError: model files are missing or unreadable.
    """
    from govwire.core.terms import load_terms
    from processors.classifiers.labelling import LabellingClassifier

    terms = load_terms(find_config())
    opened = open_engine(engine or settings.classify.engine, settings, vocabulary, terms, cached=cached)
    return LabellingClassifier(opened, vocabulary, terms, settings.classify.threads)


def open_engine(
    name: EngineName,
    settings: Settings,
    vocabulary: Vocabulary,
    terms: "dict[str, TermList]",
    *,
    cached: bool = False,
) -> "Engine":
    """An engine alone, which judges and labels nothing; raises as `open_classifier` does."""
    match name:
        case "keyword":
            from processors.classifiers.keyword import open_keyword

            return open_keyword(vocabulary, terms)
        case "hub":
            from processors.classifiers.hub import open_hub

            return open_hub(settings, vocabulary, terms)
        case "onnx":
            from processors.classifiers.neural import open_neural

            cache = settings.data_dir / CACHE if cached else None
            return open_neural(vocabulary, terms, cache=cache, entries=settings.classify.cache_entries if cached else 0)


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
