"""A source's past, by its sitemaps: those of its file, and those that its robots file names.

They are read as far as they may hold pages of the days that are asked for; what they list goes on the frontier in the
backfill lane, to be fetched by a crawl.
"""

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

from crawlers.answers import Answer, Question
from crawlers.fates import GiveBack, fate_of_error
from crawlers.headers import header
from crawlers.readers import Entries, Listed, Sitemap, read_feed
from crawlers.robots import sitemaps_in
from govwire.core.errors import FeedError
from govwire.core.records import Entry, Lane
from govwire.core.source import Source
from govwire.core.state import State, Transaction, frontier
from govwire.core.state.frontier import Added, Found

# Where a sitemap lies that no robots file names.
USUAL = "/sitemap.xml"
# An index may name tens of thousands; those of some days are few, and each costs the host's pace.
MAX_SITEMAPS = 500
# Year and month in a sitemap's address: sitemap-2026-03.xml, /2026/03/sitemap.xml, ?yyyy=2026&mm=03.
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_/.]?|&mm?=)(0[1-9]|1[0-2])(?!\d(?!\d))")
# Sites keep their own time, and close a month's sitemap some hours late.
_LEEWAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """The days that are asked for; `until` is exclusive."""

    since: datetime
    until: datetime

    def hold(self, entry: Entry) -> bool:
        """Whether a page came out, or else was changed, in these days."""
        at = entry.published_at or entry.updated_at
        return at is not None and self.since <= at < self.until

    def may_be_in(self, sitemap: Sitemap) -> bool:
        """Whether a sitemap that an index names may list pages of these days, by its month and its last change."""
        if sitemap.changed_at is not None and sitemap.changed_at < self.since - _LEEWAY:
            return False
        if found := _MONTH.search(sitemap.url):
            first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
            return first - _LEEWAY < self.until and self.since < first + timedelta(days=31) + _LEEWAY
        return True


def sitemaps_of(robots: str, home: str) -> list[str]:
    """The sitemaps that a robots file names; the usual one where it names none."""
    return sitemaps_in(robots, home) or [urljoin(home, USUAL)]


def find(transaction: Transaction, source_id: str, listed: Iterable[Listed], now: datetime) -> Added:
    """Put pages on the frontier in the backfill lane, newest first; one that is known is left as it is."""
    found = [
        Found(
            url=each.url,
            source_id=source_id,
            lane=Lane.BACKFILL,
            entry=each.entry,
            priority=-_age_hours(each.entry, now),
        )
        for each in listed
    ]
    return frontier.add(transaction, found, now)


def _age_hours(entry: Entry, now: datetime) -> int:
    at = entry.published_at or entry.updated_at or now
    return max(0, int((now - at).total_seconds() // 3600))


@dataclass
class Past:
    """What a search gave of one source."""

    sitemaps: int = 0  # read
    listed: int = 0  # pages of the days
    new: int = 0  # of these, pages that are now to be fetched
    passed_over: int = 0  # sitemaps beyond MAX_SITEMAPS
    failed: dict[str, str] = field(default_factory=dict)  # sitemaps by address, and why

    def __str__(self) -> str:
        over = f", {self.passed_over} passed over" if self.passed_over else ""
        return f"{self.listed} pages in {self.sitemaps} sitemaps{over}, {self.new} of them to be fetched"


class Search:
    """Asks the sitemaps of sources for pages of some days; `follow` is for `crawlers.asking.ask`.

    What a sitemap lists is on the frontier when the next is asked for: cut short, the search can be made again.
    """

    def __init__(self, state: State, sources: Sequence[Source], days: Days) -> None:
        self._state, self._days = state, days
        self._sources = {source.id: source for source in sources}
        self._lock = threading.Lock()  # answers come on several threads
        self._asked: set[tuple[str, str]] = set()
        self.found = {source.id: Past() for source in sources}

    def questions(self) -> list[Question]:
        """What to ask first: every source's robots file, and the sitemaps of its own file."""
        robots = [Question(urljoin(each.home, "/robots.txt"), each.id, "robots") for each in self._sources.values()]
        own = [question for each in self._sources.values() for question in self._not_asked(each.id, each.sitemaps)]
        return [*robots, *own]

    def follow(self, answer: Answer) -> Iterable[Question]:
        """What an answer leads to; its pages go on the frontier.

        Raises:
            StateError: the database is away.
        """
        source_id = answer.question.source_id
        if answer.question.purpose == "robots":
            robots = answer.response.text if answer.response is not None and answer.response.status == 200 else ""
            return self._not_asked(source_id, sitemaps_of(robots, self._sources[source_id].home))
        past = self.found[source_id]
        try:
            entries = _read(answer, self._days)
        except FeedError as error:
            with self._lock:
                past.failed[answer.question.url] = str(error)
            return []
        listed = [each for each in entries.listed if self._days.hold(each.entry)]
        with self._state.begin() as transaction:
            added = find(transaction, source_id, listed, answer.at)
        with self._lock:
            past.sitemaps += 1
            past.listed += len(listed)
            past.new += added.new + added.again
        return self._not_asked(source_id, [each.url for each in entries.sitemaps if self._days.may_be_in(each)])

    def _not_asked(self, source_id: str, urls: Sequence[str]) -> list[Question]:
        past = self.found[source_id]
        with self._lock:
            new = [url for url in dict.fromkeys(urls) if (source_id, url) not in self._asked]
            space = MAX_SITEMAPS - sum(asked == source_id for asked, _ in self._asked)
            past.passed_over += max(0, len(new) - space)
            self._asked |= {(source_id, url) for url in new[:space]}
        return [Question(url, source_id) for url in new[:space]]


def _read(answer: Answer, days: Days) -> Entries:
    """Raises FeedError, whatever the cause."""
    response = answer.response
    if response is None:
        fate = fate_of_error(answer.error)
        raise FeedError(
            "not asked, the process ended" if isinstance(fate, GiveBack) else f"{fate.reason}: {fate.detail}"
        )
    if response.status != 200:
        raise FeedError(f"HTTP {response.status}")
    kind = header(response, "Content-Type") or ""
    return read_feed(response.body, response.url, kind, since=days.since, until=days.until)
