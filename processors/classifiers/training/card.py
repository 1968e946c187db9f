"""The model's card: what it is, what it was trained on, how good it is, where it fails."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from processors.classifiers.heads import Heads
from processors.classifiers.training.fit import FOLDS
from processors.classifiers.training.passages import Passage

SIDES = ("favor", "against", "neutral")

CARD = """# {facts.model}

Trained on {today}. English only. Labels: relevance, {topic_count} topics, stance toward {target_count} targets (favor,
against, neutral), claims from direct quotations.

## What it is
The encoder is all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0; 22.7 million weights, not fine-tuned), its weights
as int8 for each output channel. The heads are logistic regressions on the mean vectors of its third and its last layer.
A topic or target that the heads were not trained on is decided by the likeness of its description.

## Data
{records} passages of news text, {relevant} of them relevant, on {events} events; digest `{facts.data_digest}`; in
processors/classifiers/data. Synthetic: machine-written from the facts of real reports and labelled in the writing by
the annotation guide; many in pairs that differ only in stance, holder or target. No third-party text.

| topic | passages |
|---|---|
{topics}

| target | favor | against | neutral |
|---|---|---|---|
{targets}

## Figures
Cross-validation in {folds} folds, whole events apart. The thresholds, relevance {facts.relevance_threshold}, topics
{facts.topic_threshold}, targets {facts.target_threshold}, were chosen on the same folds (each as the middle of the
cuts within half a point of the best), so the figures that hang on them are a little too good.
`govwire evaluate FILE` gives the same figures on texts of your own.

| figure | value |
|---|---|
{figures}

## Where it fails
- Stance is weak, toward single targets above all: irony, distance and several voices are often read wrongly.
- Claims come from direct quotations with a name beside the speech verb only; indirect speech, most news, gives none.
- Scores are not calibrated: use them to rank, not as probabilities.
- The passages are shorter and denser than articles; long articles are labelled window by window and averaged.
"""


def write(path: Path, heads: Heads, passages: Sequence[Passage], figures: dict[str, float], today: date) -> None:
    """Write the card as Markdown."""
    facts = heads.facts
    relevant = [one.record for one in passages if one.record["relevant"]]
    topics = Counter(topic for record in relevant for topic in record["topics"])
    stances = Counter((target, label) for record in relevant for target, label in record["stance"].items())
    text = CARD.format(
        today=today,
        facts=facts,
        topic_count=len(facts.topics),
        target_count=len(facts.targets),
        records=len(passages),
        relevant=len(relevant),
        events=len({one.event for one in passages}),
        folds=FOLDS,
        topics="\n".join(f"| {name} | {topics[name]} |" for name in facts.topics),
        targets="\n".join(
            f"| {name} | {' | '.join(str(stances[(name, side)]) for side in SIDES)} |" for name in facts.targets
        ),
        figures="\n".join(f"| {name} | {value:.3f} |" for name, value in figures.items()),
    )
    path.write_text(text, encoding="utf-8")
