"""Lists of addresses that people keep: CSV files, as spreadsheets write them, down to one address a line."""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from govwire.core.errors import ConfigError, UrlError
from govwire.core.urls import clean

_COLUMNS = ("url", "title", "source")


@dataclass(frozen=True)
class ListedUrl:
    """An address of a list, and what its row says of it."""

    url: str
    title: str | None = None
    source_id: str | None = None
    listed_in: str = ""  # the file's name


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used."""

    line: int  # counts from 1
    why: str


@dataclass(frozen=True)
class UrlList:
    """What a list holds, in its order."""

    pages: tuple[ListedUrl, ...]
    bad: tuple[BadRow, ...]


def read_list(path: Path, source_ids: Collection[str]) -> UrlList:
    """The rows of a CSV file; blank ones are left out, and a row may only name one of these sources.

    The first row may name the columns, of which `url`, `title` and `source` are read, separated by comma, semicolon or
    tab as that row is. Without such a row the first column is the address, and commas separate.

    Raises:
        ConfigError: the file cannot be read, or is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: {cause}; give a CSV file in UTF-8") from error
    rows = list(_rows(list(StringIO(text, newline="")), path.name, source_ids))
    return UrlList(
        tuple(row for row in rows if isinstance(row, ListedUrl)), tuple(row for row in rows if isinstance(row, BadRow))
    )


def _rows(lines: Sequence[str], name: str, source_ids: Collection[str]) -> Iterator[ListedUrl | BadRow]:
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in ";\t" if "url" in _names(first.split(mark))), ",")
    reader = csv.reader(lines, delimiter=delimiter)
    columns: list[str] = []
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(reader.line_num, f"no CSV ({error})")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = _names(cells)
            if "url" in columns:
                continue
            columns = ["url", *[""] * (len(cells) - 1)]
        row = _row(cells, columns, name, reader.line_num)
        if isinstance(row, ListedUrl) and row.source_id is not None and row.source_id not in source_ids:
            row = BadRow(reader.line_num, f"unknown source {row.source_id!r}")
        yield row


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in cells]


def _row(cells: Sequence[str], columns: Sequence[str], name: str, line: int) -> ListedUrl | BadRow:
    if len(cells) > len(columns):
        return BadRow(line, f"{len(cells)} cells, and the first row has {len(columns)}; quote what holds a delimiter")
    said = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name in _COLUMNS}
    try:
        url = clean(said.get("url", ""))
    except UrlError as error:
        return BadRow(line, str(error))
    return ListedUrl(url, said.get("title") or None, said.get("source") or None, name)
