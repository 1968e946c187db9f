"""Rows that age out: what relevance dropped, the MinHash bands of old articles, and what was asked of hosts."""

from datetime import datetime

from sqlalchemy import delete

from govwire.core.state import Transaction
from govwire.core.state.tables import bands, exchanges, irrelevant


def delete_irrelevant(transaction: Transaction, before: datetime) -> int:
    """Forget what relevance dropped before then; the ledger keeps its row."""
    return transaction.execute(delete(irrelevant).where(irrelevant.c.dropped_at < before)).rowcount


def delete_bands(transaction: Transaction, before: datetime) -> int:
    """Forget the bands of articles seen before then: a copy that comes later is a story of its own."""
    return transaction.execute(delete(bands).where(bands.c.seen_at < before)).rowcount


def delete_exchanges(transaction: Transaction, before: datetime) -> int:
    """Forget what was asked of hosts before then."""
    return transaction.execute(delete(exchanges).where(exchanges.c.at < before)).rowcount
