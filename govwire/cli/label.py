"""Commands of the classifier: classify, evaluate, train."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from govwire.cli import Json, app, settings, vocabulary


class Form(StrEnum):
    """What `classify` reads."""

    TEXT = "text"
    HTML = "html"
    JSONL = "jsonl"


@app.command()
def classify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Files to label; none: standard input."),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What the files are.")] = Form.JSONL,
    as_json: Json = False,
) -> None:
    """Label texts: JSON Lines rows for JSON Lines input or with --json, else for reading."""
    from processors.classifiers import open_classifier, rows

    classifier = open_classifier(settings(), vocabulary())
    named = [(path.name, path.read_bytes()) for path in files or ()] or [("stdin", sys.stdin.buffer.read())]
    documents = [document for name, content in named for document in rows.read(content, form.value, name=name)]
    for document, labels in zip(documents, classifier.classify(documents), strict=True):
        plain = as_json or form is Form.JSONL
        typer.echo(rows.as_json(document, labels, classifier) if plain else rows.as_text(document, labels, classifier))


@app.command()
def evaluate(
    file: Annotated[Path | None, typer.Argument(help="Labelled records, JSON Lines.")] = None,
    *,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Instead of a file: the committed records that training leaves out.")
    ] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Score the second reading of the committed data, and no classifier.")
    ] = False,
    support: Annotated[bool, typer.Option("--support", help="Print how often each label occurs, too.")] = False,
    probes: Annotated[
        bool, typer.Option("--probes", help="Mask and deny propositions, compare contrast pairs, test scores, too.")
    ] = False,
    scorecard: Annotated[Path | None, typer.Option(help="Write how good each topic and target is (Markdown).")] = None,
    examples: Annotated[Path | None, typer.Option(help="Write a dozen records with their labels (Markdown).")] = None,
    as_json: Json = False,
) -> None:
    """Score the classifier on labelled records, beside the majority and keyword baselines, with 95 % intervals."""
    from processors.classifiers import evaluation

    if [file is not None, held_out, agreement].count(True) != 1:
        raise typer.BadParameter("name a FILE, or give --held-out or --agreement")
    if agreement:
        if support or probes or scorecard or examples:
            raise typer.BadParameter("--agreement prints its figures alone")
        typer.echo(evaluation.render(evaluation.agreement_rows(), as_json=as_json))
        return
    gold = evaluation.read_gold(file) if file is not None else evaluation.held_out()
    answers = evaluation.answer(gold, settings(), vocabulary())
    rows = evaluation.figure_rows(answers)
    if support:
        rows += evaluation.support_rows(gold)
    if probes:
        rows += evaluation.probe_rows(answers, evaluation.opener(settings()), vocabulary())
    typer.echo(evaluation.render(rows, as_json=as_json))
    what = f"govwire evaluate {file.name if file is not None else '--held-out'}"
    if scorecard is not None:
        scorecard.write_text(evaluation.scorecard(answers, what), encoding="utf-8")
    if examples is not None:
        examples.write_text(evaluation.examples(answers, vocabulary(), what), encoding="utf-8")


@app.command()
def train(
    encoder: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Folder with the published weights of all-MiniLM-L6-v2."),
    ],
    folder: Annotated[Path, typer.Option(help="Where the model is written.")] = Path("processors/classifiers/model"),
    work: Annotated[Path, typer.Option(help="Where a run that is broken off goes on.")] = Path("govwire-data/training"),
    *,
    studies: Annotated[
        bool, typer.Option("--studies", help="Study the learning curve and targets never taught, too (hours on a CPU).")
    ] = False,
) -> None:
    """Train the classifier from the committed data (extra `train`)."""
    from processors.classifiers.training import train as train_model

    train_model(folder, encoder, work, studies=studies)
