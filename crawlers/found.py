"""What a reading of a feed, sitemap or listing page found, into the books: entries, how the reading went, what is next.

An entry that is not worth a fetch is known all the same, as a named drop, so that `govwire why` answers for it.
"""

from datetime import datetime, timedelta

import structlog

from crawlers.fates import HTML_TYPES
from crawlers.headers import header
from crawlers.history import Beginning, age_hours
from crawlers.readers import Entries, Listed, Sitemap
from crawlers.readings import Read
from crawlers.room import FeedTask, Room, utc_now
from govwire.core.flow import CRAWL
from govwire.core.metrics import DROPS, FETCHES
from govwire.core.records import Entry, Lane
from govwire.core.state import Transaction, frontier, schedule, sources
from govwire.core.state.frontier import Found
from govwire.core.state.ledger import PREFILTERED, TOO_OLD
from govwire.core.state.sources import FeedRow
from govwire.core.terms import ANY_LANGUAGE, Relevance
from govwire.core.urls import registrable_domain

log = structlog.get_logger(__name__)

# So many sitemaps of an index are read at one slot: at a usual pace a minute's requests to one host.
MOST_SITEMAPS = 10
# An index may name indexes, although the protocol does not allow it; deeper lies nothing but loops.
DEEPEST = 2
# Dates of sitemaps may be days without a time, in any zone.
A_DAY = timedelta(days=1)


def record_read(transaction: Transaction, room: Room, done: Read) -> list[FeedTask]:
    """Record a reading, and take in what it found; returns the sitemaps that an index leads to, to be read next."""
    task, now = done.reading.task, utc_now()
    if done.stopped:
        schedule.give_back(transaction, [task.source_id], now)
        return []
    if done.error is not None:
        _failed(transaction, room, done, now)
        return []
    entries = done.feed or Entries()
    first_read_at = (task.known.first_read_at if task.known else None) or now
    beginning = Beginning.of(first_read_at, room.settings)
    added = frontier.add(transaction, [_found(room, task, each, beginning, now) for each in entries.listed], now)
    followed = _sitemaps(transaction, room, task, entries.sitemaps, done.reading.since) if entries.sitemaps else []
    response, known = done.reading.response, task.known
    assert response is not None
    # An index is read whole every time: sitemaps change that it gives no date for.
    conditional = not entries.sitemaps
    sources.feed_read(
        transaction,
        task.url,
        task.source_id,
        now,
        kind=task.kind,
        index_url=task.index_url,
        etag=(header(response, "ETag") or (known.etag if known else None)) if conditional else None,
        last_modified=(header(response, "Last-Modified") or (known.last_modified if known else None))
        if conditional
        else None,
        body_hash=done.body_hash if conditional else None,
        new_items=added.new,
        shown=done.shown,
    )
    log.info(
        "feed_read",
        source_id=task.source_id,
        kind=task.kind,
        feed_url=task.url,
        listed=len(entries.listed),
        new=added.new,
        updated=added.again,
        dropped=dict(added.dropped),
        skipped=dict(entries.skipped),
        sitemaps=len(followed),
    )
    FETCHES.labels(task.kind, "read" if done.feed else "unchanged").inc()
    for reason, count in added.dropped.items():
        DROPS.labels(CRAWL.name, reason).inc(count)
    return followed


def _failed(transaction: Transaction, room: Room, done: Read, now: datetime) -> None:
    task, error = done.reading.task, done.error or ""
    sources.feed_failed(
        transaction,
        task.url,
        task.source_id,
        now,
        error,
        kind=task.kind,
        index_url=task.index_url,
        rhythm=room.rhythms.get(task.source_id),
        not_before=done.not_before,
    )
    room.failed_feeds[task.url] = error
    log.warning("feed_failed", source_id=task.source_id, kind=task.kind, feed_url=task.url, error=error)
    FETCHES.labels(task.kind, "failed").inc()


def _found(room: Room, task: FeedTask, listed: Listed, beginning: Beginning, now: datetime) -> Found:
    drop, detail = None, None
    source = room.sources.get(task.source_id)
    # Who asks for a feed gets what it lists.
    lane = beginning.lane(listed.entry) if source is not None else Lane.LIVE
    media_type = listed.media_type.partition(";")[0].strip().lower()
    if media_type and media_type not in HTML_TYPES:
        drop, detail = "not_html", media_type
    elif source is not None and source.prefilter and not _names_ai(room.relevance, listed.entry, source.language):
        drop, detail = PREFILTERED, listed.entry.title
    elif lane is None:
        drop, detail = TOO_OLD, f"before {beginning.history_at:%Y-%m-%d}, where the history of its feed begins"
    return Found(
        url=listed.url,
        source_id=task.source_id,
        lane=lane or Lane.BACKFILL,
        entry=listed.entry,
        priority=0 if lane is Lane.LIVE else -age_hours(listed.entry, now),
        drop=drop,
        detail=detail,
    )


def _names_ai(relevance: Relevance, entry: Entry, language: str) -> bool:
    """Whether an entry's title or summary has a term of AI, in its language or in any; one without both may."""
    text = f"{entry.title or ''}\n{entry.summary or ''}".strip()
    own = (entry.language or language).partition("-")[0].lower()
    return not text or any(relevance.names_ai(text, each) for each in (own, ANY_LANGUAGE))


def _sitemaps(
    transaction: Transaction, room: Room, task: FeedTask, sitemaps: tuple[Sitemap, ...], since: datetime
) -> list[FeedTask]:
    known = {row.url: row for row in sources.feed_rows(transaction, [task.source_id])}
    sources.forget_sitemaps(transaction, task.url, {each.url for each in sitemaps})
    if task.depth >= DEEPEST:
        return []
    site = registrable_domain(task.url)
    worth = [
        each
        for each in sitemaps
        if registrable_domain(each.url) == site and _may_have_news(each, known.get(each.url), since)
    ]
    out = {each.url for each in room.feeds_out()}
    return [
        FeedTask(
            each.url, task.source_id, known.get(each.url), kind="sitemap", index_url=task.url, depth=task.depth + 1
        )
        for each in sorted(worth, key=lambda each: _rank(each, known.get(each.url)))
        if each.url not in out
    ][:MOST_SITEMAPS]


def _may_have_news(sitemap: Sitemap, known: FeedRow | None, since: datetime) -> bool:
    """Whether it may list something that is not known yet; by its date in the index, where it has one."""
    if known is not None and known.not_before is not None and known.not_before > utc_now():
        return False
    if sitemap.changed_at is None:
        return True
    read_at = known.succeeded_at if known else None
    return sitemap.changed_at + A_DAY >= (since if read_at is None else max(since, read_at))


def _rank(sitemap: Sitemap, known: FeedRow | None) -> tuple[float, float, float]:
    """Those changed last first; without a date those that brought something last, then those not read for longest."""

    def later_first(at: datetime | None) -> float:
        return -at.timestamp() if at else 0.0

    brought, checked = (known.new_item_at, known.checked_at) if known else (None, None)
    return later_first(sitemap.changed_at), later_first(brought), -later_first(checked)
