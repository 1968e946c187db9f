"""Bodies as they were written: what HTTP compressed is unpacked, up to the size limit, and only if it is whole.

It stands in place of Scrapy's own, which passes on what it could unpack of a body that was cut short as if it were all.
"""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Self

import brotli
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from crawlers.guard import RefusedError
from crawlers.headers import header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A bomb is noticed one piece after the limit: so much more memory is used at most.
_PIECE = 256 * 1024
# More layers, or more parts in one layer, no honest server sends; each costs a copy of what is left.
_MOST_LAYERS, _MOST_PARTS = 3, 64
# RFC 9659: nobody may need more than 8 MiB to unpack what was sent by HTTP.
_ZSTD_WINDOW: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class BrokenEncodingError(Exception):
    """A body that does not unpack, or not to its end; another try may bring it whole."""


class EncodingMiddleware:
    """Asks for what can be unpacked, and unpacks it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler.settings.getint("DOWNLOAD_MAXSIZE"))

    def process_request(self, request: Request) -> None:
        """Say what can be unpacked."""
        request.headers.setdefault("Accept-Encoding", "gzip, deflate, br, zstd")

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002 - Scrapy's signature
        """Unpack an answer. An encoding that was not asked for is mostly a mistake, and the body stays as it is.

        Raises:
            RefusedError: it is larger than the limit.
            BrokenEncodingError: it cannot be unpacked to its end.
        """
        named = (name.strip().lower() for name in (header(response, "Content-Encoding") or "").split(","))
        layers = [name for name in named if name not in {"", "identity"}]  # which say nothing
        if not response.body or not layers or any(name not in _PIECES for name in layers):
            return response
        if len(layers) > _MOST_LAYERS:
            raise BrokenEncodingError(f"packed {len(layers)} times")
        body = response.body
        for name in reversed(layers):
            body = unpack(body, name, self._max_bytes)
        headers = response.headers.copy()
        del headers["Content-Encoding"]
        return response.replace(body=body, headers=headers)


def unpack(body: bytes, name: str, max_bytes: int) -> bytes:
    """A body without the layer of this name, as Content-Encoding has it.

    Raises:
        RefusedError: it is larger than the limit.
        BrokenEncodingError: it cannot be unpacked to its end, or nobody knows such a layer.
    """
    if name not in _PIECES:
        raise BrokenEncodingError(f"{name}: unknown")
    size, pieces = 0, []
    try:
        for piece in _PIECES[name](body):
            size += len(piece)
            if size > max_bytes:
                raise RefusedError("too_large", f"{len(body)} bytes of {name} unpack to over {max_bytes}")
            pieces.append(piece)
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
        raise BrokenEncodingError(f"{name}: {error}") from error
    return b"".join(pieces)


def _gzip(body: bytes) -> Iterator[bytes]:
    """Of one member after the other (RFC 1952, 2.2); what follows them and is none is passed over, as browsers do."""
    for _ in range(_MOST_PARTS):
        part = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield from _inflated(part, body)
        body = part.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return
    raise EOFError(f"more than {_MOST_PARTS} parts")


def _deflate(body: bytes) -> Iterator[bytes]:
    """Of zlib's format, as RFC 9110 has it, or of bare deflate, as some servers do."""
    has_header = body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    yield from _inflated(zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS), body)


def _inflated(part: "zlib._Decompress", body: bytes) -> Iterator[bytes]:
    while not part.eof:
        piece = part.decompress(body, _PIECE)
        body = part.unconsumed_tail
        if not piece and not body and not part.eof:
            raise EOFError("cut short")
        yield piece


def _brotli(body: bytes) -> Iterator[bytes]:
    part = brotli.Decompressor()
    while not part.is_finished():
        piece = part.process(body, output_buffer_limit=_PIECE)
        body = b""
        if not piece and not part.is_finished():
            raise EOFError("cut short")
        yield piece


def _zstd(body: bytes) -> Iterator[bytes]:
    for _ in range(_MOST_PARTS):
        part = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
        while not part.eof:
            piece = part.decompress(body, max_length=_PIECE)
            body = b""
            if not piece and part.needs_input:
                raise EOFError("cut short")
            yield piece
        body = part.unused_data
        if not body:
            return
    raise EOFError(f"more than {_MOST_PARTS} parts")


_PIECES: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
