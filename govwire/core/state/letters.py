"""Which dead letters a person has dealt with, and how; the letters themselves lie on the bus."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import settled_letters


def settled(transaction: Transaction) -> set[str]:
    """The ids of all letters dealt with."""
    return set(transaction.scalars(select(settled_letters.c.dead_letter_id)))


def settle(transaction: Transaction, dead_letter_ids: Sequence[str], fate: str, at: datetime) -> None:
    """Mark letters as dealt with; the first fate stands."""
    if dead_letter_ids:
        rows = [{"dead_letter_id": letter_id, "fate": fate, "settled_at": at} for letter_id in dead_letter_ids]
        transaction.execute(insert_into(transaction, settled_letters).on_conflict_do_nothing(), rows)
