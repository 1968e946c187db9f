"""The pasts of sources: whose sitemaps are still to be asked for what came out before the source was watched.

Each past is asked for once, by one of any number of processes; what a killed one had taken is taken again later.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import pasts


def take(
    transaction: Transaction, source_ids: Collection[str], limit: int, now: datetime, *, lease_seconds: float
) -> list[str]:
    """Take at most so many of these sources whose past nobody asks for; when the lease ends others may take them."""
    known = set(transaction.scalars(select(pasts.c.source_id).where(pasts.c.source_id.in_(list(source_ids)))))
    if new := sorted(set(source_ids) - known):
        rows = [{"source_id": source_id, "due_at": now} for source_id in new]
        transaction.execute(insert_into(transaction, pasts).on_conflict_do_nothing(), rows)
    due = select(pasts.c.source_id, pasts.c.due_at).where(
        pasts.c.source_id.in_(list(source_ids)), pasts.c.due_at <= now
    )
    taken = []
    for source_id, due_at in transaction.execute(due.order_by(pasts.c.source_id).limit(limit)).all():
        swapped = transaction.execute(
            update(pasts)
            .where(pasts.c.source_id == source_id, pasts.c.due_at == due_at)
            .values(due_at=now + timedelta(seconds=lease_seconds))
        )
        if swapped.rowcount:
            taken.append(source_id)
    return taken


def end(transaction: Transaction, source_ids: Collection[str], again_at: datetime | None = None) -> None:
    """The past of these sources was asked for; or will be again, from a time on."""
    transaction.execute(update(pasts).where(pasts.c.source_id.in_(list(source_ids))).values(due_at=again_at))
