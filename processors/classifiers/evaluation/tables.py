"""Rows as text, as JSON or as Markdown."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from processors.classifiers.evaluation.intervals import Row


def render(rows: Sequence[Row], *, as_json: bool = False) -> str:
    """A table for each block, a line for each figure and a column for each classifier; or a JSON line for each row."""
    if as_json:
        return "\n".join(json.dumps(asdict(row)) for row in rows)
    blocks = dict.fromkeys(row.block for row in rows)
    return "\n\n".join("\n".join(_block(name, [row for row in rows if row.block == name])) for name in blocks)


def markdown(rows: Sequence[Row]) -> str:
    """One Markdown table of the rows."""
    head, *lines = _cells("figure", rows)
    return markdown_table(head, lines)


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def cell(row: Row) -> str:
    """The value, its interval, its counts and what is to be said of it, as far as there are such."""
    parts = ["–" if row.value is None else f"{row.value}" if isinstance(row.value, int) else f"{row.value:.3f}"]
    if row.low is not None and row.high is not None:
        parts.append(f"[{row.low:.2f}, {row.high:.2f}]")
    if row.total is not None:
        parts.append(f"{row.hits}/{row.total}")
    return " ".join([*parts, f"({row.note})"] if row.note else parts)


def _block(name: str, rows: Sequence[Row]) -> Iterator[str]:
    lines = _cells(name, rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(one.ljust(width) for one, width in zip(line, widths, strict=True)).rstrip()


def _cells(name: str, rows: Sequence[Row]) -> list[list[str]]:
    columns = list(dict.fromkeys(row.classifier for row in rows))
    cells = {(row.figure, row.classifier): cell(row) for row in rows}
    figures = dict.fromkeys(row.figure for row in rows)
    return [[name, *columns], *([figure, *(cells.get((figure, one), "") for one in columns)] for figure in figures)]
