"""What the parts of one crawl process share: settings, sources, bus and state, and how it waits and ends."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

import structlog

from crawlers import pressure
from crawlers.owners import Owners
from govwire.core.bus import Bus
from govwire.core.errors import GovwireError, ServiceError
from govwire.core.flow import CRAWL
from govwire.core.metrics import RETRIES, Health
from govwire.core.patience import StoppedError, patiently
from govwire.core.records import Lane, SourceFacts
from govwire.core.settings import Settings
from govwire.core.source import Source, WayKind
from govwire.core.state import State
from govwire.core.state.exchanges import Exchange
from govwire.core.state.frontier import Found, Leased
from govwire.core.state.sources import FeedRow
from govwire.core.terms import Relevance
from govwire.core.timetable import Rhythm
from govwire.core.urls import authority

log = structlog.get_logger(__name__)

T = TypeVar("T")

# The source of single pages and feeds that somebody asked for.
ASKED = SourceFacts(
    id="asked", name="Asked for by hand", kind="aggregator", country="INT", language="und", rights="excerpt"
)
# Lag and disk change slowly, and asking for them costs a call to the bus.
LOOK_SECONDS = 1.0
# How long a process that is to end by itself waits for a service that is away before it gives up.
GIVE_UP_SECONDS = 60.0


@dataclass(frozen=True)
class FeedTask:
    """One feed, sitemap or listing page to be read now."""

    url: str
    source_id: str
    known: FeedRow | None  # from earlier readings
    kind: WayKind = "feed"
    links: str | None = None  # of a listing page: the CSS selector of the links to articles
    index_url: str | None = None  # the sitemap index that led to it, and how many did
    depth: int = 0


@dataclass(kw_only=True)
class Guest:
    """A process that asks sites, as its manners know it."""

    settings: Settings
    state: State
    stop: threading.Event
    health: Health
    give_up_seconds: float | None  # how long a service that is away is waited for; None: for ever
    failure: GovwireError | None = None
    exchanges: list[Exchange] = field(default_factory=list)  # noted, and not yet in the state; on the event loop only

    def wait_for(self, action: Callable[[], T]) -> T:
        """Do it, and wait while a service is away. Not on the event loop.

        Raises:
            StoppedError: the process is to end.
            ServiceError: the service stayed away for `give_up_seconds`; the process ends.
        """
        try:
            return wait_for_service(action, self.stop, self.health, self.give_up_seconds)
        except ServiceError as error:
            self.give_up(error)
            raise

    def give_up(self, error: GovwireError) -> None:
        """End this process with an error."""
        self.failure = self.failure or error
        self.stop.set()


@dataclass(kw_only=True)
class Room(Guest):
    """One crawl process."""

    sources: Mapping[str, Source]  # that it reads
    known: Mapping[str, Source]  # all there are: what others found is fetched here, too
    owners: Owners
    relevance: Relevance
    bus: Bus
    owner: str  # of its leases
    once: bool
    asked: tuple[Found, ...] = ()
    feeds: tuple[str, ...] = ()
    out: dict[str, Leased] = field(default_factory=dict)  # leased, and neither settled nor given back
    due: deque[FeedTask] = field(default_factory=deque)  # feeds to be read next; filled from another thread
    reading: dict[str, FeedTask] = field(default_factory=dict)  # feeds that are being read, by address
    failed_feeds: dict[str, str] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)  # something was settled
    _lanes: tuple[Lane, ...] = ()
    _looked_at: float = float("-inf")
    _why_paused: str | None = None

    def facts(self, source_id: str, url: str) -> SourceFacts | None:
        """What travels with a page that a source found: whose it is. None when the source's file is gone."""
        source = self.known.get(source_id)
        finder = ASKED if source_id == ASKED.id else source.facts if source else None
        return self.owners.outlet(url, finder) if finder else None

    @cached_property
    def rhythms(self) -> Mapping[str, Rhythm]:
        """When each source is due."""
        return {source.id: source.rhythm for source in self.sources.values()}

    def feeds_out(self) -> list[FeedTask]:
        """Feeds that this process has taken and not settled; another thread may fill and empty the list meanwhile."""
        return [*self.due.copy(), *self.reading.copy().values()]

    def feeds_in_turn(self) -> Iterator[FeedTask]:
        """Take feeds to be asked for now off the list: one of each host, for others would only wait for its pace."""
        hosts = {authority(url) for url in self.reading}
        for _ in range(len(self.due)):
            task = self.due.popleft()
            host = authority(task.url)
            if task.url in self.reading:
                log.warning("feed_still_being_read", source_id=task.source_id, feed_url=task.url)
            elif host in hosts:
                self.due.append(task)
            else:
                hosts.add(host)
                self.reading[task.url] = task
                yield task

    def open_lanes(self) -> tuple[Lane, ...]:
        """The lanes in which pages may be fetched now. Not on the event loop.

        Raises:
            BrokerError: the bus cannot be reached.
            StoppedError: with `once`, the disk is too full, and the process ends: nobody else would make room.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return self._lanes
        crowded = [lane for lane in Lane if pressure.crowded(self.bus, self.settings, lane)]
        full = self._full_disk()
        why = full
        if why is None and crowded:
            why = f"more than {self.settings.crawl.max_lag} pages wait to be extracted: {', '.join(crowded)}"
        if (why is None) != (self._why_paused is None):
            log.warning("crawl_paused", reason=why) if why else log.info("crawl_resumed")
        self._lanes = () if full else tuple(lane for lane in Lane if lane not in crowded)
        self._looked_at, self._why_paused = now, why
        return self._lanes

    def _full_disk(self) -> str | None:
        why = pressure.full_disk(self.settings)
        if why is not None and self.once:
            self.give_up(ServiceError(why))
            raise StoppedError
        return why


def wait_for_service(
    action: Callable[[], T], stop: threading.Event, health: Health, give_up_seconds: float | None
) -> T:
    """Do it, and wait while a service is away; see `govwire.core.patience`."""

    def away(error: ServiceError, wait_seconds: float) -> None:
        RETRIES.labels(CRAWL.name, type(error).__name__).inc()
        health.beat(CRAWL.name, str(error))
        log.warning("service_away", stage=CRAWL.name, error=str(error), wait_seconds=wait_seconds)

    return patiently(action, stop, away, give_up_seconds)


def utc_now() -> datetime:
    """The time, aware; the crawl's one clock."""
    return datetime.now(UTC)
