"""The log of exchanges: what was asked of each host, and what of its wishes was honoured. For people, and for a while.

One row per request and hop, robots files included, and one per request that a robots file kept from being sent. What
the log says decides nothing: pace, robots and back-off have tables of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select

from govwire.core.state import Transaction
from govwire.core.state.tables import exchanges

Purpose = Literal["page", "feed", "robots"]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request, or the decision not to send it."""

    at: datetime  # when the answer was there, or was given up
    host: str
    source_id: str
    url: str
    purpose: Purpose
    status: int | None = None  # None: no answer, or nothing was sent
    error: str | None = None  # why there is no answer
    bytes: int = 0  # of the answer's body, compressed as it came
    waited_seconds: float = 0.0  # for the host's turn
    honoured: tuple[str, ...] = ()  # as "crawl-delay 10 s", "Retry-After 120", "conditional", "robots: not sent"


def record(transaction: Transaction, done: Sequence[Exchange]) -> None:
    """Write exchanges down."""
    if done:
        transaction.execute(insert(exchanges), [vars(each) for each in done])


def of_source(transaction: Transaction, source_id: str, limit: int) -> list[Exchange]:
    """The newest exchanges that a source caused, newest first, at most `limit`."""
    columns = [exchanges.c[name] for name in Exchange.__dataclass_fields__]
    query = (
        select(*columns)
        .where(exchanges.c.source_id == source_id)
        .order_by(exchanges.c.at.desc(), exchanges.c.exchange_id.desc())
        .limit(limit)
    )
    return [_exchange(dict(row)) for row in transaction.execute(query).mappings()]


def _exchange(row: dict[str, Any]) -> Exchange:
    return Exchange(**row | {"honoured": tuple(row["honoured"])})
