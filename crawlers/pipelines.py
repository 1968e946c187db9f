"""The item pipeline: from the crawl to the bus, and the only place where a crawl's errors become fates.

A URL counts as fetched only after the bus has acknowledged its page: publish, wait, then frontier and ledger in one
transaction. What is ready at about the same time is settled together, since single calls cost most. A crash in between
publishes a page again, and never loses one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import structlog
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawlers.fates import NOT_FOUND, Drop, Fate, GiveBack, Publish, PutOff, Visit, fate_of
from crawlers.found import record_read
from crawlers.headers import header, headers_of
from crawlers.looks import judge_missing, next_look
from crawlers.readings import Read, Reading, read
from crawlers.room import FeedTask, Room, utc_now
from govwire.core import faults
from govwire.core.bus import Message
from govwire.core.envelope import wrap
from govwire.core.errors import ServiceError, TooLargeError
from govwire.core.flow import CRAWL, PAGES
from govwire.core.metrics import DROPS, FETCHES, RECORDS
from govwire.core.patience import StoppedError
from govwire.core.records import Header, Lane, Page, SourceFacts
from govwire.core.state import Transaction, exchanges, frontier, hosts, revisits, schedule
from govwire.core.state.exchanges import Exchange
from govwire.core.state.frontier import Ended, Postponed
from govwire.core.state.ledger import UNCHANGED, Outcome
from govwire.core.urls import authority, fetch_id

log = structlog.get_logger(__name__)

# How long what is ready waits for company, and how much is settled together at most.
GATHER_SECONDS = 0.1
MAX_BATCH, MAX_BATCH_BYTES = 32, 16 * 1024 * 1024


_Item = Visit | Read
_Ready = tuple[_Item, asyncio.Future[None]]


class BusPipeline:
    """Publishes pages, and records what became of every fetch."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._queue: asyncio.Queue[_Ready | None] = asyncio.Queue()
        self._settling: asyncio.Task[None] | None = None
        self._unlogged: list[Exchange] = []  # what was asked of hosts until this batch

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        pipeline = cls(crawler.spider.room)  # type: ignore[union-attr]
        crawler.signals.connect(pipeline.callback_failed, signal=signals.spider_error)
        return pipeline

    def open_spider(self) -> None:
        """Begin to settle."""
        self._settling = asyncio.create_task(self._settle_all())

    async def close_spider(self) -> None:
        """Settle what is left."""
        self._queue.put_nowait(None)
        if self._settling is not None:
            await self._settling

    async def process_item(self, item: Visit | Reading) -> Visit | Reading:
        """Return when the item is settled: published and recorded, or given back."""
        settled = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((item if isinstance(item, Visit) else await self._read(item), settled))
        await settled
        return item

    async def _read(self, reading: Reading) -> Read:
        """A feed may take a second to parse: neither on the event loop, nor before the pages of a batch."""
        try:
            return await asyncio.to_thread(read, reading)
        except Exception as error:
            log.exception("feed_reader_failed", feed_url=reading.task.url)
            return Read(reading, error=_cause(error))

    def callback_failed(self, failure: Failure, response: Response | None) -> None:
        """A callback failed, which none does; should one, its URL is not lost. Without `start` there is no crawl."""
        if response is None:
            log.error("crawl_failed", exc_info=failure.value)
            self._room.give_up(ServiceError(f"crawl: {_cause(failure.value)}"))
            return
        log.error("callback_failed", url=response.url, error=_cause(failure.value))
        item: _Item = (
            Visit(response.meta["leased"], utc_now())
            if "leased" in response.meta
            else Read(Reading(response.meta["task"], utc_now()))
        )
        self._queue.put_nowait((_failed(item, failure.value), asyncio.get_running_loop().create_future()))

    async def _settle_all(self) -> None:
        while batch := await self._gather():
            items = [item for item, _ in batch]
            self._unlogged += self._room.exchanges
            self._room.exchanges.clear()
            try:
                await asyncio.to_thread(self._settle, items)
            except Exception as error:
                log.exception("crawl_failed")
                self._room.give_up(ServiceError(f"crawl: {_cause(error)}"))
            for item, settled in batch:
                if isinstance(item, Visit):
                    self._room.out.pop(item.leased.url_id, None)
                else:
                    self._room.reading.pop(item.reading.task.url, None)
                settled.set_result(None)
            self._room.woken.set()

    async def _gather(self) -> list[_Ready]:
        """What is ready at about the same time; nothing at the end."""
        first = await self._queue.get()
        if first is None:
            return []
        batch, size = [first], _size(first[0])
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GATHER_SECONDS
        # When nothing else is out, there is nothing to wait for.
        while len(batch) < min(MAX_BATCH, len(self._room.out) + len(self._room.reading)) and size < MAX_BATCH_BYTES:
            try:
                ready = await asyncio.wait_for(self._queue.get(), deadline - loop.time())
            except TimeoutError:
                break
            if ready is None:
                self._queue.put_nowait(None)
                break
            batch.append(ready)
            size += _size(ready[0])
        return batch

    def _settle(self, items: Sequence[_Item]) -> None:
        """Items to their end. An error nobody foresaw splits them, until the one at fault is put off with its cause."""
        try:
            self._settle_together(items)
        except StoppedError:
            log.info("crawl_stopped_while_waiting", items=len(items))
        except ServiceError as error:
            log.warning("crawl_gave_up", error=str(error))
        except Exception as error:
            if len(items) > 1:
                for item in items:
                    self._settle([item])
                return
            log.exception("item_failed", item=type(items[0]).__name__)
            self._settle_together([_failed(items[0], error)])

    def _settle_together(self, items: Sequence[_Item]) -> None:
        faults.passing("crawl.fetched")
        visits = [item for item in items if isinstance(item, Visit)]
        judged = [(visit, fate_of(visit, self._room.settings)) for visit in visits]
        judged = self._publish([self._with_source(visit, fate) for visit, fate in judge_missing(self._room, judged)])
        faults.passing("crawl.published")
        self._record_patiently(judged, [item for item in items if isinstance(item, Read)])
        faults.passing("crawl.recorded")

    def _with_source(self, visit: Visit, fate: Fate) -> tuple[Visit, Fate]:
        if isinstance(fate, Publish) and self._facts(visit, fate.response) is None:
            return visit, Drop("unknown_source", f"no config/sources/{visit.leased.source_id}.toml")
        return visit, fate

    def _facts(self, visit: Visit, response: Response) -> SourceFacts | None:
        return self._room.facts(visit.leased.source_id, response.url)

    def _publish(self, judged: list[tuple[Visit, Fate]]) -> list[tuple[Visit, Fate]]:
        """Publish what is to be published; what the bus would never take is dropped instead."""
        by_lane: dict[Lane, list[tuple[int, Message]]] = defaultdict(list)
        for place, (visit, fate) in enumerate(judged):
            if isinstance(fate, Publish):
                by_lane[visit.leased.lane].append((place, self._message(visit, fate.response)))
        for lane, placed in by_lane.items():
            kafka_topic = PAGES.kafka_topic(self._room.settings.bus.prefix, lane)
            for place, why in self._send(kafka_topic, placed):
                judged[place] = (judged[place][0], Drop("too_large", why))
        return judged

    def _send(self, kafka_topic: str, placed: Sequence[tuple[int, Message]]) -> list[tuple[int, str]]:
        try:
            self._room.wait_for(lambda: self._room.bus.publish(kafka_topic, [message for _, message in placed]))
        except TooLargeError as error:
            if len(placed) == 1:
                return [(placed[0][0], str(error))]
            return [refused for one in placed for refused in self._send(kafka_topic, [one])]
        return []

    def _message(self, visit: Visit, response: Response) -> Message:
        leased = visit.leased
        source = self._facts(visit, response)
        assert source is not None
        page = Page(
            url_id=leased.url_id,
            fetch_id=fetch_id(leased.url_id, visit.at),
            lane=leased.lane,
            source=source,
            url=leased.url,
            final_url=response.url,
            status=response.status,
            headers=tuple(_headers(response)),
            fetched_at=visit.at,
            first_seen_at=leased.first_seen_at,
            entry=leased.entry,
            body_zstd=Page.pack(response.body),
            body_bytes=len(response.body),
        )
        return wrap(CRAWL.name, leased.url_id, page, lane=leased.lane, url_id=leased.url_id, fetch_id=page.fetch_id)

    def _record_patiently(self, judged: Sequence[tuple[Visit, Fate]], reads: Sequence[Read]) -> None:
        def record() -> list[FeedTask]:
            with self._room.state.begin() as transaction:
                self._record_visits(transaction, judged)
                followed = [task for each in reads for task in self._record_read(transaction, each)]
                schedule.turn_over(transaction, self._room.rhythms, self._done_with(reads, followed), utc_now())
                exchanges.record(transaction, self._unlogged)
                return followed

        self._room.due.extend(self._room.wait_for(record))
        self._unlogged.clear()
        for _, fate in judged:
            _count(fate)

    def _record_visits(self, transaction: Transaction, judged: Sequence[tuple[Visit, Fate]]) -> None:
        now, owner, crawl = utc_now(), self._room.owner, self._room.settings.crawl
        ended, put_off, given_back = [], [], []
        for visit, fate in judged:
            look_at = next_look(self._room, visit)
            match fate:
                case Publish():
                    ended.append(_fetched(visit, fate.response, look_at))
                case Drop():
                    ended.append(_dropped(visit, fate, look_at))
                case PutOff():
                    # A look that fails is not made up for: the next one will be made at its time.
                    if visit.leased.why == frontier.REVISIT and fate.reason != NOT_FOUND:
                        ended.append(_dropped(visit, fate, look_at))
                    else:
                        put_off.append(Postponed(visit.leased, visit.at, fate.reason, fate.detail, fate.not_before))
                    if fate.whole_host and fate.not_before and visit.response:
                        self._leave_alone(transaction, authority(visit.response.url), fate.not_before)
                case GiveBack():
                    given_back.append(visit.leased.url_id)
        frontier.done(transaction, owner, ended, now)
        revisits.made(transaction, [each.leased.source_id for each in ended if _is_answered_look(each)])
        frontier.retry(
            transaction,
            owner,
            put_off,
            now,
            base_seconds=crawl.retry_base_seconds,
            ceiling_seconds=crawl.retry_ceiling_seconds,
        )
        if given_back:
            frontier.release(transaction, owner, given_back)

    def _leave_alone(self, transaction: Transaction, host: str, until: datetime) -> None:
        hosts.pause(transaction, host, until)
        log.info("host_left_alone", host=host, until=until.isoformat())

    def _record_read(self, transaction: Transaction, done: Read) -> list[FeedTask]:
        if done.not_before is not None and done.reading.response is not None:
            self._leave_alone(transaction, authority(done.reading.response.url), done.not_before)
        return record_read(transaction, self._room, done)

    def _done_with(self, reads: Sequence[Read], followed: Sequence[FeedTask]) -> set[str]:
        """Sources of which, after these, nothing is left to be read."""
        read = {each.reading.task.url for each in reads}
        left = {task.source_id for task in self._room.feeds_out() if task.url not in read}
        left |= {task.source_id for task in followed}
        return {each.reading.task.source_id for each in reads} - left


def _failed(item: _Item, error: BaseException | None) -> _Item:
    """An item at which the crawl itself failed: put off, with the cause for `govwire why`."""
    if isinstance(item, Visit):
        return Visit(item.leased, item.at, error=error)
    return Read(item.reading, error=_cause(error))


def _cause(error: BaseException | None) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _fetched(visit: Visit, response: Response, look_at: datetime | None) -> Ended:
    if response.status >= 400:
        # Gone: should it come back as it was, a conditional request would only hear that nothing has changed.
        return Ended(visit.leased, visit.at, Outcome.FETCHED, etag="", last_modified="", look_at=look_at)
    return Ended(
        visit.leased,
        visit.at,
        Outcome.FETCHED,
        etag=header(response, "ETag"),
        last_modified=header(response, "Last-Modified"),
        look_at=look_at,
    )


def _is_answered_look(ended: Ended) -> bool:
    return ended.leased.why == frontier.REVISIT and ended.reason in {None, UNCHANGED}


def _dropped(visit: Visit, fate: Drop | PutOff, look_at: datetime | None) -> Ended:
    return Ended(visit.leased, visit.at, Outcome.DROPPED, fate.reason, fate.detail, look_at=look_at)


def _headers(response: Response) -> list[Header]:
    """The response's headers; cookies are nobody's business further on."""
    return [Header(name=name, value=value) for name, value in headers_of(response) if name != "set-cookie"]


def _size(item: _Item) -> int:
    response = item.response if isinstance(item, Visit) else None
    return len(response.body) if response is not None else 0


def _count(fate: Fate) -> None:
    match fate:
        case Publish():
            RECORDS.labels(CRAWL.name, Outcome.FETCHED).inc()
            FETCHES.labels("page", "fetched").inc()
        case Drop():
            DROPS.labels(CRAWL.name, fate.reason).inc()
            FETCHES.labels("page", fate.reason).inc()
        case PutOff():
            FETCHES.labels("page", fate.reason).inc()
