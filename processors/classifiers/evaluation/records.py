"""Labelled records, gold and said, as far as they are compared; and who says them: a classifier, or the majority."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from govwire.core.errors import ClassificationError, ConfigError
from govwire.core.records import Labels
from processors.classifiers import OVERALL, Classifier, Document


class LabelledClaim(BaseModel):
    """Who is given which position."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    holder: str
    target: str
    label: str
    evidence: str = ""
    score: float = 1.0
    shown: bool = True  # False: a candidate, below the display threshold


class Labelled(BaseModel):
    """A labelled record; gold has all of it, what is said only the labels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    pair: str | None = None  # records that differ in little but their labels share it
    kind: str = "passage"
    title: str = ""
    text: str = ""
    language: str = Field("en", validation_alias=AliasChoices("lang", "language"))
    relevant: bool
    topics: tuple[str, ...] = ()
    stance: dict[str, str] = {}
    claims: tuple[LabelledClaim, ...] = ()

    @property
    def document(self) -> Document:
        """What a classifier reads of it."""
        return Document(self.id, self.title, self.text, self.language)


Pair = tuple[Labelled, Labelled]  # gold, said


def read_gold(path: Path) -> list[Labelled]:
    """Labelled records of a JSON Lines file.

    Raises:
        ConfigError: the file is missing or holds what is no labelled record.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; name a file of labelled records in JSON Lines") from error
    try:
        records = [Labelled.model_validate(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, ValidationError) as error:
        raise ConfigError(f"{path}: no labelled record: {str(error).splitlines()[0]}") from error
    if not records:
        raise ConfigError(f"{path}: empty; nothing to evaluate on")
    return records


def predict(classifier: Classifier, gold: Sequence[Labelled]) -> list[Labelled]:
    """What a classifier says of the records; nothing, where it fails."""
    answers = classifier.classify([record.document for record in gold])
    return [labelled(record.id, answer) for record, answer in zip(gold, answers, strict=True)]


def labelled(record_id: str, answer: Labels | ClassificationError) -> Labelled:
    """Labels in the form that is compared: topics the text is about, and claims, shown and candidates."""
    if isinstance(answer, ClassificationError):
        return Labelled(id=record_id, relevant=False)
    return Labelled(
        id=record_id,
        relevant=answer.relevant,
        topics=tuple(topic.id for topic in answer.topics if topic.role == "about"),
        stance={stance.target: stance.label for stance in answer.stance},
        claims=tuple(
            LabelledClaim(
                holder=claim.holder,
                target=claim.target,
                label=claim.label,
                evidence=claim.evidence.text,
                score=claim.score,
                shown=claim.shown,
            )
            for claim in answer.claims
        ),
    )


def majority(gold: Sequence[Labelled]) -> list[Labelled]:
    """The most frequent label everywhere: what a classifier that reads nothing reaches."""

    def most(values: Sequence[Any]) -> Any:
        return max(sorted(set(values), key=str), key=values.count)

    topics = [topic for record in gold for topic in record.topics]
    stances = [entry for record in gold for entry in record.stance.items()]
    overall = most([label for target, label in stances if target == OVERALL] or ["neutral"])
    other = most([entry for entry in stances if entry[0] != OVERALL] or [("binding_regulation", "favor")])
    said = {
        "relevant": most([record.relevant for record in gold]),
        "topics": (most(topics),) if topics else (),
        "stance": {OVERALL: overall, other[0]: other[1]},
    }
    return [Labelled.model_validate({"id": record.id, **said}) for record in gold]
