"""Reading a feed, sitemap or listing page that was asked for: from its answer to what is in it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from scrapy.http import Response

from crawlers.challenges import why_unread
from crawlers.fates import GiveBack, PutOff, fate_of_error
from crawlers.headers import header, left_alone_until
from crawlers.readers import Entries, read_feed, read_listing
from crawlers.room import FeedTask
from govwire.core.errors import FeedError
from govwire.core.state.sources import Shown

# A sitemap lists old pages beside new ones. Google's news sitemaps hold two days; a weekend is three.
RECENT = timedelta(days=3)


@dataclass(frozen=True)
class Reading:
    """One feed, sitemap or listing page, and what asking for it gave: a response or an error."""

    task: FeedTask
    at: datetime
    response: Response | None = None
    error: BaseException | None = None

    @property
    def since(self) -> datetime:
        """From when on a sitemap's pages are news: a few days ago, or the last reading, where that is longer ago."""
        known, recent = self.task.known, self.at - RECENT
        return min(recent, known.succeeded_at) if known and known.succeeded_at else recent


@dataclass(frozen=True)
class Read:
    """What came of a reading: what the feed lists (None: nothing new), or an error; neither when the process ended."""

    reading: Reading
    feed: Entries | None = None
    body_hash: str | None = None
    error: str | None = None
    not_before: datetime | None = None
    stopped: bool = False

    @property
    def shown(self) -> Shown | None:
        """What the list shows; None where nothing changed, or where it is an index and lists no pages."""
        if self.feed is None or self.feed.sitemaps:
            return None
        dates = [at for each in self.feed.listed if (at := each.entry.published_at or each.entry.updated_at)]
        return Shown(self.feed.read, min(dates, default=None), max(dates, default=None))


def read(reading: Reading) -> Read:
    """What came of a reading; parsing may take seconds, so not on the event loop."""
    response = reading.response
    if response is None:
        fate = fate_of_error(reading.error)
        if isinstance(fate, GiveBack):
            return Read(reading, stopped=True)
        not_before = fate.not_before if isinstance(fate, PutOff) else None
        return Read(reading, error=f"{fate.reason}: {fate.detail}", not_before=not_before)
    known_hash = reading.task.known.body_hash if reading.task.known else None
    if response.status == 304:
        return Read(reading, body_hash=known_hash)
    if response.status != 200:
        not_before = left_alone_until(response, reading.at)
        return Read(reading, error=why_unread(response, f"HTTP {response.status}"), not_before=not_before)
    return _parse(reading, response, known_hash)


def _parse(reading: Reading, response: Response, known_hash: str | None) -> Read:
    body_hash = hashlib.sha256(response.body).hexdigest()
    if body_hash == known_hash:
        return Read(reading, body_hash=body_hash)
    try:
        feed = entries_in(response, reading.task.links, reading.since)
    except FeedError as error:
        return Read(reading, error=why_unread(response, str(error)))
    return Read(reading, feed, body_hash)


def entries_in(response: Response, links: str | None, since: datetime) -> Entries:
    """What an answer lists: a listing page where `links` selects links, else a feed, or a sitemap from `since` on.

    Raises:
        FeedError: it is none.
    """
    content_type = header(response, "Content-Type") or ""
    if links is not None:
        return read_listing(response.body, response.url, links, content_type)
    return read_feed(response.body, response.url, content_type, since=since)
