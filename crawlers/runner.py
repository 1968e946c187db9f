"""One crawl process: one Scrapy crawler with one long-lived spider, and a timetable for the sources."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from scrapy.crawler import AsyncCrawlerProcess

from crawlers.agent import ways_in
from crawlers.due import enrol, give_back, take_due
from crawlers.looks import take_looks
from crawlers.owners import Owners
from crawlers.pasts import Pasts
from crawlers.process import spider_process
from crawlers.room import ASKED, GIVE_UP_SECONDS, Room, utc_now, wait_for_service
from crawlers.spiders.frontier import FrontierSpider
from govwire.core.bus import open_bus
from govwire.core.flow import CRAWL
from govwire.core.metrics import Health
from govwire.core.patience import StoppedError
from govwire.core.records import Entry
from govwire.core.settings import Settings, find_config
from govwire.core.slots import slot
from govwire.core.source import Source
from govwire.core.state import frontier, open_state, schedule
from govwire.core.state.frontier import Found
from govwire.core.terms import Relevance, load_terms
from govwire.core.timetable import Timetable
from govwire.core.url_lists import ListedUrl
from govwire.core.urls import clean
from govwire.core.vocabulary import Vocabulary

log = structlog.get_logger(__name__)

# How often it looks whose past is still to be asked for; asking takes minutes.
PASTS = timedelta(seconds=5)
# How often it asks which pages are to be looked at again; that takes an hour or more.
LOOKS = timedelta(seconds=15)


@dataclass(frozen=True)
class CrawlReport:
    """How a crawl went: feeds that could not be read, with the reason."""

    failed_feeds: Mapping[str, str]


def run_crawl(
    settings: Settings,
    vocabulary: Vocabulary,
    stop: threading.Event,
    *,
    once: bool = False,
    source_ids: Sequence[str] = (),
    urls: Sequence[str] = (),
    listed: Sequence[ListedUrl] = (),
    feeds: Sequence[str] = (),
    health: Health | None = None,
) -> CrawlReport:
    """Crawl in this process until `stop`; with `once`, until each source was read once and nothing is due.

    Sources are those named, else all that are enabled; where only single pages (`urls`, or those of a list) or feeds
    are asked for, none.
    A process can crawl once only: Twisted's reactor does not start again.

    Raises:
        ConfigError: the user agent is missing; fetch.ca_file or a rule of fetch.allow or fetch.resolve cannot be read.
        UrlError: what was asked for is no web address.
        ServiceError: with `once`, bus or state stayed away, or the disk is full.
    """
    sources = _chosen(vocabulary, source_ids, nothing_else=not urls and not listed and not feeds)
    asked = (*(_asked(ListedUrl(clean(url))) for url in urls), *map(_asked, listed))
    asked_feeds = tuple(map(clean, feeds))
    process = spider_process(settings, [*ways_in(sources.values()), *(page.url for page in asked), *asked_feeds])
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    health, give_up_seconds = health or Health(), GIVE_UP_SECONDS if once else None
    with ExitStack() as stack:
        stack.enter_context(suppress(StoppedError))
        state = wait_for_service(lambda: open_state(settings.state_url), stop, health, give_up_seconds)
        stack.callback(state.close)
        bus = wait_for_service(lambda: open_bus(settings), stop, health, give_up_seconds)
        stack.callback(bus.close)
        room = Room(
            settings=settings,
            sources=sources,
            known=vocabulary.sources,
            owners=Owners(vocabulary.sources),
            relevance=Relevance(load_terms(find_config())),
            bus=bus,
            state=state,
            owner=stack.enter_context(slot(settings.data_dir, CRAWL.name)),
            stop=stop,
            health=health,
            once=once,
            give_up_seconds=give_up_seconds,
            asked=asked,
            feeds=asked_feeds,
        )
        room.wait_for(lambda: enrol(room))
        _crawl(room, process)
        if room.failure is not None:
            raise room.failure
        give_back(room)
        with state.begin() as transaction:
            frontier.release(transaction, room.owner)
        return CrawlReport(dict(room.failed_feeds))
    return CrawlReport({})


def _crawl(room: Room, process: AsyncCrawlerProcess) -> None:
    process.crawl(FrontierSpider, room=room)
    timetable, pasts = Timetable(), Pasts(room, process)
    if not room.once:
        timetable.every(schedule.LOOK_EVERY, lambda: take_due(room), "sources", utc_now())
        timetable.every(LOOKS, lambda: take_looks(room), "revisits", utc_now())
        timetable.every(PASTS, pasts.take, "pasts", utc_now())
        timetable.start()
    try:
        # The signals are our caller's: it sets `stop`, and the spider ends by itself.
        process.start(install_signal_handlers=False)
    finally:
        timetable.close()
    pasts.give_back()


def _asked(page: ListedUrl) -> Found:
    entry = Entry(feed_url=page.listed_in, title=page.title) if page.title else None
    source_id = page.source_id or ASKED.id
    return Found(url=page.url, source_id=source_id, entry=entry, why=frontier.ASKED, priority=1)


def _chosen(vocabulary: Vocabulary, source_ids: Sequence[str], *, nothing_else: bool) -> dict[str, Source]:
    if source_ids:
        return {source_id: vocabulary.source(source_id) for source_id in source_ids}
    return {key: source for key, source in vocabulary.sources.items() if source.enabled} if nothing_else else {}
