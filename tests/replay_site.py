"""The recorded pages as sites on loopback, one host for each publisher, and the config folder that watches them.

Feeds have links only, neither titles nor dates, so that all an article says comes out of its page.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from govwire.core.urls import clean
from replay import ReplayPage

_FEED = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>links</title>{items}</channel></rss>'
_ITEM = "<item><link>{link}</link></item>"
_SOURCE = """name = "{site}"
home = "http://{host}:{port}/"
kind = "press"
country = "INT"
language = "und"
rights = "link"
feeds = ["http://{host}:{port}/govwire-test-feed.xml"]
"""


class ReplaySites:
    """Every recorded page under `http://<site>.example:<port>` with the path and query of its real address."""

    def __init__(self, pages: Sequence[ReplayPage]) -> None:
        self._pages: dict[str, dict[str, ReplayPage]] = defaultdict(dict)
        for page in pages:
            # By what an address means: a client may write the same one with more or fewer percent signs.
            self._pages[host_of(page)][unquote(_target(page))] = page
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def url(self, page: ReplayPage) -> str:
        """Where a page is served, written as the crawl writes it."""
        return clean(f"http://{host_of(page)}:{self.port}{_target(page)}")

    def environment(self) -> dict[str, str]:
        """The settings with which these sites can be crawled, at once."""
        resolve = ",".join(f'"{host}:127.0.0.1"' for host in self._pages)
        return {
            "GOVWIRE_USER_AGENT": "govwire-tests (+mailto:tests@govwire.example)",
            "GOVWIRE_FETCH__ALLOW": f'["127.0.0.0/8:{self.port}"]',
            "GOVWIRE_FETCH__RESOLVE": f"[{resolve}]",
            "GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0",
        }

    def write_sources(self, folder: Path) -> None:
        """A source file for each site."""
        folder.mkdir(parents=True, exist_ok=True)
        for host in self._pages:
            site = host.removesuffix(".example")
            (folder / f"s-{site}.toml").write_text(_SOURCE.format(site=site, host=host, port=self.port))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sites = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers.get("Host", "").partition(":")[0]
                status, kind, body = sites._answer(host, self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
                pass

        return Handler

    def _answer(self, host: str, target: str) -> tuple[int, str, bytes]:
        pages = self._pages.get(host, {})
        if target == "/govwire-test-feed.xml":
            links = (escape(self.url(page)) for page in pages.values())
            feed = _FEED.format(items="".join(_ITEM.format(link=link) for link in links))
            return 200, "application/rss+xml", feed.encode()
        page = pages.get(unquote(target))
        if page is not None:
            return 200, "text/html", page.body()
        return 404, "text/plain", b"not here"


def host_of(page: ReplayPage) -> str:
    """The host that stands for a page's publisher."""
    return f"{page.site}.example"


def _target(page: ReplayPage) -> str:
    parts = urlsplit(page.url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
