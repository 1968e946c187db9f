"""JSON Lines: a page a line, as HTML, or as the parts of an article, of which the smallest page is made that says them.

So a text from a database goes the same way as a page of the web: title, date, authors and language are read from where
pages have them. Fields: `url`, and `html`, or `title` and `text` with `published`, `authors`, `language` and `summary`
where they are known; `fetched_at` in both, else the time at which the file was changed last.
"""

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Self

from pydantic import BaseModel, BeforeValidator, ValidationError, model_validator

from crawlers.archives import Item, Kept, PassedOver, Reason, changed_at
from govwire.core.records import Header

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
# A page of text that was decoded once is encoded anew.
_AS_UTF8 = (Header(name="content-type", value="text/html; charset=utf-8"),)

Names = Annotated[tuple[str, ...], BeforeValidator(lambda named: [named] if isinstance(named, str) else named or ())]


class Row(BaseModel):
    """One line; fields of any other name are passed over."""

    url: str
    fetched_at: datetime | None = None
    html: str | None = None
    title: str | None = None
    text: str | None = None
    summary: str | None = None
    published: str | None = None
    authors: Names = ()
    language: str | None = None

    @model_validator(mode="after")
    def _has_something_to_read(self) -> Self:
        if self.html is None and not (self.title and self.text):
            raise ValueError("neither html, nor title and text")
        return self

    def page(self) -> bytes:
        """Its HTML; a line end in `text` ends a paragraph, as it does nearly everywhere."""
        if self.html is not None:
            return self.html.encode("utf-8", "replace")
        metas = [("article:published_time", self.published), ("description", self.summary)]
        metas += [("author", name) for name in self.authors]
        title = escape(self.title or "")
        head = "".join(f'<meta name="{name}" content="{escape(said)}">' for name, said in metas if said)
        text = "".join(f"<p>{escape(line.strip())}</p>" for line in (self.text or "").splitlines() if line.strip())
        page = (
            f'<!doctype html><html lang="{escape(self.language or "")}"><head><meta charset="utf-8">'
            f"<title>{title}</title>{head}</head><body><article><h1>{title}</h1>{text}</article></body></html>"
        )
        return page.encode("utf-8", "replace")


class JsonLines:
    """One file of JSON Lines, plain or gzip; pages over `max_bytes` are passed over."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path, self.size_bytes, self._max_bytes = path, path.stat().st_size, max_bytes

    def version(self) -> str:
        """What changes where the file changes."""
        return f"{self.size_bytes} {self.path.stat().st_mtime_ns}"

    def read(self, behind: int) -> Iterator[Item]:
        """Its lines, in order; see `Archive`."""
        with self.path.open("rb") as file:
            lines = gzip.GzipFile(fileobj=file) if self.path.suffix == ".gz" else file
            yield from islice(self._items(lines, file), behind, None)

    def _items(self, lines: "BinaryIO | gzip.GzipFile", file: BinaryIO) -> Iterator[Item]:
        # JSON may write a character of the page in six.
        longest, number, fetched_at = 6 * self._max_bytes, 0, changed_at(self.path)
        while True:
            try:
                line = lines.readline(longest + 1)
                rest = line
                while len(rest) > longest and not rest.endswith(b"\n"):
                    rest = lines.readline(longest + 1)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                yield Item(PassedOver(Reason.DAMAGED, f"behind line {number}: {error}"), file.tell())
                return
            if not line:
                return
            number += 1
            yield Item(self._found(number, line, fetched_at), file.tell())

    def _found(self, number: int, line: bytes, fetched_at: datetime) -> Kept | PassedOver:
        try:
            row = Row.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            why = f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")
            return PassedOver(Reason.DAMAGED, f"line {number}: {why}")
        body = row.page()
        if len(body) > self._max_bytes:
            return PassedOver(Reason.TOO_LARGE, f"line {number}: {row.url[:200]}: {len(body)} bytes")
        at = row.fetched_at or fetched_at
        return Kept(row.url, at if at.tzinfo else at.replace(tzinfo=UTC), 200, _AS_UTF8, body)
