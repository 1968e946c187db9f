"""The model's card: what it is, what it was trained on, how good it is, where it fails."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from processors.classifiers.heads import Heads
from processors.classifiers.training.fit import FOLDS
from processors.classifiers.training.passages import Passage


def write(path: Path, heads: Heads, passages: Sequence[Passage], figures: dict[str, float], today: date) -> None:
    """Write the card as Markdown."""
    facts = heads.facts
    relevant = [one.record for one in passages if one.record["relevant"]]
    topics = Counter(topic for record in relevant for topic in record["topics"])
    stances = Counter((target, label) for record in relevant for target, label in record["stance"].items())
    lines = [
        f"# {facts.model}",
        "",
        f"Trained on {today}. English only. Labels: relevance, {len(facts.topics)} topics, stance toward {len(facts.targets)}",
        "targets (favor, against, neutral), claims from direct quotations.",
        "",
        "## What it is",
        "The encoder is all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0; 22.7 million weights, not fine-tuned), weights as",
        "int8 for each output channel. The heads are logistic regressions on the mean vectors of its third and last layer.",
        "A topic or target that the heads were not trained on is decided by the likeness of its description.",
        "",
        "## Data",
        f"{len(passages)} passages of news text, {len(relevant)} of them relevant, on {len({one.event for one in passages})} events, digest",
        f"`{facts.data_digest}`: written for this project from the facts of real reports, with labels by the annotation guide,",
        "by a language model. No third-party text. In processors/classifiers/data.",
        "",
        "| topic | passages |",
        "|---|---|",
        *(f"| {name} | {topics[name]} |" for name in facts.topics),
        "",
        "| target | favor | against | neutral |",
        "|---|---|---|---|",
        *(
            f"| {name} | {' | '.join(str(stances[(name, label)]) for label in ('favor', 'against', 'neutral'))} |"
            for name in facts.targets
        ),
        "",
        "## Figures",
        f"Cross-validation in {FOLDS} folds, whole events apart; the three thresholds (relevance {facts.relevance_threshold}, topics",
        f"{facts.topic_threshold}, targets {facts.target_threshold}) were chosen on the same folds, so they are a little too good.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {value:.3f} |" for name, value in figures.items()),
        "",
        "## Where it fails",
        "- Stance toward single targets is weak: often right on who is for a rule, often wrong on irony, distance and several voices.",
        "- Claims come from direct quotations with a name beside the speech verb only; indirect speech, most of the news, gives none.",
        "- Scores are not calibrated: use them to rank, not as probabilities.",
        "- The passages are shorter and denser than articles; long articles are labelled window by window and averaged.",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
