"""Commands of samples: drops that were drawn for checking, people's answers, and the miss rate that they give."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from govwire.cli import Json, app, output, settings
from govwire.core.errors import ConfigError

if TYPE_CHECKING:
    from govwire.core.state import State
    from govwire.core.state.samples import Sample

samples_app = typer.Typer(no_args_is_help=True, help="Drops drawn at random each week: check them, see the miss rate.")
app.add_typer(samples_app, name="samples")


class Key(StrEnum):
    """What a person types at a sample."""

    RELEVANT = "r"
    IRRELEVANT = "i"
    SKIP = "s"
    QUIT = "q"


SampleId = Annotated[int, typer.Argument(metavar="ID", help="Number of a sample.")]


@samples_app.command("list")
def list_samples(
    everything: Annotated[bool, typer.Option("--all", help="Answered ones too.")] = False,
    as_json: Json = False,
) -> None:
    """Samples that nobody has answered yet."""
    from govwire.core.state import samples

    with _state() as state, state.begin() as transaction:
        rows = [asdict(sample) for sample in samples.listed(transaction, is_open=not everything)]
    columns = ("sample_id", "week", "reason", "score", "title", "url", "answer", "answered_by")
    output.rows(rows, columns, as_json=as_json, empty="no samples; those of a week are drawn when it is over")


@samples_app.command()
def show(sample_id: SampleId, as_json: Json = False) -> None:
    """One sample with its excerpt."""
    from govwire.core.state import samples

    with _state() as state, state.begin() as transaction:
        sample = samples.find(transaction, sample_id)
    typer.echo(json.dumps(asdict(sample), ensure_ascii=False, default=str) if as_json else _told(sample))


@samples_app.command()
def answer(
    by: Annotated[str, typer.Option(metavar="NAME", help="Who answers.")],
    sample_id: Annotated[
        int | None, typer.Argument(metavar="ID", help="Number of a sample; none: ask for all.")
    ] = None,
    said: Annotated[str | None, typer.Argument(metavar="ANSWER", help="relevant or irrelevant.")] = None,
) -> None:
    """Say whether an article that was dropped is relevant; one that is comes back. Without ID, be asked one by one."""
    if not by.strip():
        raise ConfigError("--by: who answers? name somebody")
    with _state() as state:
        if sample_id is None:
            _ask_all(state, by.strip())
        else:
            _answer(state, sample_id, said or "", by.strip())


@samples_app.command()
def rate(as_json: Json = False) -> None:
    """How often each rule that drops was wrong, estimated from the samples of the last 13 weeks."""
    from processors.sampling import rates

    with _state() as state, state.begin() as transaction:
        found = rates(transaction, datetime.now(UTC))
    for each in found:
        typer.echo(json.dumps(each.as_dict(), ensure_ascii=False) if as_json else str(each))
    if not found and not as_json:
        typer.echo("no samples; those of a week are drawn when it is over")


def _ask_all(state: "State", by: str) -> None:
    from govwire.core.state import samples
    from govwire.core.state.samples import Answer

    with state.begin() as transaction:
        unanswered = samples.listed(transaction, is_open=True)
    words = {Key.RELEVANT: Answer.RELEVANT, Key.IRRELEVANT: Answer.IRRELEVANT}
    for place, sample in enumerate(unanswered, 1):
        typer.echo(f"\n{place} of {len(unanswered)}  {_told(sample)}")
        key = typer.prompt("relevant (r), irrelevant (i), skip (s), quit (q)", type=Key, show_choices=False)
        if key is Key.QUIT:
            return
        if key in words:
            _answer(state, sample.sample_id, words[key], by)
    typer.echo("no more samples")


def _answer(state: "State", sample_id: int, said: str, by: str) -> None:
    from govwire.core.state.samples import Answer
    from processors import sampling

    if said not in set(Answer):
        raise ConfigError(f"answer {said!r}: say {' or '.join(Answer)}")
    answered = sampling.answer(state, sample_id, Answer(said), by, datetime.now(UTC))
    back = f"; correction {answered.correction_id} brings it back" if answered.correction_id else ""
    typer.echo(f"sample {sample_id}: {said}{back}")


def _told(sample: "Sample") -> str:
    lines = [f"sample {sample.sample_id}, {sample.week}, {sample.source_id}", f"  {sample.title}", f"  {sample.url}"]
    score = "" if sample.score is None else f", relevance {sample.score:.2f}"
    lines += [f"  {sample.excerpt}"] * bool(sample.excerpt)
    lines.append(f"  dropped {sample.dropped_at:%Y-%m-%d} as {sample.reason} by {sample.dropped_by}{score}")
    if sample.answer:
        lines.append(f"  {sample.answer}, says {sample.answered_by}")
    return "\n".join(lines)


@contextmanager
def _state() -> Iterator["State"]:
    from govwire.core.state import open_state

    with open_state(settings().state_url) as state:
        yield state
