"""Everything on one machine: a supervisor that starts the processes, restarts them, and says when all is drained."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import structlog
from filelock import FileLock, Timeout

from crawlers.agent import user_agent, ways_in
from govwire.core import metrics
from govwire.core.errors import ConfigError, GovwireError, ServiceError
from govwire.core.metrics import Health
from govwire.core.patience import Patience, StoppedError
from govwire.core.settings import Settings
from govwire.core.vocabulary import Vocabulary
from govwire.run.children import plan, stopped_by_signals
from govwire.run.services import Services, open_services
from govwire.run.summary import Summary, is_drained, is_idle, summarise
from govwire.run.supervision import Child

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
# Looking costs, the more so the bigger the ledger: it may take this part of the time, and no more.
LOOKING_SHARE = 0.1
# How long `--once` waits for a service that is away before it gives up.
GIVE_UP_SECONDS = 60.0
# How long the books may disagree with a bus that is drained: a moment, while the last rows are written.
BOOKS_SECONDS = 10.0
CHILD_END_SECONDS = 30.0
# How soon it looks again after a service was away.
AWAY_SECONDS = 5.0
PART = "supervisor"


def run(settings: Settings, vocabulary: Vocabulary, *, once: bool, tell: Callable[[Summary], None]) -> None:
    """Run every process until SIGTERM or Ctrl-C, or with `once` until each source was read once and all is drained.

    `tell` gets the summary at each drain.

    Raises:
        ConfigError: no user agent for the web; another run holds the data_dir; the bus or the index does not fit.
        ServiceError: with `once`, a service stayed away.
        GovwireError: a process died five times in a minute.
    """
    # Before anything is started: what the crawl would refuse is told at once.
    user_agent(settings, ways_in(source for source in vocabulary.sources.values() if source.enabled))
    give_up_seconds = GIVE_UP_SECONDS if once else None
    patience = Patience(PART, stopped_by_signals(), Health(), give_up_seconds)
    with ExitStack() as stack:
        stack.enter_context(suppress(StoppedError))
        stack.enter_context(_alone(settings))
        stack.callback(metrics.serve(settings.metrics.address, patience.health))
        services = stack.enter_context(open_services(settings, patience))
        patience.wait_for(services.bus.setup)
        patience.wait_for(services.index.setup)
        watch = _Watch(settings, services, patience.health, tell, once=once)
        children = [Child(task) for task in plan(settings, vocabulary, once=once, give_up_seconds=give_up_seconds)]
        _supervise(children, watch, patience)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the data_dir for the block."""
    lock = FileLock(settings.data_dir / "run.lock")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(blocking=False)
    except Timeout:
        raise ConfigError(f"data_dir {settings.data_dir}: another run holds it; stop it or set data_dir") from None
    except OSError as error:
        raise ConfigError(f"data_dir: {error}; name a folder that can be written") from error
    with held:
        yield


def _supervise(children: Sequence[Child], watch: "_Watch", patience: Patience) -> None:
    try:
        for each in children:
            each.start()
        while not patience.stop.wait(POLL_SECONDS):
            for each in children:
                each.look(time.monotonic())
                patience.health.beat(each.task.name, each.trouble)
            if watch.look(crawled=all(each.done for each in children if each.task.once)):
                return
    finally:
        for each in children:
            each.stop()
        deadline = time.monotonic() + CHILD_END_SECONDS
        for each in children:
            each.join(deadline)


class _Watch:
    """Watches for drains: tells the summary at each, and says when a run `once` is over."""

    def __init__(
        self, settings: Settings, services: Services, health: Health, tell: Callable[[Summary], None], *, once: bool
    ) -> None:
        self._prefix, self._services, self._health = settings.bus.prefix, services, health
        self._tell, self._once = tell, once
        self._told: Summary | None = None
        self._look_at = 0.0
        self._away_since: float | None = None
        self._unbalanced_since: float | None = None

    def look(self, *, crawled: bool) -> bool:
        """Whether the run is over: `once`, `crawled` as asked, and drained.

        Raises:
            ServiceError: with `once`, bus or state stayed away.
            GovwireError: with `once`, the books do not add up.
        """
        began = time.monotonic()
        if began < self._look_at:
            return False
        try:
            summary = self._drained(crawled)
        except ServiceError as error:
            self._wait(error, began)
            return False
        self._away_since = None
        self._health.beat(PART)
        over = summary is not None and (self._is_over(summary, began) if self._once else self._tell_news(summary))
        self._look_at = time.monotonic() + (time.monotonic() - began) / LOOKING_SHARE
        return over

    def _drained(self, crawled: bool) -> Summary | None:
        """The summary, if nothing is on its way now and nothing can be fetched."""
        bus, state = self._services.bus, self._services.state
        if (self._once and not crawled) or not is_drained(bus, state, self._prefix):
            return None
        return summarise(state) if self._once or is_idle(state) else None

    def _tell_news(self, summary: Summary) -> bool:
        if summary.crawled and summary.in_flight == 0 and summary != self._told:
            self._tell(summary)
            self._told = summary
        return False

    def _is_over(self, summary: Summary, now: float) -> bool:
        if summary.in_flight == 0:
            self._tell(summary)
            return True
        self._unbalanced_since = self._unbalanced_since or now
        if now - self._unbalanced_since > BOOKS_SECONDS:
            self._tell(summary)
            raise GovwireError(f"{summary.in_flight} URLs are in flight, and nothing is left to do; report this")
        return False

    def _wait(self, error: ServiceError, now: float) -> None:
        self._away_since = self._away_since or now
        if self._once and now - self._away_since > GIVE_UP_SECONDS:
            raise error
        log.warning("service_away", stage=PART, error=str(error), wait_seconds=AWAY_SECONDS)
        self._health.beat(PART, str(error))
        self._look_at = now + AWAY_SECONDS


__all__ = ["run"]
