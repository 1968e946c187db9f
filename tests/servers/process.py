"""A real server as a child process on loopback: started, asked until it answers, stopped, killed, brought back.

A server keeps its ports and its data from its making to `close`, so that a test can take it away and bring it back.
When the test process dies, even by SIGKILL, its servers die with it.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

# Below the range from which Linux and macOS take the ports of outgoing connections: while a server is away, no client
# can be given its port by accident, nor connect to itself on it.
_PORTS = range(20000, 32000)
_given: set[int] = set()

# The shell waits on a pipe held by the test process and kills the server when the pipe closes. `$$` stays the server's
# own id, since `exec` replaces the shell. The watcher is in the server's process group, so the id cannot be reused.
_GUARDED = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) & exec "$@" 3<&- </dev/null'


class ServerError(Exception):
    """A server did not start, or ended by itself; the message holds the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; never the same twice in one process."""
    # SystemRandom: a seeded generator would give two test processes the same ports.
    choose = random.SystemRandom().choice
    while True:
        port = choose(_PORTS)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(condition: Callable[[], bool], *, seconds: float = 10, what: str = "the condition") -> None:
    """Return as soon as `condition` holds.

    Raises:
        TimeoutError: it did not hold within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody accepts connections on this port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server(ABC):
    """What all servers share. A subclass says how to prepare the data folder, what to run, and when it answers."""

    name: str
    stop_signal = signal.SIGTERM
    # A cold JVM on two busy cores takes up to 20 s; three times that is a hang.
    start_seconds = 60.0

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"govwire-{self.name}-"))
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder; called once, before the first start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command that runs the server in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server does its work yet."""

    def start(self) -> Self:
        """Start the server and return when it answers; nothing happens when it runs already."""
        if self.running:
            return self
        if not self._prepared:
            self._prepare()
            self._prepared = True
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARDED, self.name, *self._command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        try:
            wait_until(self._answers_or_ended, seconds=self.start_seconds, what=f"{self.name} answers")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Ask the server to end, and wait; its ports and data stay."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            # Kafka's and PostgreSQL's orderly end takes about a second; a server that hangs is killed.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=20)
        self.kill()

    def kill(self) -> None:
        """End the server at once by SIGKILL, as a crash would; its ports and data stay."""
        process, self._process = self._process, None
        if process is None:
            return
        # The group also holds the watcher.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def restart(self) -> Self:
        """Stop and start again on the same ports and data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        """The end of what the server wrote."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answers_or_ended(self) -> bool:
        if not self.running:
            raise ServerError(f"{self.name} ended by itself: {self.log_tail()}")
        return self._answers()
