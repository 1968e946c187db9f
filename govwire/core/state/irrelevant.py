"""What relevance dropped: id, address, title, the first 500 characters, score and reason, for a while."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import irrelevant

EXCERPT_CHARACTERS = 500


@dataclass(frozen=True)
class Irrelevant:
    """One article that was dropped."""

    article_id: str
    url_id: str
    url: str
    title: str
    excerpt: str
    score: float
    relevance_by: str
    model: str


def keep(transaction: Transaction, dropped: Sequence[Irrelevant], at: datetime) -> None:
    """Write what was dropped; the newest decision on an article stands."""
    if not dropped:
        return
    rows = insert_into(transaction, irrelevant)
    names = [column.name for column in irrelevant.columns if not column.primary_key]
    transaction.execute(
        rows.on_conflict_do_update(index_elements=["article_id"], set_={name: rows.excluded[name] for name in names}),
        [asdict(one) | {"excerpt": one.excerpt[:EXCERPT_CHARACTERS], "dropped_at": at} for one in dropped],
    )


def clear(transaction: Transaction, article_ids: Sequence[str]) -> None:
    """Take out articles that are relevant after all: a later revision, or a later epoch."""
    transaction.execute(delete(irrelevant).where(irrelevant.c.article_id.in_(article_ids)))


def find(transaction: Transaction, article_id: str) -> dict[str, Any] | None:
    """What is kept of an article that was dropped: its row."""
    query = select(irrelevant).where(irrelevant.c.article_id == article_id)
    row = transaction.execute(query).mappings().first()
    return dict(row) if row else None
