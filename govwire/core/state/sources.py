"""Sources and their feeds: when each is due, and how its reading went."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import feeds, sources
from govwire.core.timetable import next_slot, slots_between


@dataclass(frozen=True)
class Due:
    """A slot of a source that this process has taken and nobody else will."""

    source_id: str
    slot_at: datetime
    missed: int  # slots before it that nobody fired


@dataclass(frozen=True)
class FeedRow:
    """What is known of a feed from its earlier readings."""

    url: str
    source_id: str
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    checked_at: datetime | None
    succeeded_at: datetime | None
    new_item_at: datetime | None
    failures: int  # in a row
    error: str | None


def take_due(transaction: Transaction, every: Mapping[str, timedelta], now: datetime) -> list[Due]:
    """Take the sources that are due, out of those given with their intervals; an unknown one is due at once.

    Any number of processes may ask at the same time: each slot is given to one of them. Slots that passed while nobody
    asked are counted as missed, and fire once together.
    """
    _know(transaction, every, now)
    rows = transaction.execute(
        select(sources.c.source_id, sources.c.next_due_at)
        .where(sources.c.source_id.in_(list(every)), sources.c.next_due_at <= now)
        .order_by(sources.c.source_id)
    ).all()
    taken = []
    for source_id, slot_at in rows:
        following = next_slot(slot_at, every[source_id], now)
        missed = slots_between(slot_at, following, every[source_id])
        swapped = transaction.execute(
            update(sources)
            .where(sources.c.source_id == source_id, sources.c.next_due_at == slot_at)
            .values(
                next_due_at=following,
                last_due_at=slot_at,
                slots_fired=sources.c.slots_fired + 1,
                slots_missed=sources.c.slots_missed + missed,
            )
        )
        if swapped.rowcount:
            taken.append(Due(source_id, slot_at, missed))
    return taken


def take_now(transaction: Transaction, every: Mapping[str, timedelta], now: datetime) -> list[Due]:
    """Take these sources whether due or not; their next slot is one interval from now."""
    _know(transaction, every, now)
    for source_id, interval in sorted(every.items()):
        transaction.execute(
            update(sources)
            .where(sources.c.source_id == source_id)
            .values(next_due_at=now + interval, last_due_at=now, slots_fired=sources.c.slots_fired + 1)
        )
    return [Due(source_id, now, 0) for source_id in sorted(every)]


def give_back(transaction: Transaction, source_id: str, now: datetime) -> None:
    """Make a source due again whose slot was taken and not used, because its process ended."""
    transaction.execute(update(sources).where(sources.c.source_id == source_id).values(next_due_at=now))


def _know(transaction: Transaction, source_ids: Iterable[str], now: datetime) -> None:
    rows = [{"source_id": source_id, "next_due_at": now} for source_id in sorted(source_ids)]
    if rows:
        transaction.execute(insert_into(transaction, sources).on_conflict_do_nothing(), rows)


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
    etag: str | None,
    last_modified: str | None,
    body_hash: str | None,
    new_items: int,
) -> None:
    """A feed was read, or said that nothing changed: its failures are over."""
    values: dict[str, Any] = {
        "source_id": source_id,
        "checked_at": at,
        "succeeded_at": at,
        "etag": etag,
        "last_modified": last_modified,
        "body_hash": body_hash,
        "failures": 0,
        "error": None,
    }
    if new_items:
        values["new_item_at"] = at
    row = insert_into(transaction, feeds).values(url=url, **values)
    transaction.execute(row.on_conflict_do_update(index_elements=["url"], set_=values))


def feed_failed(transaction: Transaction, url: str, source_id: str, at: datetime, error: str) -> None:
    """A feed could not be read; what was known of it stays."""
    values = {"source_id": source_id, "checked_at": at, "error": error}
    row = insert_into(transaction, feeds).values(url=url, failures=1, **values)
    transaction.execute(
        row.on_conflict_do_update(index_elements=["url"], set_={**values, "failures": feeds.c.failures + 1})
    )
