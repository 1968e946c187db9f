"""The past of sources that are new: asked for by their sitemaps, a few sites at a time, beside the crawl.

Each is asked for once; what it gives is fetched in the backfill lane, behind the news. Where a site did not answer at
all, or the process was killed over it, it is asked for again later.
"""

import asyncio
from datetime import timedelta

import structlog
from scrapy.crawler import AsyncCrawlerProcess

from crawlers.answers import Answer, Question
from crawlers.history import Days, Search
from crawlers.process import on_loop
from crawlers.room import Room, utc_now
from crawlers.spiders.asking import AskingSpider
from govwire.core.patience import StoppedError
from govwire.core.source import AGGREGATOR
from govwire.core.state import pasts

log = structlog.get_logger(__name__)

# Sites that are asked together, and sitemaps of each: at a usual pace that takes minutes.
SITES, MOST_SITEMAPS = 8, 50
LEASE_SECONDS, AGAIN = 3600.0, timedelta(hours=1)


class Pasts:
    """Asks for the past of the room's sources; `take` is the timetable's tick."""

    def __init__(self, room: Room, process: AsyncCrawlerProcess) -> None:
        self._room, self._process = room, process
        self._search: Search | None = None  # that is under way
        self._asked = False  # whether it has come to its end
        self._ids = [source.id for source in room.sources.values() if source.kind != AGGREGATOR]

    def take(self) -> None:
        """Begin with some sources, once those before are through.

        Raises:
            StateError: the database cannot be reached.
        """
        room, days = self._room, self._room.settings.crawl.history_days
        if room.stop.is_set() or not days or not self._ids:
            return
        if self._search is not None:
            if self._asked:
                self._end(self._search)
            return
        now = utc_now()
        with room.state.begin() as transaction:
            taken = pasts.take(transaction, self._ids, SITES, now, lease_seconds=LEASE_SECONDS)
        if not taken:
            return
        span = Days(now - timedelta(days=days), now - timedelta(hours=room.settings.alerts.max_age_hours))
        sources = [room.sources[source_id] for source_id in taken]
        self._search = Search(room.state, sources, span, room.relevance, most=MOST_SITEMAPS)
        self._asked = False
        on_loop(self._ask)

    def give_back(self) -> None:
        """At the end of the process: others may go on.

        Raises:
            StateError: the database cannot be reached.
        """
        if self._search is not None and not self._asked:
            with self._room.state.begin() as transaction:
                pasts.end(transaction, self._search.found, utc_now())

    def _ask(self) -> None:
        assert self._search is not None
        questions = self._search.questions()
        asking = self._process.crawl(
            AskingSpider, room=self._room, questions=questions, follow=self._follow, alone=False
        )
        asking.add_done_callback(self._done)

    def _follow(self, answer: Answer) -> list[Question]:
        assert self._search is not None
        search = self._search
        try:
            return self._room.wait_for(lambda: search.follow(answer))
        except StoppedError:
            return []

    def _done(self, asking: "asyncio.Task[None]") -> None:
        if not asking.cancelled() and (error := asking.exception()) is not None:
            log.error("past_not_asked", error=repr(error))
        self._asked = not self._room.stop.is_set()

    def _end(self, search: Search) -> None:
        silent = [source_id for source_id, past in search.found.items() if not past.reached]
        with self._room.state.begin() as transaction:
            pasts.end(transaction, search.found.keys() - silent)
            pasts.end(transaction, silent, utc_now() + AGAIN)
        for source_id, past in search.found.items():
            log.info(
                "past_asked",
                source_id=source_id,
                sitemaps=past.sitemaps,
                listed=past.listed,
                passed_over=past.passed_over,
                new=past.new,
                failed=past.failed,
            )
        self._search = None
