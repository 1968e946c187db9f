"""Subscriptions: who wants what, and where it goes."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import deliveries, outbox, subscriptions


@dataclass(frozen=True)
class Subscription:
    """A query, and the channel that is told of each story that matches it."""

    name: str
    query: str
    channel: str = field(repr=False)  # an Apprise URL, perhaps with secrets in it; `${NAME}` is read when sent
    created_at: datetime
    paused: bool = False


def add(transaction: Transaction, subscription: Subscription) -> bool:
    """Add one; false where the name is taken."""
    row = insert_into(transaction, subscriptions).values(vars(subscription)).on_conflict_do_nothing()
    return transaction.scalar(row.returning(subscriptions.c.name)) is not None


def every(transaction: Transaction) -> list[Subscription]:
    """All of them, paused ones too, by name."""
    rows = transaction.execute(select(subscriptions).order_by(subscriptions.c.name)).mappings()
    return [Subscription(**row) for row in rows]


def set_paused(transaction: Transaction, name: str, *, paused: bool) -> bool:
    """Pause one, or let it go on; false where there is none of that name."""
    query = update(subscriptions).where(subscriptions.c.name == name).values(paused=paused)
    return bool(transaction.execute(query).rowcount)


def remove(transaction: Transaction, name: str) -> bool:
    """Remove one with all its messages; false where there is none of that name."""
    messages = select(outbox.c.message_id).where(outbox.c.subscription == name)
    transaction.execute(delete(deliveries).where(deliveries.c.message_id.in_(messages)))
    return bool(transaction.execute(delete(subscriptions).where(subscriptions.c.name == name)).rowcount)
