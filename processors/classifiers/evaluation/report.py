"""What is measured, on what, and the rows of it.

The gold records are a file's, or those of the committed data that training leaves out. The classifier of the settings
is measured beside the majority label and the term lists; the second reading of the data against the first.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from govwire.core.errors import ClassificationError, ConfigError
from govwire.core.records import Labels
from govwire.core.settings import Settings, find_config
from govwire.core.terms import load_terms
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import Classifier, EngineName, open_classifier, open_engine
from processors.classifiers.evaluation import probes
from processors.classifiers.evaluation.calibration import calibration
from processors.classifiers.evaluation.figures import STANCES, label_figures, shown_figures, summed
from processors.classifiers.evaluation.intervals import SAMPLES, Row, rows
from processors.classifiers.evaluation.records import Labelled, labelled, majority, read_gold
from processors.classifiers.judgement import Engine
from processors.classifiers.training.passages import DATA, of_part, records


@dataclass(frozen=True)
class Answers:
    """What the classifier that is measured says of the gold records, beside what others say."""

    gold: Sequence[Labelled]
    classifier: Classifier
    labels: Sequence[Labels | ClassificationError]
    others: Mapping[str, Sequence[Labelled]]

    @property
    def said(self) -> list[Labelled]:
        """The labels as they are compared."""
        return [labelled(gold.id, one) for gold, one in zip(self.gold, self.labels, strict=True)]


def held_out() -> list[Labelled]:
    """The committed records of the events that training leaves out."""
    return [Labelled.model_validate(row) for row in of_part(records(), "test")]


def answer(gold: Sequence[Labelled], settings: Settings, vocabulary: Vocabulary) -> Answers:
    """Ask the majority label, the term lists and the classifier of the settings.

    Raises:
        ConfigError: a term list is wrong.
        ModelError: model files are missing or unreadable.
    """
    others: dict[str, Sequence[Labelled]] = {"majority": majority(gold)}
    if settings.classify.engine != "keyword":
        baseline = _ask("keyword", gold, settings, vocabulary)
        others[baseline.classifier.model] = baseline.said
    measured = _ask(settings.classify.engine, gold, settings, vocabulary)
    return Answers(gold, measured.classifier, measured.labels, others)


def compare(gold: Sequence[Labelled], said: Mapping[str, Sequence[Labelled]], samples: int = SAMPLES) -> list[Row]:
    """Every figure of each who says something of the gold records, and those of shown claims."""
    sums = {name: summed(list(zip(gold, one, strict=True)), samples) for name, one in said.items()}
    return [
        row
        for block, figures in (("labels", label_figures), ("shown claims", shown_figures))
        for name, one in sums.items()
        for row in rows(block, name, figures(one))
    ]


def figure_rows(answers: Answers, samples: int = SAMPLES) -> list[Row]:
    """The figures of the classifier that is measured, after those of the others."""
    return compare(answers.gold, {**answers.others, answers.classifier.model: answers.said}, samples)


def agreement_rows(samples: int = SAMPLES) -> list[Row]:
    """The same figures of the second reading of the committed data, against the first.

    Raises:
        ConfigError: a record was read again that is not in the data.
    """
    first = {row["id"]: Labelled.model_validate(row) for row in records()}
    second = read_gold(DATA / "second.jsonl")
    unknown = sorted(one.id for one in second if one.id not in first)
    if unknown:
        raise ConfigError(f"{DATA / 'second.jsonl'}: {', '.join(unknown)}: not in the data")
    return compare([first[one.id] for one in second], {"second reader": second}, samples)


def probe_rows(
    answers: Answers, open_with: Callable[[Vocabulary], Engine], vocabulary: Vocabulary, samples: int = SAMPLES
) -> list[Row]:
    """What stances hang on, and how far scores are chances."""
    pairs = list(zip(answers.gold, answers.said, strict=True))
    plain, masked, denied = (
        _judge(open_with(one), answers.gold)
        for one in (vocabulary, probes.masked(vocabulary), probes.denied(vocabulary, probes.denials()))
    )
    figures = {
        **probes.proposition_figures(answers.gold, plain, masked, denied, samples),
        **probes.contrast_figures(pairs, samples),
    }
    model = answers.classifier.model
    return rows("probes", model, figures) + calibration(pairs, plain, vocabulary, model)


def opener(settings: Settings) -> Callable[[Vocabulary], Engine]:
    """Opens the engine of the settings with a vocabulary.

    Raises:
        ConfigError: a term list is wrong.
    """
    terms, name = load_terms(find_config()), settings.classify.engine
    return lambda vocabulary: open_engine(name, settings, vocabulary, terms)


def support_rows(gold: Sequence[Labelled]) -> Iterator[Row]:
    """How often gold has each label."""
    relevant = sum(record.relevant for record in gold)
    for name, number in (("relevant", relevant), ("irrelevant", len(gold) - relevant)):
        yield Row("support: relevance", name, "records", number)
    topics = Counter(topic for record in gold for topic in record.topics)
    for topic, number in sorted(topics.items()):
        yield Row("support: topics", topic, "records", number)
    stances = Counter(entry for record in gold for entry in record.stance.items())
    claims = Counter((claim.target, claim.label) for record in gold for claim in record.claims)
    for block, counts in (("support: stances", stances), ("support: claims", claims)):
        for target in sorted({target for target, _ in counts}):
            for label in STANCES:
                yield Row(block, target, label, counts[target, label])


def _ask(name: EngineName, gold: Sequence[Labelled], settings: Settings, vocabulary: Vocabulary) -> Answers:
    classifier = open_classifier(settings, vocabulary, name)
    try:
        return Answers(gold, classifier, classifier.classify([record.document for record in gold]), {})
    finally:
        classifier.close()


def _judge(engine: Engine, gold: Sequence[Labelled]) -> probes.Judgements:
    try:
        return probes.judge(engine, gold)
    finally:
        engine.close()
