"""Web sites on loopback, told apart by their names: what a crawl is tested against."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from servers.tls import Certificates


@dataclass(frozen=True)
class Asked:
    """One request as it came in; header names are lower-case."""

    at: float  # time.monotonic
    host: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What a site answers."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})
    after_seconds: float = 0.0
    announced: int | None = None  # the Content-Length, where it is not the truth
    stream: Callable[[], Iterator[bytes]] | None = None  # in place of all else: bytes as they go on the wire


Answer = Reply | Callable[[Asked], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Of more connections at once than the five of the standard library, the kernel makes each wait a second.
    request_queue_size = 256


class Sites:
    """Answers for any host name; what is not set is 404, robots files too. Keeps every request in `asked`."""

    def __init__(self, certificates: Certificates | None = None) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], Answer] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.port: int = self._server.server_address[1]
        self._scheme = "http"
        if certificates is not None:
            self._scheme = "https"
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificates.certificate_file, certificates.key_file)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def url(self, host: str, path: str = "/") -> str:
        """The address of a page."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def set(self, host: str, path: str, answer: Answer | str) -> str:
        """Answer so from now on; text is an HTML page. Returns the page's address."""
        self._answers[host, path] = Reply(answer.encode()) if isinstance(answer, str) else answer
        return self.url(host, path)

    def feed(self, host: str, *paths: str, path: str = "/feed.xml", **dates: str) -> str:
        """Serve an RSS feed that lists these pages; returns its address."""
        items = "".join(f"<item><link>{self.url(host, each)}</link><title>{each}</title></item>" for each in paths)
        rss = f'<rss version="2.0"><channel><title>{host}</title>{items}</channel></rss>'
        return self.set(host, path, Reply(rss.encode(), headers={"Content-Type": "application/rss+xml", **dates}))

    def asked_for(self, host: str, path: str) -> list[Asked]:
        """The requests for one page, in order."""
        return [each for each in self.asked if (each.host, each.path) == (host, path)]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, asked: Asked) -> Reply:
        answer = self._answers.get((asked.host, asked.path), Reply(b"not here", 404))
        return answer(asked) if callable(answer) else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sites = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers.get("Host", "").partition(":")[0]
                asked = Asked(
                    time.monotonic(), host, self.path, {name.lower(): value for name, value in self.headers.items()}
                )
                sites.asked.append(asked)
                reply = sites._reply(asked)
                if reply.after_seconds:
                    threading.Event().wait(reply.after_seconds)
                try:
                    _send(self, reply)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """The requests are kept; nothing is printed."""

        return Handler


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    if reply.stream is not None:
        handler.close_connection = True
        for piece in reply.stream():
            handler.wfile.write(piece)
        return
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body) if reply.announced is None else reply.announced))
    handler.end_headers()
    if reply.status != 304:
        handler.wfile.write(reply.body)
    if reply.announced is not None:
        handler.close_connection = True


def http_date(seconds_from_now: float) -> str:
    """An HTTP date."""
    return formatdate(time.time() + seconds_from_now, usegmt=True)
