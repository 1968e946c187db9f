"""Examples: records of the gold set with the labels as `govwire classify` prints them, beside gold, mistakes included.

They are chosen by a rule that knows nothing of the answers, so that they are neither the best nor the worst.
"""

from collections.abc import Iterator, Sequence

from govwire.core.vocabulary import Vocabulary
from processors.classifiers import OVERALL
from processors.classifiers.evaluation.claims import match, same_claim
from processors.classifiers.evaluation.records import Labelled, LabelledClaim
from processors.classifiers.evaluation.report import Answers
from processors.classifiers.rows import SIGNS, as_text

TEXT = """# Examples of labels

Made by `{what} --examples FILE`: do not edit. Model `{model}`. In the order of ids: the first passage for
each target, then the first that is irrelevant, and the first article. The labels are printed as by
`govwire classify --format text`; gold and the mistakes stand under them.

The texts are exercises written for training and measuring, some with invented voices; nothing in them may be quoted
as what anybody said or did.
"""


def examples(answers: Answers, vocabulary: Vocabulary, what: str) -> str:
    """The chosen records with what was said of them, as Markdown; `what` is the command that measured it."""
    page = [TEXT.format(model=answers.classifier.model, what=what)]
    numbers = {record.id: number for number, record in enumerate(answers.gold)}
    for record in choose(answers.gold, vocabulary):
        number = numbers[record.id]
        printed = as_text(record.document, answers.labels[number], answers.classifier)
        wrong = list(mistakes(record, answers.said[number])) or ["none"]
        page += [
            f"## {record.title or record.id}",
            "\n".join(f"> {line}".rstrip() for line in record.text.split("\n")),
            f"```text\n{printed}\n```",
            "Gold:",
            "```text\n" + "\n".join(_gold(record)) + "\n```",
            "Mistakes: " + "; ".join(wrong) + ".",
        ]
    return "\n\n".join(page) + "\n"


def choose(gold: Sequence[Labelled], vocabulary: Vocabulary) -> list[Labelled]:
    """The first passage for each target, for the overall one without another; one irrelevant passage; one article."""
    ordered = sorted(gold, key=lambda record: record.id)
    passages = [record for record in ordered if record.kind == "passage"]
    chosen: list[Labelled] = []

    def take(wanted: Iterator[Labelled]) -> None:
        chosen.extend(one for one in [next((one for one in wanted if one not in chosen), None)] if one is not None)

    for target in vocabulary.targets:
        if not vocabulary.is_experimental(target):
            take(one for one in passages if target in one.stance and (target != OVERALL or len(one.stance) == 1))
    take(one for one in passages if not one.relevant)
    take(one for one in ordered if one.kind == "article")
    return chosen


def mistakes(gold: Labelled, said: Labelled) -> Iterator[str]:
    """What is missing, too much or wrong."""
    if gold.relevant != said.relevant:
        yield f"relevant is {'yes' if gold.relevant else 'no'}"
    yield from (f"topic {topic} is missing" for topic in gold.topics if topic not in said.topics)
    yield from (f"topic {topic} is too much" for topic in said.topics if topic not in gold.topics)
    for target in dict.fromkeys((*gold.stance, *said.stance)):
        label, other = gold.stance.get(target), said.stance.get(target)
        if label != other:
            yield f"stance {target} is {label or 'not discussed'}, not {other or 'left out'}"
    right = match(gold.claims, said.claims, same_claim)
    found, given = ({pair[side] for pair in right} for side in (0, 1))
    yield from (f"claim {_named(one)} is missing" for at, one in enumerate(gold.claims) if at not in found)
    yield from (f"claim {_named(one)} is too much" for at, one in enumerate(said.claims) if at not in given)


def _gold(record: Labelled) -> Iterator[str]:
    yield f"  relevant   {'yes' if record.relevant else 'no'}"
    if record.relevant:
        yield f"  topics     {', '.join(record.topics) or 'none'}"
    for target, label in record.stance.items():
        yield f"  stance     {SIGNS[label]} {target}: {label}"
    for claim in record.claims:
        yield f"  claim      {SIGNS[claim.label]} {_named(claim)}"
        yield f"               {' '.join(claim.evidence.split())}"


def _named(claim: LabelledClaim) -> str:
    return f"{claim.holder}, {claim.target}: {claim.label}{' (candidate)' * (not claim.shown)}"
