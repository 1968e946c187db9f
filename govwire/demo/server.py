"""All sample sites on one port of loopback, told apart by the Host header."""

import hashlib
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import Any

from govwire.demo.feeds import render_feed
from govwire.demo.pages import FEED_TYPES, article_page, home_page
from govwire.demo.site import DOMAIN, FEED_PATHS, Printed, Sample, Site, address, print_article

Clock = Callable[[], datetime]

HTML = "text/html; charset=utf-8"
# How long the overloaded host says that it wants to be left alone; afterwards it answers.
BUSY = timedelta(minutes=10)
# The same at every start, so that a second demo on the same data_dir meets the addresses of the first.
PORT = 8640
# At which reading of its feed a site has revised what it revises.
REVISED_AT_READING = 2


@dataclass(frozen=True)
class Reply:
    """What a sample site answers."""

    body: bytes
    media_type: str = HTML
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


class SampleSites:
    """What every address of the sample sites answers, at the moment it is asked."""

    def __init__(self, sites: Mapping[str, Site], port: int, clock: Clock) -> None:
        self._sites, self._port, self._clock = sites, port, clock
        self._started_at = clock()
        self._readings: Counter[str] = Counter()
        self._revised_at: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str], Callable[[], Reply]] = {}
        for site_id, site in sites.items():
            self._routes[site_id, "/"] = partial(self._home, site_id)
            self._routes[site_id, "/robots.txt"] = partial(_robots, site)
            self._routes[site_id, FEED_PATHS[site.feed]] = partial(self._feed, site_id)
            for sample in site.articles:
                self._routes[sample.host or site_id, sample.path] = partial(self._article, site_id, sample)

    @property
    def hosts(self) -> list[str]:
        """Every host name that answers here."""
        return sorted({f"{host}.{DOMAIN}" for host, _ in self._routes})

    def answer(self, host: str, path: str) -> Reply:
        """The answer to a request; 404 for whatever is not there."""
        route = self._routes.get((host.lower().partition(":")[0].removesuffix(f".{DOMAIN}"), path))
        return route() if route else _missing()

    def _home(self, site_id: str) -> Reply:
        return Reply(home_page(self._sites[site_id], self._printed(site_id)).encode())

    def _feed(self, site_id: str) -> Reply:
        site = self._sites[site_id]
        with self._lock:
            self._readings[site_id] += 1
            if self._readings[site_id] == REVISED_AT_READING:
                self._revised_at[site_id] = self._clock()
        body = render_feed(site, address(site_id, "/", self._port), self._printed(site_id))
        return Reply(body, FEED_TYPES[site.feed])

    def _article(self, site_id: str, sample: Sample) -> Reply:
        if sample.answer == "missing":
            return _missing()
        if sample.answer == "empty":
            return Reply(b"")
        left = self._started_at + BUSY - self._clock()
        if sample.answer == "busy" and left > timedelta(0):
            headers = {"Retry-After": str(ceil(left.total_seconds()))}
            return Reply(b"Too many readers.", "text/plain", HTTPStatus.SERVICE_UNAVAILABLE, headers)
        printed = self._print(site_id, sample)
        others = [each for each in self._printed(site_id) if each.sample is not sample]
        canonical = address(sample.host or site_id, sample.path, self._port)
        return Reply(article_page(self._sites[site_id], printed, canonical, others).encode())

    def _printed(self, site_id: str) -> list[Printed]:
        printed = (self._print(site_id, sample) for sample in self._sites[site_id].articles)
        return sorted(printed, key=lambda each: each.published_at, reverse=True)

    def _print(self, site_id: str, sample: Sample) -> Printed:
        url = address(sample.host or site_id, sample.path, self._port)
        return print_article(sample, url, self._started_at, self._revised_at.get(site_id))


def _robots(site: Site) -> Reply:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in site.disallow)]
    return Reply("\n".join(lines).encode(), "text/plain")


def _missing() -> Reply:
    return Reply(b"There is no such page.", "text/plain", HTTPStatus.NOT_FOUND)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A crawl that is stopped in mid-request is no news; anything else is shown as it comes."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _listen(handler: type[BaseHTTPRequestHandler]) -> _Server:
    try:
        return _Server(("127.0.0.1", PORT), handler)
    except OSError:
        return _Server(("127.0.0.1", 0), handler)


@contextmanager
def serve(sites: Mapping[str, Site], clock: Clock) -> Iterator[tuple[int, SampleSites]]:
    """Serve sites on 127.0.0.1 until the block ends: on PORT, or on a free one where it is taken."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10  # an idle connection is closed, so that its thread ends

        def do_GET(self) -> None:
            reply = samples.answer(self.headers.get("Host", ""), self.path)
            etag = f'"{hashlib.sha256(reply.body).hexdigest()[:32]}"'
            unchanged = reply.status == HTTPStatus.OK and self.headers.get("If-None-Match") == etag
            body = b"" if unchanged else reply.body
            self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else reply.status)
            for name, value in {"Content-Type": reply.media_type, "ETag": etag, **reply.headers}.items():
                self.send_header(name, value)
            if not unchanged:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The crawl logs what it asks for; this side adds nothing."""

    with _listen(Handler) as server:
        port = server.server_address[1]
        samples = SampleSites(sites, port, clock)
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="demo", daemon=True)
        thread.start()
        try:
            yield port, samples
        finally:
            server.shutdown()
            thread.join()
