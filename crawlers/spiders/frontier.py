"""The one spider: long-lived, fed by the frontier and by the sources that are due.

Scrapy drains `start()` at once, so back-pressure cannot lie in the requests: nothing is leased while too much is out,
too many pages wait on the bus, or the disk is nearly full.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import scrapy
import structlog
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from crawlers.answers import FEED_TYPES
from crawlers.due import take_now
from crawlers.fates import Visit
from crawlers.looks import take_looks
from crawlers.manners import longest_turn_seconds
from crawlers.process import end_now
from crawlers.readings import Reading
from crawlers.room import FeedTask, Room, utc_now
from govwire.core import faults
from govwire.core.errors import GovwireError
from govwire.core.flow import CRAWL
from govwire.core.patience import StoppedError
from govwire.core.state import frontier
from govwire.core.state.frontier import Leased

log = structlog.get_logger(__name__)

# How long the spider waits for news when there is nothing to lease: longer each time, until something happens.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 1.0
# How long a stopped process waits for downloads; what has not come by then is due again, and fetched by the next.
LAST_SECONDS = 8.0


class FrontierSpider(scrapy.Spider):
    """Fetches what is due, until it is stopped, or with `once` until nothing is due."""

    name = "frontier"

    def __init__(self, room: Room, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.room = room
        self._longest_turn_seconds = longest_turn_seconds(room)

    async def start(self) -> AsyncIterator[Request]:
        """Requests for feeds and pages, as they fall due."""
        try:
            async for request in self._requests():
                yield request
        except StoppedError:
            log.info("crawl_stopped_while_waiting")
        except GovwireError as error:
            self.room.give_up(error)
        if self.room.stop.is_set():
            # Downloads that are under way may end; a site that takes its time does not hold the process.
            asyncio.get_running_loop().call_later(LAST_SECONDS, end_now)

    async def _requests(self) -> AsyncIterator[Request]:
        room, wait_seconds = self.room, FIRST_WAIT_SECONDS
        await asyncio.to_thread(room.wait_for, self._begin)
        while not room.stop.is_set():
            room.health.beat(CRAWL.name)
            room.woken.clear()
            for task in room.feeds_in_turn():
                yield self._feed_request(task)
            leased = await asyncio.to_thread(room.wait_for, self._lease)
            # A lease that ran out while its URL is still out is hereby renewed, and no reason to ask twice.
            new = [item for item in leased if item.url_id not in room.out]
            room.out |= {item.url_id: item for item in new}
            for item in new:
                yield self._page_request(item)
            if leased:
                wait_seconds = FIRST_WAIT_SECONDS
                continue
            if room.once and await asyncio.to_thread(room.wait_for, self._is_done):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.woken.wait(), wait_seconds)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    def _begin(self) -> None:
        room = self.room
        room.bus.setup()
        with room.state.begin() as transaction:
            # What a predecessor of the same name held when it was killed.
            frontier.release(transaction, room.owner)
            frontier.add(transaction, room.asked, utc_now())
        if room.once:
            take_now(room)
            # Those that are due; what falls due meanwhile waits for the next run.
            take_looks(room)

    def _lease(self) -> list[Leased]:
        room, crawl = self.room, self.room.settings.crawl
        space = 2 * crawl.concurrency - len(room.out)
        lanes = room.open_lanes() if space > 0 else ()
        if not lanes:
            return []
        with room.state.begin() as transaction:
            leased = frontier.lease(
                transaction,
                room.owner,
                space,
                utc_now(),
                lease_seconds=crawl.lease_seconds,
                delay_seconds=crawl.host_delay_seconds,
                lanes=lanes,
            )
        if leased:
            faults.passing("crawl.leased")
        return leased

    def _is_done(self) -> bool:
        room = self.room
        if room.out or room.reading or room.due:
            return False
        with room.state.begin() as transaction:
            return frontier.pending(transaction, utc_now(), self._longest_turn_seconds) == 0

    def _feed_request(self, task: FeedTask) -> Request:
        known = _conditions(task.known.etag, task.known.last_modified) if task.known else {}
        return Request(
            task.url,
            self.feed_answered,
            errback=self.feed_failed,
            headers=known if task.links else {"Accept": FEED_TYPES, **known},  # a listing page is asked for as a page
            meta={"task": task, "source_id": task.source_id},
            dont_filter=True,
        )

    def _page_request(self, leased: Leased) -> Request:
        # Who asks for a page by name gets it, changed or not.
        conditional = leased.why != frontier.ASKED
        return Request(
            leased.url,
            self.page_answered,
            errback=self.page_failed,
            headers=_conditions(leased.etag, leased.last_modified) if conditional else {},
            meta={"leased": leased, "source_id": leased.source_id},
            dont_filter=True,
        )

    async def page_answered(self, response: Response) -> AsyncIterator[Visit]:
        """A page, or the site's refusal."""
        yield Visit(response.meta["leased"], utc_now(), response)

    async def page_failed(self, failure: Failure) -> AsyncIterator[Visit]:
        """No answer, or a request that was not sent."""
        yield Visit(_meta(failure)["leased"], utc_now(), error=failure.value)

    async def feed_answered(self, response: Response) -> AsyncIterator[Reading]:
        """A feed, or the site's refusal."""
        yield Reading(response.meta["task"], utc_now(), response)

    async def feed_failed(self, failure: Failure) -> AsyncIterator[Reading]:
        """No answer, or a request that was not sent."""
        yield Reading(_meta(failure)["task"], utc_now(), error=failure.value)


def _meta(failure: Failure) -> dict[str, Any]:
    meta: dict[str, Any] = failure.request.meta  # type: ignore[attr-defined] # set by Scrapy
    return meta


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """The headers of a conditional request (RFC 9110, 13)."""
    headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in headers.items() if value}
