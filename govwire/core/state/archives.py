"""Archives: how far the bringing in of each came, and what the frontier knows of the pages that came out of them.

The same file, asked for the same way again, goes on where it stopped. A file that has changed meanwhile is another one,
and begins at its start: what it brings again is known by its fetches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from govwire.core.records import Page
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import archives, frontier
from govwire.core.urls import authority

# Why the frontier knows a URL that it never had to fetch.
ARCHIVE = "archive"


@dataclass(frozen=True)
class Progress:
    """How far an archive came: so many of its items are settled; `counts` says how."""

    passed: int
    counts: Mapping[str, int]
    ended: bool


def begin(transaction: Transaction, archive_id: str, path: str, now: datetime) -> Progress:
    """Where to go on."""
    row = {"archive_id": archive_id, "path": path, "passed": 0, "counts": {}, "begun_at": now}
    transaction.execute(insert_into(transaction, archives).values(row).on_conflict_do_nothing())
    query = select(archives.c.passed, archives.c.counts, archives.c.ended_at)
    found = transaction.execute(query.where(archives.c.archive_id == archive_id)).one()
    return Progress(found.passed, dict(found.counts), ended=found.ended_at is not None)


def advance(transaction: Transaction, archive_id: str, passed: int, counts: Mapping[str, int]) -> None:
    """So many of its items are settled now."""
    values = {"passed": passed, "counts": dict(counts)}
    transaction.execute(update(archives).where(archives.c.archive_id == archive_id).values(values))


def end(transaction: Transaction, archive_id: str, now: datetime) -> None:
    """It was read to its end: asked for again, there is nothing to do."""
    transaction.execute(update(archives).where(archives.c.archive_id == archive_id).values(ended_at=now))


def forget(transaction: Transaction, archive_id: str) -> None:
    """Asked for again, it begins at its start."""
    transaction.execute(delete(archives).where(archives.c.archive_id == archive_id))


def know(transaction: Transaction, pages: Iterable[Page]) -> None:
    """Let the frontier know of pages, so that a feed that lists them later makes no second fetch due.

    What is due stays due, and what was fetched by us stays as it is.
    """
    rows = {page.url_id: _row(page) for page in pages}
    if not rows:
        return
    insert = insert_into(transaction, frontier)
    transaction.execute(
        insert.on_conflict_do_update(
            index_elements=["url_id"],
            set_={"fetched_at": insert.excluded.fetched_at},
            where=frontier.c.fetched_at.is_(None),
        ),
        [rows[url_id] for url_id in sorted(rows)],
    )


def first_seen(transaction: Transaction, url_ids: Iterable[str]) -> dict[str, datetime]:
    """Since when the frontier knows URLs, those that it knows."""
    query = select(frontier.c.url_id, frontier.c.first_seen_at).where(frontier.c.url_id.in_(list(url_ids)))
    return {row.url_id: row.first_seen_at for row in transaction.execute(query)}


def _row(page: Page) -> dict[str, object]:
    return {
        "url_id": page.url_id,
        "url": page.url,
        "host": authority(page.url),
        "source_id": page.source.id,
        "lane": str(page.lane),
        "priority": 0,
        "due_at": None,
        "why": ARCHIVE,
        "attempts": 0,
        "first_seen_at": page.first_seen_at,
        "fetched_at": page.fetched_at,
    }
