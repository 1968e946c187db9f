"""A supervised process: started, started again when it dies, asked to end, ended."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import structlog

from govwire.core.errors import ConfigError, GovwireError, ServiceError
from govwire.run.children import GAVE_UP, MISCONFIGURED, Task, child

log = structlog.get_logger(__name__)

_SPAWN = get_context("spawn")

# Five ends within a minute are no accident: the run ends rather than pretend.
FAILURES, FAILURE_WINDOW_SECONDS = 5, 60.0
# The first wait before a restart, doubled at each death within the minute, and the longest.
RESTART_SECONDS, RESTART_CEILING_SECONDS = 1.0, 10.0


class Child:
    """One supervised process."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.done = False  # it has ended as it was to
        self._deaths: deque[float] = deque(maxlen=FAILURES)
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._restart_at = float("inf")

    @property
    def trouble(self) -> str | None:
        """What is wrong with it, in words for `/health`."""
        return None if self.done or self._process is not None else "died; started again soon"

    def start(self) -> None:
        """Spawn it, with a pipe whose closing tells it to end."""
        theirs, self._pipe = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=child, args=(self.task, theirs), name=self.task.name)
        with _deaf_to_ctrl_c():
            self._process.start()
        theirs.close()

    def look(self, now: float) -> None:
        """Notice its end, and start it again, later each time.

        Raises:
            ConfigError: its configuration is wrong.
            ServiceError: it gave up on a service, as `--once` asks.
            GovwireError: it died too often within a minute.
        """
        if self._process is None:
            if now >= self._restart_at and not self.done:
                self.start()
            return
        code = self._process.exitcode
        if code is None:
            return
        told = self._last_words()
        self._let_go()
        if code == 0 and self.task.once:
            self.done = True
        elif code == MISCONFIGURED and told:
            raise ConfigError(told)
        elif code == GAVE_UP and self.task.give_up_seconds is not None:
            raise ServiceError(f"{self.task.name} gave up: {'; '.join(told)}")
        else:
            self._bury(code, told, now)

    def stop(self) -> None:
        """Ask it to end."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def join(self, deadline: float) -> None:
        """Wait for its end until `deadline`, then kill it."""
        if self._process is None:
            return
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.exitcode is None:
            log.warning("process_killed", process=self.task.name)
            self._process.kill()
            self._process.join()
        self._let_go()

    def _bury(self, code: int, told: list[str], now: float) -> None:
        self._deaths.append(now)
        recent = sum(now - died < FAILURE_WINDOW_SECONDS for died in self._deaths)
        log.warning("process_died", process=self.task.name, exit_code=code, error="; ".join(told) or None, times=recent)
        if recent == FAILURES:
            raise GovwireError(f"process {self.task.name} died {FAILURES} times in a minute; its log lines say why")
        # A fault point is for one crash: what comes back runs without it.
        os.environ.pop("GOVWIRE_FAULT", None)
        self._restart_at = now + min(RESTART_SECONDS * 2 ** (recent - 1), RESTART_CEILING_SECONDS)

    def _last_words(self) -> list[str]:
        assert self._pipe is not None
        told: list[str] = []
        with suppress(EOFError, OSError):  # it died without a word
            if self._pipe.poll():
                told = self._pipe.recv()
        return told

    def _let_go(self) -> None:
        self.stop()
        if self._process is not None:
            self._process.close()
        self._process = None


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C reaches the whole foreground group; a process started here ignores it from its first instant, and the
    supervisor decides when it ends.
    """
    # Blocked, not ignored: what is pressed meanwhile waits for the supervisor, and the process starts with it blocked.
    # The tracker of multiprocessing unblocks it when it is started, hence before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
