"""Folders of HTML files, as they were saved: each file a page, its address from a table, or from what the page says."""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from scrapy.http import HtmlResponse

from crawlers.archives import Item, Kept, PassedOver, Reason, changed_at
from govwire.core.errors import ConfigError

SUFFIXES = {".html", ".htm", ".xhtml"}
# By what a page says where it stands: the one for machines first.
_ADDRESSES = 'link[rel~="canonical"]::attr(href)', 'meta[property="og:url"]::attr(content)'


class HtmlFolder:
    """The HTML files of a folder and of the folders in it; `addresses` by path, as the folder has it, come first."""

    def __init__(self, path: Path, max_bytes: int, addresses: Mapping[str, str]) -> None:
        self.path, self._max_bytes, self._addresses = path, max_bytes, addresses
        files = (each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        self.files = sorted((each.relative_to(path).as_posix(), each.stat().st_size) for each in files)
        self.size_bytes = sum(size for _, size in self.files)

    def version(self) -> str:
        """What changes where a file comes, goes, or changes."""
        told = [(name, size, (self.path / name).stat().st_mtime_ns) for name, size in self.files]
        return hashlib.sha256(repr((told, sorted(self._addresses.items()))).encode()).hexdigest()

    def read(self, behind: int) -> Iterator[Item]:
        """A page for each file, by name; see `Archive`."""
        passed_bytes = sum(size for _, size in self.files[:behind])
        for name, size in islice(self.files, behind, None):
            passed_bytes += size
            yield Item(self._found(name, size), passed_bytes)

    def _found(self, name: str, size: int) -> Kept | PassedOver:
        path = self.path / name
        if size > self._max_bytes:
            return PassedOver(Reason.TOO_LARGE, f"{name}: {size} bytes")
        try:
            body, fetched_at = path.read_bytes(), changed_at(path)
        except OSError as error:
            return PassedOver(Reason.DAMAGED, f"{name}: {error.strerror or error}")
        url = self._addresses.get(name) or _said(body)
        if url is None:
            return PassedOver(Reason.NO_ADDRESS, f"{name}: no canonical link in it; name it in a table: --urls CSV")
        # As what it was served the file no longer knows: its charset is what the page says.
        return Kept(url, fetched_at, 200, (), body)


def _said(body: bytes) -> str | None:
    response = HtmlResponse("http://folder.invalid/", body=body, encoding=None)
    said = (response.css(where).get() for where in _ADDRESSES)
    return next((url.strip() for url in said if url and url.strip().startswith(("http://", "https://"))), None)


def addresses_from(table: Path) -> dict[str, str]:
    """The addresses of a CSV table with the columns `file` and `url`.

    Raises:
        ConfigError: it cannot be read, or has other columns.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"file", "url"} <= set(rows.fieldnames or ()):
                raise ConfigError(f"{table}: its first line names no columns 'file' and 'url'")
            return {row["file"]: row["url"] for row in rows if row["file"] and row["url"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: {error}; name a CSV table with the columns 'file' and 'url'") from error
