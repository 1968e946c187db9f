"""What `govwire classify` reads and prints: documents from JSON Lines, text or HTML; rows for programs or people."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from govwire.core.errors import ClassificationError, ConfigError, ExtractionError
from govwire.core.records import Claim, Evidence, Labels, StanceLabel
from processors.classifiers import Classifier, Document
from processors.extraction.language import find_language

Form = Literal["text", "html", "jsonl"]
SIGNS = {"favor": "+", "against": "−", "neutral": "·", "unsure": "?"}


class Line(BaseModel):
    """A line of JSON Lines input; further fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    id: str
    title: str = ""
    text: str


def read(content: bytes, form: Form, *, name: str) -> Iterator[Document]:
    """The documents of one input; text and HTML are one each, with the file's name as id.

    Raises:
        ConfigError: the input is not UTF-8, no article, or a line is no {id, title, text}.
    """
    if form == "html":
        yield _from_html(content, name)
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 ({error.reason} at byte {error.start}); convert it first") from error
    if form == "text":
        yield Document(name, "", text, find_language(text))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _from_line(line, f"{name}, line {number}")


def as_json(document: Document, labels: Labels | ClassificationError, classifier: Classifier) -> str:
    """One JSON line, readable by the evaluation as it is."""
    return json.dumps(as_row(document, labels, classifier), ensure_ascii=False)


def as_row(document: Document, labels: Labels | ClassificationError, classifier: Classifier) -> dict[str, Any]:
    """The row of one document; a document that could not be labelled has `error` and no labels."""
    if isinstance(labels, ClassificationError):
        return {"id": document.id, "error": str(labels), "lang": document.language, "model": classifier.model}
    return {
        "id": document.id,
        "relevant": labels.relevant,
        "topics": [topic.id for topic in labels.topics if topic.role == "about"],
        "topics_mentioned": [topic.id for topic in labels.topics if topic.role == "mentioned"],
        "stance": {stance.target: stance.label for stance in labels.stance},
        "neutrality": {stance.target: stance.neutrality for stance in labels.stance if stance.neutrality},
        "claims": [_claim(claim) for claim in labels.claims],
        "stance_evidence": [
            {"target": stance.target, "score": stance.score} | _place(stance.evidence)
            for stance in labels.stance
            if stance.evidence is not None
        ],
        "experimental": {
            "topics": [topic.id for topic in labels.experimental.topics if topic.role == "about"],
            "stance": {stance.target: stance.label for stance in labels.experimental.stance},
            "claims": [_claim(claim) for claim in labels.experimental.claims],
        },
        "laws": [{"id": law.id} | _place(law.evidence) for law in labels.laws],
        "acts": [
            {"act": act.act, "actor": act.actor, "actor_id": act.actor_id, "law": act.law, "by": act.by}
            | _place(act.evidence)
            for act in labels.acts
        ],
        "instruments": [{"id": instrument.id} | _place(instrument.evidence) for instrument in labels.instruments],
        "scores": {
            "relevance": labels.relevance_score,
            "topics": [{"id": score.id, "score": score.score} for score in labels.topic_scores],
            "stance": [{"id": stance.target, "score": stance.score} for stance in labels.stance],
        },
        "relevance_by": labels.relevance_by,
        "lang": document.language,
        "model": labels.model,
        "epoch": labels.epoch,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "holder": claim.holder,
        "holder_id": claim.holder_id,
        "target": claim.target,
        "label": claim.label,
        **_place(claim.evidence),
        "score": claim.score,
        "shown": claim.shown,
        "by": claim.by,
    }


def as_text(document: Document, labels: Labels | ClassificationError, classifier: Classifier) -> str:
    """The same for a reader at a terminal."""
    if isinstance(labels, ClassificationError):
        return f"{document.id}\n  not labelled: {labels}"
    lines = [
        document.id,
        f"  model      {classifier.model}, epoch {labels.epoch or 'none'}, language {document.language}",
        f"  relevant   {'yes' if labels.relevant else 'no'} ({labels.relevance_score:.2f} by {labels.relevance_by})",
    ]
    if labels.relevant:
        topics = [
            f"{topic.id} {topic.score:.2f}{' mentioned' * (topic.role == 'mentioned')}" for topic in labels.topics
        ]
        lines.append(f"  topics     {', '.join(topics) or 'none'}")
    lines += _positions(labels.stance, labels.claims)
    lines += _facets(labels)
    trial = labels.experimental
    if trial.topics or trial.stance or trial.claims:
        lines.append(f"  on trial   {', '.join(topic.id for topic in trial.topics) or 'no topics'}")
        lines += _positions(trial.stance, trial.claims)
    return "\n".join(lines)


def _positions(stances: Iterable[StanceLabel], claims: Iterable[Claim]) -> Iterator[str]:
    for stance in stances:
        why = f", {stance.neutrality.replace('_', ' ')}" if stance.neutrality else ""
        yield f"  stance     {SIGNS[stance.label]} {stance.target}: {stance.label}{why} ({stance.score:.2f})"
        if stance.evidence is not None:
            yield _quoted(stance.evidence.text, stance.evidence.start, stance.evidence.end)
    for claim in claims:
        kind = "claim    " if claim.shown else "candidate"
        who = f"{claim.holder}{f' ({claim.holder_id})' * bool(claim.holder_id)}"
        yield f"  {kind}  {SIGNS[claim.label]} {who}, {claim.target}: {claim.label} ({claim.score:.2f})"
        yield _quoted(claim.evidence.text, claim.evidence.start, claim.evidence.end)


def _facets(labels: Labels) -> Iterator[str]:
    for law in labels.laws:
        yield f"  law        {law.id}"
        if law.evidence is not None:
            yield _quoted(law.evidence.text, law.evidence.start, law.evidence.end)
    for act in labels.acts:
        who = f"{act.actor}{f' ({act.actor_id})' * bool(act.actor_id)}: " if act.actor else ""
        yield f"  act        {who}{act.act}{f' {act.law}' * bool(act.law)} (by {act.by})"
        yield _quoted(act.evidence.text, act.evidence.start, act.evidence.end)
    for instrument in labels.instruments:
        yield f"  instrument {instrument.id}"
        yield _quoted(instrument.evidence.text, instrument.evidence.start, instrument.evidence.end)


def _place(evidence: Evidence | None) -> dict[str, Any]:
    if evidence is None:
        return {"evidence": None, "start": None, "end": None}
    return {"evidence": evidence.text, "start": evidence.start, "end": evidence.end}


def _quoted(evidence: str, start: int, end: int) -> str:
    return f"               {' '.join(evidence.split())}  [{start}:{end}]"


def _from_line(line: str, where: str) -> Document:
    try:
        row = Line.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{where}: {f'{field}: ' if field else ''}{first['msg']}; a line is {{id, title, text}}"
        ) from error
    return Document(row.id, row.title, row.text, find_language(row.text))


def _from_html(content: bytes, name: str) -> Document:
    from processors.extraction import Drop, extract

    try:
        found = extract(content, f"file:///{name}", "text/html", None, datetime.now(UTC))
    except ExtractionError as error:
        raise ConfigError(f"{name}: {error}") from error
    if isinstance(found, Drop):
        raise ConfigError(f"{name}: no article in this page ({found.reason})")
    return Document(name, found.title, found.text, found.language)
