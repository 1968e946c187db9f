"""How commands print: tables for people, JSON lines for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

PIPE_COLUMNS = 240


def rows(items: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print items as a table of these columns, or whole as JSON lines; `empty` is said when there are none."""
    if as_json:
        for item in items:
            typer.echo(json.dumps(item, ensure_ascii=False, default=str))
        return
    listed = list(items)
    if not listed:
        typer.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        # What names a row is never cut: it is what the next command wants.
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for item in listed:
        table.add_row(*[_cell(item.get(column)) for column in columns])
    # Where nobody looks, as in a pipe, a row is a line.
    Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar where somebody looks; what is yielded counts one as done, and more that are to be done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=1, total=(bar.tasks[0].total or 0) + more)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(str(value))
