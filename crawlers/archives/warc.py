"""WARC files, in the layout of CC-NEWS and most web archives: a record for each answer, a gzip member for each record.

FastWARC reads them, and stops at the first damage; here reading goes on at the next record that begins whole, and what
was damaged is an item with its place. A file that is one gzip stream, or not compressed at all, is read too.
Source: ISO 28500 (WARC 1.1); RFC 9110 and 9112 for what a record holds.
"""

import io
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from fastwarc.stream_io import ChunkedReader
from fastwarc.warc import ArchiveIterator, HeaderMap, WarcRecord

from crawlers.archives import Item, Kept, PassedOver, Reason
from crawlers.encodings import BrokenEncodingError, unpack
from crawlers.fates import HTML_TYPES
from crawlers.guard import RefusedError
from govwire.core.errors import ArchiveError
from govwire.core.records import Header

# A record begins as a gzip member, or behind the two line ends that close the record before it.
_GZIP, _FIRST_LINE = b"\x1f\x8b\x08", b"WARC/1."
_START = re.compile(re.escape(_GZIP) + rb"|(?<=\r\n\r\n)" + re.escape(_FIRST_LINE))
# How much of a member shows what it begins with, and how much of a file is searched at once.
_PEEK_BYTES, _SEARCH_BYTES = 512, 1 << 20
# What the head of an answer may take beside a body that is just small enough.
_HEAD_BYTES = 1 << 16
_GZIP_ONLY = zlib.MAX_WBITS | 16
# Of the answer as it came, not of the body as it is kept.
_NOT_KEPT = {"set-cookie", "content-encoding", "transfer-encoding", "content-length"}


class WarcFile:
    """One WARC file; bodies over `max_bytes` are passed over."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path, self.size_bytes, self._max_bytes = path, path.stat().st_size, max_bytes

    def version(self) -> str:
        """What changes where the file changes."""
        return f"{self.size_bytes} {self.path.stat().st_mtime_ns}"

    def read(self, behind: int) -> Iterator[Item]:
        """Its answers (records of type response) and its damages, in order; see `Archive`."""
        with self.path.open("rb") as file:
            yield from islice(self._items(file), behind, None)

    def _items(self, file: BinaryIO) -> Iterator[Item]:
        begin: int | None = 0
        told = False  # whether the damage that was met last may be that of the record at which reading begins again
        while begin is not None:
            run = _Run(begin)
            yield from run.items(file, self._found)
            following = _next_start(file, run.at + 1) if run.cause else None
            if begin == 0 and not run.begun and following is None and self.size_bytes:
                raise ArchiveError(f"{self.path}: no WARC file ({run.cause or 'no record in it'}); name others")
            if run.cause and (run.begun or not told):
                place = f"byte {run.at}" if run.own or not run.begun else f"behind byte {run.at}"
                yield Item(PassedOver(Reason.DAMAGED, f"{place}: {run.cause}"), run.at)
            begin, told = following, run.begun and not run.own

    def _found(self, record: WarcRecord) -> Kept | PassedOver:
        """Raises OSError where the file is damaged."""
        url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
        try:
            fetched_at, block = self._block(record)
            status, headers, raw = _answer(block)
            body = _unpacked(raw, headers, self._max_bytes)
        except _OverError as error:
            return PassedOver(error.reason, f"byte {record.stream_pos}: {url[:200]}: {error}")
        kept = tuple(header for header in headers if header.name not in _NOT_KEPT)
        return Kept(url, fetched_at, status, kept, body)

    def _block(self, record: WarcRecord) -> tuple[datetime, bytes]:
        """When the answer came, and all of it; raises _OverError."""
        if not record.is_http:
            raise _OverError(Reason.NO_PAGE, "no answer by HTTP")
        if record.content_length > self._max_bytes + _HEAD_BYTES:
            raise _OverError(Reason.TOO_LARGE, f"{record.content_length} bytes")
        block = record.reader.read(record.content_length)
        if len(block) < record.content_length:
            raise _OverError(Reason.DAMAGED, f"{len(block)} of {record.content_length} bytes are there")
        if cut := record.headers.get("WARC-Truncated"):
            raise _OverError(Reason.DAMAGED, f"cut by the archive ({cut})")
        fetched_at: datetime | None = record.record_date
        if fetched_at is None:
            raise _OverError(Reason.DAMAGED, "no WARC-Date")
        return fetched_at, block


class _Run:
    """One reading from a place on, to the file's end or the next damage (`cause`)."""

    def __init__(self, begin: int) -> None:
        self.at = begin  # where the record begins that was read last
        self.begun = False  # whether there is one
        self.own = False  # whether the damage is its own, and not that of what follows
        self.cause = ""

    def items(self, file: BinaryIO, found: Callable[[WarcRecord], Kept | PassedOver]) -> Iterator[Item]:
        """What the answers give; a record is told of when what follows it shows that it is whole."""
        waiting: Item | None = None
        file.seek(self.at)
        try:
            for record in ArchiveIterator(file, parse_http=False):
                if waiting is not None:
                    yield waiting
                waiting = None
                self.at, self.begun, self.own = record.stream_pos, True, True
                if (record.headers.get("WARC-Type") or "").lower() == "response":
                    waiting = Item(found(record), self.at)
                self.own = False
        except OSError as error:
            self.cause = " ".join(str(error).split())
        if self.begun and not self.own and not _is_whole(file, self.at):
            self.own, self.cause, waiting = True, self.cause or "cut short", None
        if waiting is not None:
            yield waiting


class _OverError(Exception):
    """A record that gives no page."""

    def __init__(self, reason: Reason, why: str) -> None:
        self.reason = reason
        super().__init__(why)


def _answer(block: bytes) -> tuple[int, tuple[Header, ...], bytes]:
    """Status, headers and packed body of a page; raises _OverError where it is none."""
    head = HeaderMap()
    try:
        body = block[head.parse(io.BytesIO(block)) :]
    except OSError as error:
        raise _OverError(Reason.DAMAGED, f"its head: {error}") from error
    if head.status_code is None or not 200 <= head.status_code < 300:
        raise _OverError(Reason.NO_PAGE, f"HTTP {head.status_code}")
    headers = tuple(
        Header(name=name.decode("latin-1").lower(), value=value.decode("latin-1")) for name, value in head.items_bytes()
    )
    media_type = next((header.value for header in headers if header.name == "content-type"), "")
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type and media_type not in HTML_TYPES:
        raise _OverError(Reason.NOT_HTML, media_type)
    return head.status_code, headers, body


def _is_whole(file: BinaryIO, place: int) -> bool:
    """Whether the gzip member there is as its checksum says; what is not compressed has none."""
    file.seek(place)
    inflater, data = zlib.decompressobj(_GZIP_ONLY), file.read(_SEARCH_BYTES)
    if not data.startswith(_GZIP):
        return True
    try:
        while data and not inflater.eof:
            inflater.decompress(data, _SEARCH_BYTES)
            data = inflater.unconsumed_tail or file.read(_SEARCH_BYTES)
    except zlib.error:
        return False
    return inflater.eof


def _next_start(file: BinaryIO, after: int) -> int | None:
    """The first place from `after` on at which a record begins whole."""
    base, window = max(after - 4, 0), b""
    file.seek(base)
    while block := file.read(_SEARCH_BYTES):
        window += block
        for match in _START.finditer(window):
            place = base + match.start()
            if place >= after and _begins_a_record(file, place):
                return place
        rest = window[-len(_GZIP) - len(_FIRST_LINE) :]
        base, window = base + len(window) - len(rest), rest
        file.seek(base + len(window))
    return None


def _begins_a_record(file: BinaryIO, place: int) -> bool:
    file.seek(place)
    peek = file.read(_PEEK_BYTES)
    if peek.startswith(_GZIP):
        try:
            peek = zlib.decompressobj(_GZIP_ONLY).decompress(peek, len(_FIRST_LINE))
        except zlib.error:
            return False
    return peek.startswith(_FIRST_LINE)


def _unpacked(raw: bytes, headers: tuple[Header, ...], max_bytes: int) -> bytes:
    """The body as it was written; raises _OverError.

    Archives that unpack bodies themselves (CC-NEWS does) often keep the headers that tell how they were packed.
    """
    named = {header.name: header.value.lower() for header in headers}
    body = raw
    try:
        if "chunked" in named.get("transfer-encoding", ""):
            body = ChunkedReader(io.BytesIO(body)).read()
        for name in reversed(named.get("content-encoding", "").split(",")):
            body = body if name.strip() in {"", "identity"} else unpack(body, name.strip(), max_bytes)
    except (OSError, BrokenEncodingError) as error:
        if not body.lstrip().startswith(b"<"):
            raise _OverError(Reason.DAMAGED, f"its encoding: {error}") from error
    except RefusedError as error:
        raise _OverError(Reason.TOO_LARGE, error.detail or "") from error
    if len(body) > max_bytes:
        raise _OverError(Reason.TOO_LARGE, f"{len(body)} bytes")
    return body
