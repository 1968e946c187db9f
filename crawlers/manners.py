"""Manners: robots files are obeyed, and no host is asked faster than its pace. For every request and every hop.

Sources: RFC 9309 (robots), with protego for what its lines mean; crawl-delay, which the RFC leaves out, is honoured
too. Both the robots file and the pace of a host lie in the state, for all processes.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import structlog
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from crawlers.guard import RefusedError
from crawlers.headers import left_alone_until
from crawlers.robots import LONGEST_DELAY_SECONDS, Rules, received
from crawlers.room import Guest, utc_now
from crawlers.together import Together
from govwire.core.patience import StoppedError
from govwire.core.state import Transaction, hosts
from govwire.core.state.hosts import Robots
from govwire.core.urls import authority

log = structlog.get_logger(__name__)

# What a commit takes on a quiet machine, and some more.
LEAST_MARGIN = timedelta(seconds=0.05)
# How often a request that waits for its turn looks whether the process is to end.
STOP_LOOK_SECONDS = 0.25


class RobotsUnreachableError(IgnoreRequest):
    """The robots file cannot be had: nothing is fetched from that host before `not_before`."""

    def __init__(self, detail: str, not_before: datetime) -> None:
        self.detail, self.not_before = detail, not_before
        super().__init__(detail)


class LeftAloneError(IgnoreRequest):
    """The host asked for longer peace than a request can wait for with its place among those under way."""

    def __init__(self, host: str, until: datetime) -> None:
        self.until = until
        super().__init__(f"{host} asked to be left alone until {until:%Y-%m-%d %H:%M} UTC")


class RobotsMiddleware:
    """Sends no request that the host's robots file forbids."""

    def __init__(self, crawler: Crawler, room: Guest) -> None:
        self._crawler, self._room = crawler, room
        self._agent: str = crawler.settings["USER_AGENT"]
        self._rules: dict[str, Rules] = {}
        self._kept: Together[str, Robots | None] = Together(room, _kept)
        self._keep: Together[tuple[Rules, datetime | None], None] = Together(room, _keep)
        self._fetching: dict[str, asyncio.Lock] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler, crawler.spider.room)  # type: ignore[union-attr]

    async def process_request(self, request: Request) -> None:
        """Let a request pass, or not.

        Raises:
            RefusedError: the robots file forbids it.
            RobotsUnreachableError: there is no telling.
        """
        if request.meta.get("is_robots"):
            return
        parts = urlparse_cached(request)
        rules = await self._of(f"{parts.scheme}://{authority(request.url)}/robots.txt", request)
        if not rules.is_known:
            what = f"HTTP {rules.robots.status}" if rules.robots.status else "no answer"
            raise RobotsUnreachableError(f"{rules.robots.url}: {what}", rules.ask_again_at)
        if not rules.allow(request.url):
            raise RefusedError("robots", f"{rules.robots.url} forbids {parts.path}")
        request.meta["crawl_delay_seconds"] = rules.delay_seconds

    async def _of(self, url: str, cause: Request) -> Rules:
        async with self._fetching.setdefault(url, asyncio.Lock()):
            known = self._rules.get(url)
            if known is None or utc_now() >= known.ask_again_at:
                kept = await self._kept.ask(url)
                known = Rules.of(kept, self._agent) if kept else None
                if known is None or utc_now() >= known.ask_again_at:
                    known = await self._fetch(url, cause)
                self._rules[url] = known
            return known

    async def _fetch(self, url: str, cause: Request) -> Rules:
        meta = {"is_robots": True, "source_id": cause.meta["source_id"]}
        request = Request(url, callback=NO_CALLBACK, meta=meta, dont_filter=True)
        assert self._crawler.engine is not None
        (got,) = await asyncio.gather(self._crawler.engine.download_async(request), return_exceptions=True)
        if isinstance(got, StoppedError | asyncio.CancelledError):
            raise got  # the process ends
        if isinstance(got, LeftAloneError):
            raise got  # nothing was asked
        if isinstance(got, RefusedError) and got.reason == "address_refused" and not got.redirected:
            raise got  # the host's address is refused, and with it every page there
        if isinstance(got, BaseException):
            log.info("robots_unreachable", url=url, error=f"{type(got).__name__}: {got}")
            robots = Robots(url, 0, "", utc_now())
        else:
            robots = received(url, got, utc_now())
        rules = Rules.of(robots, self._agent)
        until = left_alone_until(got, robots.fetched_at) if isinstance(got, Response) else None
        await self._keep.ask((rules, until))
        return rules


def _kept(transaction: Transaction, urls: Sequence[str]) -> list[Robots | None]:
    """The robots files at these addresses, where some process has fetched them."""
    known = hosts.robots_of(transaction, map(authority, urls))
    return [robots if (robots := known.get(authority(url))) and robots.url == url else None for url in urls]


def _keep(transaction: Transaction, fetched: Sequence[tuple[Rules, datetime | None]]) -> list[None]:
    """Keep robots files, and leave their hosts alone for as long as they asked."""
    for rules, until in fetched:
        host = authority(rules.robots.url)
        hosts.keep_robots(transaction, host, rules.robots, rules.delay_seconds)
        if until is not None:
            hosts.pause(transaction, host, until)
    return [None] * len(fetched)


def longest_turn_seconds(room: Guest) -> float:
    """How long a host's next turn may be away by its pace; what is longer, it asked for."""
    return 2 * max(room.settings.crawl.host_delay_seconds, LONGEST_DELAY_SECONDS)


@dataclass(frozen=True)
class _Turn:
    """A host's turn for one request, taken at a time and to be used soon after that; or not: ask again then."""

    taken: bool
    at: datetime
    use_within: timedelta = timedelta()


class PaceMiddleware:
    """Holds every request until its host's turn, which is taken in the state before the request goes out.

    A commit may take a second when the disk is busy, and a turn that comes late would bring its request close to the
    next one. So each turn holds a margin, in which it is used or lost; the margin follows how late the last ones came.
    """

    def __init__(self, room: Guest) -> None:
        self._room = room
        self._longest_turn = timedelta(seconds=longest_turn_seconds(room))
        self._turns: Together[str, _Turn] = Together(room, self._take)
        self._margin = LEAST_MARGIN

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler.spider.room)  # type: ignore[union-attr]

    async def process_request(self, request: Request) -> None:
        """Return when the request may go out.

        Raises:
            LeftAloneError: that is a long time from now.
            StoppedError: the process is to end.
        """
        host, begun = authority(request.url), time.monotonic()
        if self._room.stop.is_set():
            raise StoppedError
        while not self._may_go(turn := await self._turns.ask(host)):
            if turn.at > utc_now() + self._longest_turn:
                raise LeftAloneError(host, turn.at)
            await self._sleep_until(turn.at)
        request.meta["waited_seconds"] = round(time.monotonic() - begun, 3)

    def _may_go(self, turn: _Turn) -> bool:
        if not turn.taken:
            return False
        late = utc_now() - turn.at
        self._margin = max(LEAST_MARGIN, 2 * late)
        return late <= turn.use_within

    def _take(self, transaction: Transaction, names: Sequence[str]) -> list[_Turn]:
        now, margin = utc_now(), self._margin
        delay_seconds = self._room.settings.crawl.host_delay_seconds
        turns = hosts.take(transaction, names, now, delay_seconds, margin)
        # Of two requests for one host the first has the turn, the second asks again.
        first = {name: place for place, name in reversed(list(enumerate(names)))}
        return [
            _Turn(taken=first[name] == place, at=now, use_within=margin)
            if (until := turns[name]) is None
            else _Turn(taken=False, at=until)
            for place, name in enumerate(names)
        ]

    async def _sleep_until(self, until: datetime) -> None:
        while (left := (until - utc_now()).total_seconds()) > 0:
            if self._room.stop.is_set():
                raise StoppedError
            await asyncio.sleep(min(left, STOP_LOOK_SECONDS))
