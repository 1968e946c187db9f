"""How far a relabelling came that was cut short: the same one, asked for again under the same epoch, goes on there."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import relabellings


def begin(transaction: Transaction, asked: str, epoch: int, at: datetime) -> tuple[str, str | None, dict[str, int]]:
    """Its id, the index's cursor to go on behind (None: from the start), and what was counted so far.

    Those of older epochs that never ended are forgotten: their articles have newer labels to get.
    """
    transaction.execute(delete(relabellings).where(relabellings.c.epoch < epoch))
    relabelling_id = hashlib.sha256(f"{epoch}\n{asked}".encode()).hexdigest()
    row = {"relabelling_id": relabelling_id, "epoch": epoch, "articles": {}, "begun_at": at}
    transaction.execute(insert_into(transaction, relabellings).values(row).on_conflict_do_nothing())
    query = select(relabellings.c.after, relabellings.c.articles)
    found = transaction.execute(query.where(relabellings.c.relabelling_id == relabelling_id)).one()
    return relabelling_id, found.after, dict(found.articles)


def advance(transaction: Transaction, relabelling_id: str, after: str, articles: Mapping[str, int]) -> None:
    """A page was sent: the next time it goes on behind it."""
    values = {"after": after, "articles": dict(articles)}
    transaction.execute(update(relabellings).where(relabellings.c.relabelling_id == relabelling_id).values(values))


def end(transaction: Transaction, relabelling_id: str) -> None:
    """All was sent: asked for again, it begins at the start."""
    transaction.execute(delete(relabellings).where(relabellings.c.relabelling_id == relabelling_id))
