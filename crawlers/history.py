"""A source's past, by its sitemaps: those of its file, and those that its robots file names.

They are read as far as they may hold pages of the days that are asked for; what they list goes on the frontier in the
backfill lane, to be fetched by a crawl.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import unquote, urljoin, urlsplit

from crawlers.answers import Answer, Question
from crawlers.fates import GiveBack, fate_of_error
from crawlers.headers import header
from crawlers.readers import Entries, Listed, Sitemap, read_feed
from crawlers.robots import received, sitemaps_in
from govwire.core.errors import FeedError
from govwire.core.records import Entry, Lane
from govwire.core.settings import Settings
from govwire.core.source import Source
from govwire.core.state import State, Transaction, frontier
from govwire.core.state.frontier import Added, Found
from govwire.core.terms import ANY_LANGUAGE, Relevance
from govwire.core.urls import registrable_domain

# Where a sitemap lies that no robots file names.
USUAL = "/sitemap.xml"
# An index may name tens of thousands; those of some days are few, and each costs the host's pace.
MAX_SITEMAPS = 500
# So many pages go on the frontier in one transaction: a sitemap may list 50,000, and others write meanwhile.
TOGETHER = 500
_NO_WORD = re.compile(r"[\W_]+")
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


@dataclass(frozen=True)
class Beginning:
    """Where the news of a feed begin, by when it was first read, and where the history before them does."""

    news_at: datetime
    history_at: datetime

    @classmethod
    def of(cls, first_read_at: datetime, settings: Settings) -> Self:
        """News is what an alert could be of; history is as long as is asked for."""
        news_at = first_read_at - timedelta(hours=settings.alerts.max_age_hours)
        return cls(news_at, min(news_at, first_read_at - timedelta(days=settings.crawl.history_days)))

    def lane(self, entry: Entry) -> Lane | None:
        """The lane of an entry, by its newest date; None where it is older than history. What has no date is news."""
        dates = [at for at in (entry.published_at, entry.updated_at) if at is not None]
        if not dates or max(dates) >= self.news_at:
            return Lane.LIVE
        return Lane.BACKFILL if max(dates) >= self.history_at else None


def sitemaps_of(robots: str, home: str) -> list[str]:
    """The sitemaps that a robots file names; the usual one where it names none."""
    return sitemaps_in(robots, home) or [urljoin(home, USUAL)]


@dataclass
class Past:
    """What a search gave of one source."""

    sitemaps: int = 0  # read
    listed: int = 0  # pages of the days in them
    passed_over: int = 0  # of these, pages beside its home page's path, or of a general source that name no AI
    new: int = 0  # pages that are now to be fetched
    left: int = 0  # sitemaps that were not asked for, beyond the most
    failed: dict[str, str] = field(default_factory=dict)  # sitemaps by address, and why
    reached: bool = False  # whether its site answered at all

    def __str__(self) -> str:
        left = f", {self.left} more not read" if self.left else ""
        return (
            f"{self.listed} pages in {self.sitemaps} sitemaps{left}; "
            f"{self.new} of them to be fetched, {self.passed_over} passed over"
        )


class Search:
    """Asks the sitemaps of sources for pages of some days; `follow` is for `crawlers.asking.ask`.

    A page belongs to the source with whose home address its own begins: sites that several sources share list all of
    theirs together. What a sitemap lists is on the frontier when the next is asked for: cut short, the search can be
    made again.
    """

    def __init__(
        self, state: State, sources: Sequence[Source], days: Days, relevance: Relevance, *, most: int = MAX_SITEMAPS
    ) -> None:
        """`most` sitemaps are asked for of each site."""
        self._state, self._days, self._relevance, self._most = state, days, relevance, most
        # The deepest home first: it is the nearest.
        self._sites: dict[str, list[Source]] = defaultdict(list)
        for source in sorted(sources, key=lambda source: -len(source.home)):
            self._sites[urljoin(source.home, "/robots.txt")].append(source)
        self._site_of = {source.id: shared for shared in self._sites.values() for source in shared}
        self._lock = threading.Lock()  # answers come on several threads
        self._asked: dict[str, set[str]] = defaultdict(set)  # sitemaps, by the source that stands for its site
        self.found = {source.id: Past() for source in sources}

    def questions(self) -> list[Question]:
        """What to ask first: every site's robots file, and the sitemaps of the sources' own files."""
        robots = [Question(url, shared[0].id, "robots") for url, shared in self._sites.items()]
        own = [(shared[0].id, source.sitemaps) for shared in self._sites.values() for source in shared]
        return [*robots, *(question for source_id, urls in own for question in self._not_asked(source_id, urls))]

    def follow(self, answer: Answer) -> list[Question]:
        """What an answer leads to; its pages go on the frontier.

        Raises:
            StateError: the database is away.
        """
        question, response = answer.question, answer.response
        pasts = [self.found[source.id] for source in self._site_of[question.source_id]]
        for past in pasts:
            past.reached = past.reached or (response is not None and response.status < 500)
        if question.purpose == "robots":
            robots = received(question.url, response, answer.at).body if response is not None else ""
            return self._not_asked(question.source_id, sitemaps_of(robots, question.url))
        try:
            entries = _read(answer, self._days)
        except FeedError as error:
            for past in pasts:
                past.failed[question.url] = str(error)
            return []
        self._take(question.source_id, [each for each in entries.listed if self._days.hold(each.entry)], answer.at)
        for past in pasts:
            past.sitemaps += 1
        return self._not_asked(
            question.source_id, [each.url for each in entries.sitemaps if self._days.may_be_in(each)]
        )

    def _take(self, source_id: str, listed: Sequence[Listed], now: datetime) -> None:
        by_source: dict[str, list[Listed]] = defaultdict(list)
        for each in listed:
            for source in self._site_of[source_id]:
                if _is_under(each.url, source.home):
                    by_source[source.id].append(each)
                    break
            else:
                self._count(source_id, listed=1, passed_over=1)
        for source in self._site_of[source_id]:
            found = by_source[source.id]
            worth = [each for each in found if self._is_worth(source, each)]
            self._count(source.id, listed=len(found), passed_over=len(found) - len(worth))
            for first in range(0, len(worth), TOGETHER):
                with self._state.begin() as transaction:
                    added = _add(transaction, source.id, worth[first : first + TOGETHER], now)
                self._count(source.id, new=added.new + added.again)

    def _is_worth(self, source: Source, listed: Listed) -> bool:
        """Of a general source a page is fetched where its title, or its address in words, names AI."""
        if not source.prefilter:
            return True
        words = _NO_WORD.sub(" ", unquote(urlsplit(listed.url).path))
        # In an address nothing is written in capitals, and a term such as AI in nothing else.
        text = f"{listed.entry.title or ''}\n{words}\n{words.upper()}"
        return any(self._relevance.names_ai(text, language) for language in (source.language, ANY_LANGUAGE))

    def _count(self, source_id: str, *, listed: int = 0, passed_over: int = 0, new: int = 0) -> None:
        with self._lock:
            past = self.found[source_id]
            past.listed += listed
            past.passed_over += passed_over
            past.new += new

    def _not_asked(self, source_id: str, urls: Sequence[str]) -> list[Question]:
        with self._lock:
            asked = self._asked[source_id]
            new = [url for url in dict.fromkeys(urls) if url not in asked]
            now, left = new[: max(0, self._most - len(asked))], new[max(0, self._most - len(asked)) :]
            asked.update(now)
            self.found[source_id].left += len(left)
        return [Question(url, source_id) for url in now]


def _is_under(url: str, home: str) -> bool:
    """Whether a page's address begins with that of a home page: same site, same folder."""
    folder = urlsplit(home).path.rpartition("/")[0] if "." in home.rpartition("/")[2] else urlsplit(home).path
    return registrable_domain(url) == registrable_domain(home) and f"{urlsplit(url).path}/".startswith(
        f"{folder.rstrip('/')}/"
    )


def _add(transaction: Transaction, source_id: str, listed: Sequence[Listed], now: datetime) -> Added:
    """Put pages on the frontier in the backfill lane, newest first; one that is known is left as it is."""
    found = [
        Found(
            url=each.url,
            source_id=source_id,
            lane=Lane.BACKFILL,
            entry=each.entry,
            priority=-age_hours(each.entry, now),
        )
        for each in listed
    ]
    return frontier.add(transaction, found, now)


def age_hours(entry: Entry, now: datetime) -> int:
    """How long ago a page came out, or else was changed; 0 where nothing says so."""
    at = entry.published_at or entry.updated_at or now
    return max(0, int((now - at).total_seconds() // 3600))


def _read(answer: Answer, days: Days) -> Entries:
    """Raises FeedError, whatever the cause."""
    response = answer.response
    if response is None:
        fate = fate_of_error(answer.error)
        raise FeedError("the process ended" if isinstance(fate, GiveBack) else f"{fate.reason}: {fate.detail}")
    if response.status != 200:
        raise FeedError(f"HTTP {response.status}")
    kind = header(response, "Content-Type") or ""
    return read_feed(response.body, response.url, kind, since=days.since, until=days.until)
