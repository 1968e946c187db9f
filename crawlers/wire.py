"""The wire: Scrapy's HTTP/1.1 handler, with an end to what a site may say before its body.

Body and time have limits of their own; the lines before a body had none: a site that sends headers for ever filled two
gigabytes in eight seconds, long before any time was up.
"""

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.crawler import Crawler
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS, HTTP11ClientProtocol, Request
from twisted.web.iweb import IResponse

# Browsers stop at 256 KiB (Chromium); servers send a few kilobytes.
MOST_HEADER_BYTES = 256 * 1024


class LongHeadersError(Exception):
    """A site had more to say before its body than any site has."""


class HttpHandler(HTTP11DownloadHandler):
    """Asks by HTTP/1.1 as Scrapy does."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _Factory  # noqa: SLF001 - as the class above does; Twisted has no other door


class _Protocol(_LenientHTTP11ClientProtocol):
    _header_bytes = 0

    def request(self, request: Request) -> "Deferred[IResponse]":
        self._header_bytes = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - the name is Twisted's
        if self._parser is not None and self._parser.state in {STATUS, HEADER}:
            self._header_bytes += len(data)
            if self._header_bytes > MOST_HEADER_BYTES:
                error = LongHeadersError(f"headers of over {MOST_HEADER_BYTES} bytes")
                self._giveUp(Failure(error))  # type: ignore[no-untyped-call]
                self.transport.abortConnection()  # type: ignore[union-attr]
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class _Factory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:  # noqa: ARG002, N802 - Twisted's
        return _Protocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
