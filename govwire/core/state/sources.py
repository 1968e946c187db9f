"""The feeds, sitemaps and listing pages of sources: what was read of each, how it went, which are passed over."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from govwire.core.source import WayKind
from govwire.core.state import Transaction, insert_into, schedule
from govwire.core.state.tables import feeds, sources
from govwire.core.timetable import Rhythm


@dataclass(frozen=True)
class FeedRow:
    """What is known of a feed from its earlier readings."""

    url: str
    source_id: str
    kind: str  # source.WayKind
    index_url: str | None  # the sitemap index that led to it
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    checked_at: datetime | None
    succeeded_at: datetime | None
    first_read_at: datetime | None
    new_item_at: datetime | None
    failures: int  # in a row
    not_before: datetime | None  # slots before it are passed over
    error: str | None
    failing_since: datetime | None = None  # the first of them
    listed: int | None = None  # entries, when it was read whole last; None: never, or an index of other lists
    oldest_at: datetime | None = None  # of what it listed then, as far as it gives dates
    newest_at: datetime | None = None


@dataclass(frozen=True)
class Shown:
    """What a feed listed: how many entries, and from when to when."""

    listed: int
    oldest_at: datetime | None
    newest_at: datetime | None


def feed_rows(transaction: Transaction, source_ids: Iterable[str] | None = None) -> list[FeedRow]:
    """The feeds read so far, of these sources or of all."""
    query = select(*(feeds.c[name] for name in FeedRow.__dataclass_fields__)).order_by(feeds.c.source_id, feeds.c.url)
    if source_ids is not None:
        query = query.where(feeds.c.source_id.in_(list(source_ids)))
    return [FeedRow(*row) for row in transaction.execute(query)]


def feed_read(
    transaction: Transaction,
    url: str,
    source_id: str,
    at: datetime,
    *,
    kind: WayKind = "feed",
    index_url: str | None = None,
    etag: str | None,
    last_modified: str | None,
    body_hash: str | None,
    new_items: int,
    shown: Shown | None = None,
) -> None:
    """A feed was read, or said that nothing changed: its failures are over, and what it brought moves the interval."""
    values: dict[str, Any] = {
        "source_id": source_id,
        "kind": kind,
        "index_url": index_url,
        "checked_at": at,
        "succeeded_at": at,
        "etag": etag,
        "last_modified": last_modified,
        "body_hash": body_hash,
        "failures": 0,
        "not_before": None,
        "error": None,
        "failing_since": None,
    }
    if shown is not None:
        values |= vars(shown)
    if new_items:
        values["new_item_at"] = at
    row = insert_into(transaction, feeds).values(url=url, first_read_at=at, **values)
    first_read_at = func.coalesce(feeds.c.first_read_at, at)
    transaction.execute(
        row.on_conflict_do_update(index_elements=["url"], set_={**values, "first_read_at": first_read_at})
    )
    schedule.found(transaction, source_id, new_items)


def feed_failed(
    transaction: Transaction,
    url: str,
    source_id: str,
    at: datetime,
    error: str,
    *,
    kind: WayKind = "feed",
    index_url: str | None = None,
    rhythm: Rhythm | None = None,
    not_before: datetime | None = None,
) -> None:
    """A feed could not be read: it is passed over for longer the oftener it fails, and never given up.

    `rhythm` is its source's, which says how long; `not_before` is when its site said to come back. What was known of
    the feed stays.
    """
    failures = 1 + (transaction.scalar(select(feeds.c.failures).where(feeds.c.url == url)) or 0)
    seconds = transaction.scalar(select(sources.c.interval_seconds).where(sources.c.source_id == source_id))
    in_force = None if seconds is None else timedelta(seconds=seconds)
    own = at if rhythm is None else at + rhythm.back_off(in_force, failures)
    values: dict[str, Any] = {
        "source_id": source_id,
        "kind": kind,
        "index_url": index_url,
        "checked_at": at,
        "failures": failures,
        "not_before": own if not_before is None else max(own, not_before),
        "error": error,
    }
    row = insert_into(transaction, feeds).values(url=url, failing_since=at, **values)
    values["failing_since"] = func.coalesce(feeds.c.failing_since, row.excluded.failing_since)
    transaction.execute(row.on_conflict_do_update(index_elements=["url"], set_=values))


def forget_sitemaps(transaction: Transaction, index_url: str, listed: Collection[str]) -> None:
    """Forget sitemaps to which an index led and does not any more: nobody will read them, or mend their failures."""
    led_to = transaction.scalars(select(feeds.c.url).where(feeds.c.index_url == index_url))
    for url in sorted(set(led_to) - set(listed)):
        transaction.execute(delete(feeds).where(feeds.c.url == url))
