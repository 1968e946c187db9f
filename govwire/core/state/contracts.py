"""Contracts of sources as they were learned, and the arrivals that they are learned from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from govwire.core.contract import WINDOW, Arrival
from govwire.core.records import Lane
from govwire.core.source import Contract
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import contracts, frontier


@dataclass(frozen=True)
class Learned:
    """What was learned of a source, and from how much."""

    contract: Contract  # empty: too little history yet
    since: datetime | None  # its first arrival of those looked at
    arrivals: int
    learned_at: datetime


def arrivals(transaction: Transaction, source_id: str, now: datetime) -> list[Arrival]:
    """When a source brought new items, as far back as contracts look, in order of time; history does not count."""
    query = (
        select(frontier.c.first_seen_at, func.count())
        .where(
            frontier.c.source_id == source_id,
            frontier.c.first_seen_at >= now - WINDOW,
            frontier.c.lane == str(Lane.LIVE),
        )
        .group_by(frontier.c.first_seen_at)
        .order_by(frontier.c.first_seen_at)
    )
    return [Arrival(*row) for row in transaction.execute(query)]


def brought(transaction: Transaction, source_ids: Collection[str], since: datetime) -> dict[str, int]:
    """How many new items each source brought since then; sources without any are left out."""
    query = (
        select(frontier.c.source_id, func.count())
        .where(
            frontier.c.source_id.in_(list(source_ids)),
            frontier.c.first_seen_at >= since,
            frontier.c.lane == str(Lane.LIVE),
        )
        .group_by(frontier.c.source_id)
    )
    return {row[0]: row[1] for row in transaction.execute(query)}


def keep(transaction: Transaction, learned: Mapping[str, Learned]) -> None:
    """Write down what was learned of sources."""
    if not learned:
        return
    rows = insert_into(transaction, contracts)
    names = [column.name for column in contracts.columns if not column.primary_key]
    transaction.execute(
        rows.on_conflict_do_update(index_elements=["source_id"], set_={name: rows.excluded[name] for name in names}),
        [
            {
                "source_id": source_id,
                "per_day": one.contract.per_day,
                "silence_hours": one.contract.silence_hours,
                "since": one.since,
                "arrivals": one.arrivals,
                "learned_at": one.learned_at,
            }
            for source_id, one in sorted(learned.items())
        ],
    )


def learned(transaction: Transaction) -> dict[str, Learned]:
    """What was learned of every source."""
    return {
        row.source_id: Learned(
            Contract(per_day=row.per_day, silence_hours=row.silence_hours), row.since, row.arrivals, row.learned_at
        )
        for row in transaction.execute(select(contracts))
    }
