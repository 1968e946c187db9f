"""Re-visits: when a page that became an article is looked at again, and where that is worth while.

A fetch plans the next look at its page, at set times after the page was first seen. When the look falls due, it is made
only where the page stands as an article in the index, and less often where a source's pages never change. A page whose
look is planned or due stands in the ledger as it stood: what is indexed is counted as indexed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from govwire.core.state import Transaction
from govwire.core.state.frontier import REVISIT
from govwire.core.state.ledger import IN_FLIGHT, Outcome
from govwire.core.state.tables import frontier, sources, standing

# Below every page that is new.
PRIORITY = -1
# Looks in a row that found nothing new anywhere at a source; from then on its pages get the first and the last only.
# Were one page in ten changed, so long a row without any would come once in eight.
QUIET_AFTER = 20
# A page that is still on its way through the stages is asked about again so much later.
_STILL_ON_ITS_WAY = timedelta(minutes=10)


def next_look(first_seen_at: datetime, after: datetime, hours: Iterable[float]) -> datetime | None:
    """When to look next at a page, out of its times so many hours after it was first seen; None when all have passed.

    Times that passed while nobody could look are made up for by the next.
    """
    times = (first_seen_at + timedelta(hours=each) for each in sorted(hours))
    return next((at for at in times if at > after), None)


def take(
    transaction: Transaction, source_ids: Iterable[str], hours: Sequence[float], now: datetime, limit: int = 500
) -> int:
    """Make due what is to be looked at now of these sources, at most `limit` pages judged; how many became due.

    Any number of processes may ask at the same time: each look is taken by one of them.
    """
    query = (
        select(
            frontier.c.url_id,
            frontier.c.first_seen_at,
            frontier.c.look_at,
            frontier.c.due_at,
            standing.c.outcome,
            func.coalesce(sources.c.looks_unchanged, 0).label("unchanged"),
        )
        .select_from(
            frontier.outerjoin(standing, standing.c.url_id == frontier.c.url_id).outerjoin(
                sources, sources.c.source_id == frontier.c.source_id
            )
        )
        .where(frontier.c.look_at <= now, frontier.c.source_id.in_(list(source_ids)))
        .order_by(frontier.c.look_at, frontier.c.url_id)
        .limit(limit)
    )
    due, planned = [], []
    for row in map(dict, transaction.execute(query).mappings()):
        look = _judge(row, hours, now)
        swap = {"key": row["url_id"], "was": row["look_at"]}
        if look == now:
            due.append(swap)
        else:
            planned.append(swap | {"look": look})
    same_look = and_(frontier.c.url_id == bindparam("key"), frontier.c.look_at == bindparam("was"))
    if planned:
        transaction.execute(update(frontier).where(same_look).values(look_at=bindparam("look")), planned)
    if not due:
        return 0
    becomes = {"look_at": None, "due_at": now, "why": REVISIT, "attempts": 0, "priority": PRIORITY}
    return transaction.execute(update(frontier).where(same_look).values(becomes), due).rowcount


def made(transaction: Transaction, source_ids: Iterable[str]) -> None:
    """Count looks that were answered, each at a page of its source; news at one undoes the count (`found_news`)."""
    _count(transaction, source_ids, sources.c.looks_unchanged + 1)


def found_news(transaction: Transaction, source_ids: Iterable[str]) -> None:
    """An article of each of these sources was changed, is gone, or came back: looking is worth while."""
    _count(transaction, set(source_ids), 0)


def planned(transaction: Transaction, url_id: str) -> datetime | None:
    """When a page is to be looked at again; None where it is not known, is no article, or all looks were made."""
    query = select(frontier.c.look_at).join(standing, standing.c.url_id == frontier.c.url_id)
    return transaction.scalar(query.where(frontier.c.url_id == url_id, standing.c.outcome == str(Outcome.INDEXED)))


def count(transaction: Transaction) -> int:
    """How many pages that stand as indexed are to be looked at again, now or later."""
    waits = or_(frontier.c.look_at.is_not(None), and_(frontier.c.due_at.is_not(None), frontier.c.why == REVISIT))
    query = select(func.count()).select_from(frontier.join(standing, standing.c.url_id == frontier.c.url_id))
    return transaction.scalar(query.where(waits, standing.c.outcome == str(Outcome.INDEXED))) or 0


def _judge(row: Mapping[str, Any], hours: Sequence[float], now: datetime) -> datetime | None:
    """When a page whose look has fallen due is to be looked at: now, later, or (None) not for this look."""
    if row["due_at"] is not None:
        return None  # it is fetched anyway, and that fetch plans the next look
    if row["outcome"] in IN_FLIGHT:
        return now + _STILL_ON_ITS_WAY
    if row["outcome"] != Outcome.INDEXED or not hours:
        return None
    first, last = row["first_seen_at"] + timedelta(hours=min(hours)), timedelta(hours=max(hours))
    if row["unchanged"] < QUIET_AFTER or row["look_at"] <= first or now >= row["first_seen_at"] + last:
        return now
    ends: datetime = row["first_seen_at"] + last
    return ends


def _count(transaction: Transaction, source_ids: Iterable[str], value: Any) -> None:
    # In order, as every process does it, so that two of them never wait for each other crosswise.
    rows = [{"key": source_id} for source_id in sorted(source_ids)]
    if rows:
        query = update(sources).where(sources.c.source_id == bindparam("key")).values(looks_unchanged=value)
        transaction.execute(query, rows)
