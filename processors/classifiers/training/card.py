"""The model's card: what it is, what it was trained on, how good it is on events it never saw, where it fails."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from processors.classifiers.evaluation.intervals import Row
from processors.classifiers.heads import Facts
from processors.classifiers.judgement import STANCES
from processors.classifiers.training import passages

# Every measurement on the evaluation file, by hand, the newest last: it is for measuring, so each one is told.
DEV_RUNS = "dev-runs.md"

CARD = """# {facts.model}

Trained on {today}. English only. Labels: relevance, {topic_count} topics, stance toward {target_count} targets (favor,
against, neutral), who holds which position, and the sentence that shows it.

## What it is
all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0; 22.7 million weights), its layers fine-tuned on all labels at once,
weights as int8 for each output channel. Each target's proposition reads the text along with it, as one more token of
the upper layers, so that a new target works by its wording; the heads are small networks on what comes out. Scores are
calibrated on events kept for that.

## Data
{records} records, {articles} of them whole articles, {relevant} relevant, on {events} events; digest
`{facts.data_digest}`; in processors/classifiers/data. Synthetic: machine-written from the facts of real reports and
labelled in the writing by the annotation guide; many in pairs that differ only in stance, holder or target. No
third-party text. {train} records trained the weights, {choice} chose scales and cuts, {test} are held out: whole events
apart.

| topic | records |
|---|---|
{topics}

| target | against | favor | neutral |
|---|---|---|---|
{targets}

## Figures on the held-out events
`govwire evaluate --held-out` prints them again; `govwire evaluate FILE` gives the same on texts of your own.

| figure | value | 95 % interval |
|---|---|---|
{figures}

## More data, and targets never taught
{studies}

## Where it fails
- Stance follows the lean of the whole text more than the proposition: of contrast pairs few are right in all members.
  `govwire evaluate --held-out --probes` prints how far it hangs on the proposition.
- Of what is shown as a claim, almost every second is wrong in holder, target or label on these texts, which were
  written to mislead; those less sure are candidates.
- Irony, and voices that offset each other, are often read as a side; so is a position that is only reported.
- A claim needs a holder named in the same window; who is meant by a pronoun is decided by rules, and left out in doubt.
- The data was written for this: real articles are longer, and hedge more. Long ones are read in windows, put together.
- Topics and targets on trial, and those you add, are answered by their wording alone, and worse than the others.

## Measured on the evaluation file
{runs}
"""


def write(folder: Path, facts: Facts, rows: Sequence[Row], today: date) -> None:
    """Write CARD.md of the model in a folder; `rows` are its figures on the held-out records."""
    records = passages.records()
    relevant = [record for record in records if record["relevant"]]
    topics = Counter(topic for record in relevant for topic in record["topics"])
    stances = Counter(entry for record in relevant for entry in record["stance"].items())
    text = CARD.format(
        today=today,
        facts=facts,
        topic_count=len(facts.topics),
        target_count=len(facts.targets),
        records=len(records),
        articles=sum(record["kind"] == "article" for record in records),
        relevant=len(relevant),
        events=len({record["event"] for record in records}),
        **{part: len(passages.of_part(records, part)) for part in ("train", "choice", "test")},
        topics="\n".join(f"| {name} | {topics[name]} |" for name in facts.topics),
        targets="\n".join(
            f"| {name} | {' | '.join(str(stances[(name, stance)]) for stance in STANCES)} |" for name in facts.targets
        ),
        figures="\n".join(f"| {row.figure} | {row.value:.3f} | {row.low:.2f} to {row.high:.2f} |" for row in rows),
        studies="\n".join(_studies(folder / "studies.json")),
        runs=(folder / DEV_RUNS).read_text(encoding="utf-8").strip() if (folder / DEV_RUNS).exists() else "Not yet.",
    )
    (folder / "CARD.md").write_text(text, encoding="utf-8")


def _studies(path: Path) -> Iterator[str]:
    """The results of studies.py as lines; how to make them, where there are none."""
    if not path.exists():
        yield "Not studied for this model: `govwire train --studies`."
        return
    found: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    for lost in found["rounding"]:
        yield (
            "Points lost by keeping weights as int8: "
            + ", ".join(f"{name} {by:.2f}" for name, by in lost.items())
            + "."
        )
    folds = found["held_out_targets"]
    if folds:
        mean = sum(one["stance_macroF1"] for one in folds) / len(folds)
        yield f"\nStance macro-F1 where gold has an entry, on targets never taught: {mean:.3f}, the mean of the folds"
        each = (f"{one['stance_macroF1']:.3f} ({', '.join(one['targets'])}; {one['decisions']})" for one in folds)
        yield "; ".join(each) + "."
    if found["learning_curve"]:
        names = [name for name in found["learning_curve"][0] if name not in ("share", "records")]
        yield "\n| share of the training events | records |" + "".join(f" {name} |" for name in names)
        yield "|---|---|" + "---|" * len(names)
        for one in found["learning_curve"]:
            yield f"| {one['share']:.0%} | {one['records']} |" + "".join(f" {one[name]:.3f} |" for name in names)
