"""A TCP proxy in front of a server, with the faults of a bad network: cut, stalled, replies lost, HTTP refusals.

Faults that are armed for "the next N" are used up one per request; `when` picks the requests by their first bytes, for
HTTP by the request line (`lambda head: b"/_bulk" in head`).
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

from servers.process import free_port

_CHUNK = 65536
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")


def _always(head: bytes) -> bool:
    return True


@dataclass
class _Fault:
    """A fault for the next `left` requests that `when` picks; without a status the reply is dropped."""

    left: int
    when: Callable[[bytes], bool]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def http_only(self) -> bool:
        """Whether it can strike only where an HTTP request begins."""
        return self.status is not None


class FaultyProxy:
    """Forwards loopback port `port` to `target_port`; faults are switched by method while clients are connected."""

    def __init__(self, target_port: int, *, port: int | None = None) -> None:
        self.target_port = target_port
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.struck = 0
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    # --- faults ---

    def cut(self) -> None:
        """Break every connection and refuse new ones, until `mend`."""
        with self._lock:
            listener, self._listener = self._listener, None
            connections = [*self._open]
        if listener is not None:
            _shut(listener)
            listener.close()
        for connection in connections:
            _shut(connection)

    def mend(self) -> None:
        """Accept connections (again) and let bytes flow."""
        self._flowing.set()
        with self._lock:
            if self._listener is not None:
                return
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._start(self._accept, self._listener)

    def stall(self) -> None:
        """Keep connections open and let no byte through, until `mend`: a server that hangs."""
        self._flowing.clear()

    def drop_replies(self, count: int = 1, *, when: Callable[[bytes], bool] = _always) -> None:
        """Forward the next `count` requests, then close their connection in place of the reply."""
        self._arm(_Fault(count, when))

    def answer_next(
        self,
        count: int,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        when: Callable[[bytes], bool] = _always,
    ) -> None:
        """Answer the next `count` HTTP requests with `status` and an empty body; the server never sees them."""
        self._arm(_Fault(count, when, status, headers or {}))

    def disarm(self) -> None:
        """Forget the faults that have not struck; `struck` counts those that have."""
        with self._lock:
            self._faults.clear()

    # --- life ---

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flowing.set()
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)

    # --- inside ---

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _arm(self, fault: _Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def _strike(self, data: bytes) -> _Fault | None:
        """The fault for the request that begins with `data`, used up by one."""
        begins_http = data.startswith(_METHODS)
        with self._lock:
            for fault in self._faults:
                if fault.left and (begins_http or not fault.http_only) and fault.when(data):
                    fault.left -= 1
                    self.struck += 1
                    return fault
        return None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
            except OSError:
                # The server is away: the client sees its connection closed.
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                wanted = self._listener is listener
                if wanted:
                    self._open |= {client, server}
            if not wanted:
                client.close()
                server.close()
                return
            self._start(_Connection(self, client, server).run)

    def _forget(self, *connections: socket.socket) -> None:
        with self._lock:
            self._open -= set(connections)
        for connection in connections:
            connection.close()


class _Connection:
    """One client's connection: two pumps, and the faults between them."""

    def __init__(self, proxy: FaultyProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._drops_reply = False

    def run(self) -> None:
        """Pump until either side ends."""
        replies = threading.Thread(target=self._pump_replies, daemon=True)
        replies.start()
        self._pump_requests()
        replies.join()
        self._proxy._forget(self._client, self._server)

    def _pump_requests(self) -> None:
        try:
            while data := self._client.recv(_CHUNK):
                self._proxy._flowing.wait()
                fault = self._proxy._strike(data)
                if fault is not None and fault.status is not None:
                    self._refuse(data, fault.status, fault.headers)
                    break
                if fault is not None:
                    self._drops_reply = True
                self._server.sendall(data)
        except OSError:
            pass
        _shut(self._server)

    def _pump_replies(self) -> None:
        try:
            while data := self._server.recv(_CHUNK):
                self._proxy._flowing.wait()
                if self._drops_reply:
                    break
                self._client.sendall(data)
        except OSError:
            pass
        _shut(self._client)

    def _refuse(self, data: bytes, status: int, headers: Mapping[str, str]) -> None:
        """Read the request to its end, so that the client is not reset while it sends, and answer it."""
        while b"\r\n\r\n" not in data and (more := self._client.recv(_CHUNK)):
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        left = _content_length(head) - len(body)
        while left > 0 and (more := self._client.recv(_CHUNK)):
            left -= len(more)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Length: 0", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _shut(connection: socket.socket) -> None:
    """Wake whoever waits on this socket, on either side."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
