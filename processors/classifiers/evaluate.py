"""How good the labels are: every figure of the evaluation, with intervals, beside the baselines.

relevance, topics, the overall stance, the nine other targets (found, their stance, both), claims and holders, as F1.
Intervals are bootstrap percentiles over records, seeded, so that the same file gives the same table.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from random import Random
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from govwire.core.errors import ClassificationError, ConfigError
from govwire.core.records import Labels
from govwire.core.settings import Settings
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import Classifier, Document, Engine, open_classifier

OVERALL = "stronger_governance"
STANCES = ("favor", "against", "neutral")
# A topic with fewer gold records has no F1 worth a mean.
ENOUGH = 5
SAMPLES = 1000
SEED = 20261124


class LabelledClaim(BaseModel):
    """Who is given which position."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    holder: str
    target: str
    label: str


class Labelled(BaseModel):
    """A labelled record, gold or predicted, as far as it is compared."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    title: str = ""
    text: str = ""
    language: str = Field("en", validation_alias=AliasChoices("lang", "language"))
    relevant: bool
    topics: tuple[str, ...] = ()
    stance: dict[str, str] = {}
    claims: tuple[LabelledClaim, ...] = ()


Pair = tuple[Labelled, Labelled]  # gold, predicted
Figures = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One figure of one classifier, with its 95 % interval."""

    figure: str
    classifier: str
    value: float
    low: float
    high: float


def evaluate(path: Path, classifiers: Sequence[Classifier], samples: int = SAMPLES) -> list[Row]:
    """The figures of every classifier on a file of labelled records, after those of the majority label.

    Raises:
        ConfigError: the file is missing or holds what is no labelled record.
    """
    gold = read_gold(path)
    predictions = {"majority": _majority(gold)} | {one.model: predict(one, gold) for one in classifiers}
    return [
        Row(figure, name, value, *interval)
        for name, predicted in predictions.items()
        for figure, value, interval in _with_intervals(list(zip(gold, predicted, strict=True)), samples)
    ]


def evaluate_file(path: Path, settings: Settings, vocabulary: Vocabulary) -> list[Row]:
    """The figures of the settings' engine, beside the majority label and the term lists.

    Raises:
        ConfigError: the file is missing or holds what is no labelled record.
        ModelError: model files are missing or unreadable.
    """
    engines: list[Engine] = list(dict.fromkeys(("keyword", settings.classify.engine)))
    classifiers = [open_classifier(settings, vocabulary, engine) for engine in engines]
    try:
        return evaluate(path, classifiers)
    finally:
        for classifier in classifiers:
            classifier.close()


def render(rows: Sequence[Row], *, as_json: bool = False) -> str:
    """A line for each figure and a column for each classifier, with 95 % intervals; or a JSON line for each row."""
    if as_json:
        return "\n".join(json.dumps(asdict(row)) for row in rows)
    names = list(dict.fromkeys(row.classifier for row in rows))
    lines = [["figure", *names]]
    for figure in dict.fromkeys(row.figure for row in rows):
        cells = {
            row.classifier: f"{row.value:.3f} [{row.low:.2f}, {row.high:.2f}]" for row in rows if row.figure == figure
        }
        lines.append([figure, *(cells[name] for name in names)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(names) + 1)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


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
    documents = [Document(record.id, record.title, record.text, record.language) for record in gold]
    answers = zip(documents, classifier.classify(documents), strict=True)
    return [labelled(document.id, answer) for document, answer in answers]


def labelled(record_id: str, answer: Labels | ClassificationError) -> Labelled:
    """Labels in the form that is compared: topics the text is about, and shown claims."""
    if isinstance(answer, ClassificationError):
        return Labelled(id=record_id, relevant=False)
    return Labelled(
        id=record_id,
        relevant=answer.relevant,
        topics=tuple(topic.id for topic in answer.topics if topic.role == "about"),
        stance={stance.target: stance.label for stance in answer.stance},
        claims=tuple(
            LabelledClaim(holder=claim.holder, target=claim.target, label=claim.label)
            for claim in answer.claims
            if claim.shown
        ),
    )


def figures(pairs: Sequence[Pair]) -> Figures:
    """Every figure of gold against predicted; nan where there is nothing to count."""
    claims, holders = _claims(pairs)
    return {
        "relevance_macroF1": _macro([(gold.relevant, said.relevant) for gold, said in pairs], (True, False)),
        **_topics(pairs),
        "stance_overall_macroF1": _macro(
            [(gold.stance.get(OVERALL), said.stance.get(OVERALL)) for gold, said in pairs if gold.relevant], STANCES
        ),
        **_targets(pairs),
        "claim_F1(holder,target,label)": claims,
        "holder_F1": holders,
    }


def _with_intervals(pairs: Sequence[Pair], samples: int) -> list[tuple[str, float, tuple[float, float]]]:
    random = Random(SEED)  # noqa: S311 - a bootstrap, not a secret
    drawn = [figures(random.choices(pairs, k=len(pairs))) for _ in range(samples)]
    rows = []
    for name, value in figures(pairs).items():
        values = sorted(one[name] for one in drawn if not isnan(one[name]))
        ends = (values[int(0.025 * len(values))], values[int(0.975 * (len(values) - 1))]) if values else (value, value)
        rows.append((name, value, ends))
    return rows


def _majority(gold: Sequence[Labelled]) -> list[Labelled]:
    """The most frequent label everywhere: what a classifier that reads nothing reaches."""

    def most(values: Sequence[Any]) -> Any:
        return max(sorted(set(values), key=str), key=values.count)

    relevant = most([record.relevant for record in gold])
    topics = [topic for record in gold for topic in record.topics]
    stances = [(target, label) for record in gold for target, label in record.stance.items()]
    overall = most([label for target, label in stances if target == OVERALL] or ["neutral"])
    other = most([pair for pair in stances if pair[0] != OVERALL] or [("binding_regulation", "favor")])
    said = {
        "relevant": relevant,
        "topics": (most(topics),) if topics else (),
        "stance": {OVERALL: overall, other[0]: other[1]},
    }
    return [Labelled.model_validate({"id": record.id, **said}) for record in gold]


def _f1(hits: int, extra: int, missed: int) -> float:
    return 2 * hits / (2 * hits + extra + missed) if hits + extra + missed else float("nan")


def _macro(pairs: Sequence[tuple[Any, Any]], labels: Sequence[Any]) -> float:
    """The mean F1 over the labels that gold has."""
    scores = []
    for label in labels:
        gold, said = (sum(pair[side] == label for pair in pairs) for side in (0, 1))
        hits = sum(pair == (label, label) for pair in pairs)
        if gold:
            scores.append(_f1(hits, said - hits, gold - hits))
    return sum(scores) / len(scores) if scores else float("nan")


def _topics(pairs: Sequence[Pair]) -> Figures:
    counts = {}
    for topic in {topic for gold, _ in pairs for topic in gold.topics}:
        hits = sum(topic in gold.topics and topic in said.topics for gold, said in pairs)
        said_it, has_it = (sum(topic in pair[side].topics for pair in pairs) for side in (1, 0))
        counts[topic] = (hits, said_it - hits, has_it - hits)
    often = [_f1(*count) for count in counts.values() if count[0] + count[2] >= ENOUGH]
    return {
        "topic_microF1": _f1(*(sum(count[part] for count in counts.values()) for part in range(3))),
        "topic_macroF1(n>=5)": sum(often) / len(often) if often else float("nan"),
    }


def _targets(pairs: Sequence[Pair]) -> Figures:
    """The nine other targets: discussed or not, the label where both have one, and both at once for each label."""
    gold = {
        (number, *entry) for number, (one, _) in enumerate(pairs) for entry in one.stance.items() if entry[0] != OVERALL
    }
    said = {
        (number, *entry) for number, (_, one) in enumerate(pairs) for entry in one.stance.items() if entry[0] != OVERALL
    }
    gold_labels, said_labels = ({(at, target): label for at, target, label in entries} for entries in (gold, said))
    both = gold_labels.keys() & said_labels.keys()
    ends = []
    for label in STANCES:
        of_gold, of_said = ({entry for entry in entries if entry[2] == label} for entries in (gold, said))
        hits = len(of_gold & of_said)
        ends.append(_f1(hits, len(of_said) - hits, len(of_gold) - hits))
    return {
        "target_detectionF1": _f1(len(both), len(said_labels) - len(both), len(gold_labels) - len(both)),
        "target_stance_macroF1(detected)": _macro([(gold_labels[key], said_labels[key]) for key in both], STANCES),
        "target_stance_end_to_end_macroF1": sum(ends) / len(ends),
    }


def _claims(pairs: Sequence[Pair]) -> tuple[float, float]:
    """F1 of claims (holder, target, label) and of holders, matched one to one in the order of gold."""
    claims, holders = [0, 0, 0], [0, 0, 0]
    for gold, said in pairs:
        wanted, given = _most_specific(gold.claims), _most_specific(said.claims)
        _add(claims, len(wanted), len(given), _matched(wanted, given, _same_claim))
        wanted_holders, given_holders = ({claim.holder: None for claim in side} for side in (wanted, given))
        _add(
            holders,
            len(wanted_holders),
            len(given_holders),
            _matched(list(wanted_holders), list(given_holders), same_holder),
        )
    return _f1(*claims), _f1(*holders)


def _add(totals: list[int], wanted: int, given: int, hits: int) -> None:
    for part, number in enumerate((hits, given - hits, wanted - hits)):
        totals[part] += number


def _most_specific(claims: Sequence[LabelledClaim]) -> list[LabelledClaim]:
    """Without the overall claims of holders that have a more specific one."""
    specific = {claim.holder for claim in claims if claim.target != OVERALL}
    return [claim for claim in claims if claim.target != OVERALL or claim.holder not in specific]


def _matched(wanted: Sequence[Any], given: Sequence[Any], same: Callable[[Any, Any], bool]) -> int:
    left = list(given)
    hits = 0
    for one in wanted:
        match = next((number for number, other in enumerate(left) if same(one, other)), None)
        if match is not None:
            del left[match]
            hits += 1
    return hits


def _same_claim(one: LabelledClaim, other: LabelledClaim) -> bool:
    return (one.target, one.label) == (other.target, other.label) and same_holder(one.holder, other.holder)


_TITLES = frozenset(
    ("the", "a", "an", "of", "and", "mr", "ms", "dr", "sen", "rep", "president", "minister", "prime", "professor")
)


def same_holder(one: str, other: str) -> bool:
    """Whether two names may be one holder: one's words within the other's, or half of them all in common."""
    if one == other:
        return True
    words, others = _words(one), _words(other)
    if "_author" in (one, other) or not words or not others:
        return False
    return words <= others or others <= words or len(words & others) / len(words | others) >= 0.5


def _words(name: str) -> set[str]:
    return {word for word in re.findall(r"\w+", name.lower()) if word not in _TITLES}
