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
    file: Annotated[Path, typer.Argument(help="Labelled records, JSON Lines.")],
    as_json: Json = False,
) -> None:
    """Score the classifier on labelled records, beside the majority and keyword baselines, with 95 % intervals."""
    from processors.classifiers.evaluate import evaluate_file, render

    figures = evaluate_file(file, settings(), vocabulary())
    typer.echo(render(figures, as_json=as_json))


@app.command()
def train(
    folder: Annotated[Path, typer.Option(help="Where the model is written.")] = Path("processors/classifiers/model"),
) -> None:
    """Train the classifier from the committed data (extra `train`)."""
    from processors.classifiers.training import train as train_model

    train_model(folder)
