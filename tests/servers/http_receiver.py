"""A web server on loopback that keeps the requests it gets: the far end of a webhook."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from servers.process import wait_until


@dataclass(frozen=True)
class Request:
    """One request as it came in; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to send back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpReceiver:
    """Keeps requests in `requests`, refused ones too; answers 200 unless `answer` said otherwise."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: deque[Answer] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def answer(self, *answers: int | Answer) -> None:
        """Answer the next requests so, one each; a number is a status with an empty body."""
        self._answers.extend(Answer(answer) if isinstance(answer, int) else answer for answer in answers)

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Request]:
        """The requests, as soon as there are `count` of them."""
        wait_until(lambda: len(self.requests) >= count, seconds=seconds, what=f"{count} requests arrive")
        return list(self.requests)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: Request) -> Answer:
        self.requests.append(request)
        return self._answers.popleft() if self._answers else Answer()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            # A client that keeps its connection open without a word is let go, so that closing the server never waits.
            timeout = 2

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = take(Request(self.command, self.path, headers, body))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names are http.server's

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                """Print nothing: the requests are kept."""

        return Handler
