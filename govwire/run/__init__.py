"""Everything on one machine: a supervisor that starts the processes, restarts them, and says when all is drained."""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import structlog
from filelock import FileLock, Timeout

from crawlers.agent import feed_urls, user_agent
from govwire.core import logs, metrics
from govwire.core.bus import Bus, open_bus
from govwire.core.errors import ConfigError, GovwireError, ServiceError
from govwire.core.index import open_index
from govwire.core.metrics import Health
from govwire.core.patience import StoppedError, patiently
from govwire.core.settings import Settings
from govwire.core.state import State, open_state
from govwire.core.vocabulary import Vocabulary
from govwire.run.children import GAVE_UP, Task, child, plan
from govwire.run.summary import Summary, is_drained, summarise

log = structlog.get_logger(__name__)

_SPAWN = multiprocessing.get_context("spawn")

POLL_SECONDS = 0.5
# Five ends within a minute are no accident: the run ends rather than pretend.
FAILURES, FAILURE_WINDOW_SECONDS = 5, 60.0
# How long `--once` waits for a service that is away before it gives up.
GIVE_UP_SECONDS = 60.0
CHILD_END_SECONDS = 30.0


class Child:
    """One supervised process."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ends: deque[float] = deque(maxlen=FAILURES)
        self.done = False
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._restart_at = 0.0

    def start(self) -> None:
        """Spawn it, with a pipe whose closing tells it to end."""
        theirs, self._pipe = _SPAWN.Pipe(duplex=False)
        self._process = _SPAWN.Process(target=child, args=(self.task, theirs), name=self.task.name)
        self._process.start()
        theirs.close()

    def look(self, now: float) -> None:
        """Notice its end; restart it, later each time.

        Raises:
            GovwireError: it ended too often within a minute.
            ServiceError: it gave up on a service, as `--once` asks.
        """
        if self.done or self._process is None:
            if self._restart_at and now >= self._restart_at:
                self._restart_at = 0.0
                self.start()
            return
        code = self._process.exitcode
        if code is None:
            return
        self._let_go()
        if code == 0 and self.task.once:
            self.done = True
            return
        if code == GAVE_UP and self.task.give_up_seconds is not None:
            raise ServiceError(f"process {self.task.name} gave up: a service stayed away; its last log line says which")
        self.ends.append(now)
        log.warning("process_died", process=self.task.name, exit_code=code, times=len(self.ends))
        if len(self.ends) == FAILURES and now - self.ends[0] < FAILURE_WINDOW_SECONDS:
            raise GovwireError(f"process {self.task.name} ended {FAILURES} times in a minute; its log lines say why")
        # A fault point is for one crash: what comes back runs without it.
        os.environ.pop("GOVWIRE_FAULT", None)
        self._restart_at = now + min(0.5 * 2 ** len(self.ends), 10.0)

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

    def _let_go(self) -> None:
        self.stop()
        if self._process is not None:
            self._process.close()
        self._process = None

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.exitcode is None


def run(
    settings: Settings,
    vocabulary: Vocabulary,
    *,
    once: bool,
    tell: Callable[[Summary], None],
    source_ids: tuple[str, ...] = (),
) -> None:
    """Run every process until Ctrl-C, or with `once` until each source was read once and all is drained.

    `tell` gets the summary at each drain.

    Raises:
        ConfigError: no user agent for the web; another run holds the data_dir; the bus or the index does not fit.
        ServiceError: with `once`, a service stayed away.
        GovwireError: a process ended five times in a minute.
    """
    # Before anything is started: what the crawl would refuse is told at once.
    user_agent(settings, feed_urls(source for source in vocabulary.sources.values() if source.enabled))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data_dir / "run.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ConfigError(f"data_dir {settings.data_dir}: another run holds it; stop it or set data_dir") from None
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with lock, ExitStack() as stack:
            logs.configure(settings)
            state, bus = _open(settings, stack, stop, once=once)
            if state is not None and bus is not None:
                _supervise(settings, vocabulary, stop, bus, state, once=once, tell=tell, source_ids=source_ids)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open(
    settings: Settings, stack: ExitStack, stop: threading.Event, *, once: bool
) -> tuple[State | None, Bus | None]:
    """State, bus and index, made ready; waits for services that are away."""

    def away(error: ServiceError, wait_seconds: float) -> None:
        log.warning("service_away", error=str(error), wait_seconds=wait_seconds)

    give_up = GIVE_UP_SECONDS if once else None
    try:
        state = patiently(lambda: open_state(settings.state_url), stop, away, give_up)
        stack.callback(state.close)
        bus = patiently(lambda: open_bus(settings), stop, away, give_up)
        stack.callback(bus.close)
        patiently(bus.setup, stop, away, give_up)
        index = patiently(lambda: open_index(settings), stop, away, give_up)
        patiently(index.setup, stop, away, give_up)
        index.close()
    except StoppedError:
        return None, None
    return state, bus


def _supervise(
    settings: Settings,
    vocabulary: Vocabulary,
    stop: threading.Event,
    bus: Bus,
    state: State,
    *,
    once: bool,
    tell: Callable[[Summary], None],
    source_ids: tuple[str, ...],
) -> None:
    health = Health()
    children = [
        Child(task)
        for task in plan(
            settings, vocabulary, once=once, source_ids=source_ids, give_up_seconds=GIVE_UP_SECONDS if once else None
        )
    ]
    close_metrics = metrics.serve(
        settings.metrics.address, health, lambda: {"processes": {each.task.name: each.alive for each in children}}
    )
    watch = _Watch(settings, bus, state, tell, once=once)
    try:
        for each in children:
            each.start()
        while not stop.wait(POLL_SECONDS):
            for each in children:
                each.look(time.monotonic())
            health.beat(
                "supervisor", None if all(each.alive or each.done for each in children) else "a process is down"
            )
            crawl_done = all(each.done for each in children if each.task.once)
            if watch.look() and once and crawl_done:
                tell(summarise(state))
                break
    finally:
        for each in children:
            each.stop()
        deadline = time.monotonic() + CHILD_END_SECONDS
        for each in children:
            each.join(deadline)
        close_metrics()


class _Watch:
    """Watches for drains: tells the summary once at each, and with `once` gives up on a service that stays away."""

    def __init__(
        self, settings: Settings, bus: Bus, state: State, tell: Callable[[Summary], None], *, once: bool
    ) -> None:
        self._settings, self._bus, self._state, self._tell, self._once = settings, bus, state, tell, once
        self._told: Summary | None = None
        self._last: Summary | None = None
        self._moved_at = time.monotonic()

    def look(self) -> bool:
        """Whether all is drained now.

        Raises:
            ServiceError: with `once`, a service was away for a minute and nothing moved meanwhile.
        """
        try:
            drained = is_drained(self._bus, self._state, self._settings.bus.prefix)
            summary = summarise(self._state)
        except ServiceError as error:
            log.warning("service_away", error=str(error))
            if self._once and time.monotonic() - self._moved_at > GIVE_UP_SECONDS:
                raise
            return False
        if summary != self._last:
            self._last, self._moved_at = summary, time.monotonic()
        settled = drained and summary.in_flight == 0
        if settled and summary != self._told and summary.crawled:
            self._told = summary
            if not self._once:
                self._tell(summary)
        return settled
