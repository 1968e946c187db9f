"""The command that gives old articles new labels."""

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from govwire.cli import Json, app, settings, vocabulary
from govwire.cli.read import QueryText, Since, Until, parse_query
from govwire.core.settings import Settings

if TYPE_CHECKING:
    from govwire.core.state import State


@app.command()
def relabel(query: QueryText = "", since: Since = None, until: Until = None, as_json: Json = False) -> None:
    """Send indexed articles through classify again; those under the newest epoch already are skipped.

    They travel on the backfill lane, behind the news, and fire no alert. Cut short, the same command goes on.
    """
    from govwire.core.bus import open_bus
    from govwire.core.index import open_index
    from govwire.core.state import open_state
    from processors.relabel import Counts
    from processors.relabel import relabel as send

    chosen = settings()
    wanted = parse_query(query, since, until)
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen.state_url))
        bus = open_bus(chosen)
        stack.callback(bus.close)
        index = open_index(chosen)
        stack.callback(index.close)
        if chosen.bus.url == "sqlite:":
            bus.setup()
            # One machine: the classifier is that of the config at hand, and has not begun its epoch where it never ran.
            _warn_of_an_epoch_to_come(chosen, state)
        columns = (TextColumn("articles"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        progress = stack.enter_context(
            Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        )
        bar = progress.add_task("articles", total=None)
        report = send(
            index,
            bus,
            state,
            chosen.bus.prefix,
            wanted,
            asked=json.dumps([query, since, until]),
            tell=lambda read, total: progress.update(bar, completed=read, total=total),
        )
    if as_json:
        typer.echo(json.dumps(report.as_dict() if report else {"epoch": None, **asdict(Counts())}))
    else:
        typer.echo(str(report) if report else "nothing has been labelled yet: 'govwire run' labels what it crawls")


def _warn_of_an_epoch_to_come(chosen: Settings, state: "State") -> None:
    from govwire.core.state import epochs
    from processors.classifiers import open_classifier

    with state.begin() as transaction:
        newest = epochs.newest(transaction)
    classifier = open_classifier(chosen, vocabulary())
    digest = classifier.digest
    classifier.close()
    if newest is not None and newest["digest"] != digest:
        typer.echo(
            f"note: this configuration is not that of epoch {newest['epoch']}; begin its own by 'govwire run' first",
            err=True,
        )
