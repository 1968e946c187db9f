"""Which page is which article, and what was seen of an article's text: aliases and revisions.

An alias, once given, wins over any recomputation. A revision is an observed change: its row is written only where the
text or the state differs from the newest row, so that rows are few and their numbers are 1, 2, 3 …; the same fetch
always gets the number it got, however often it is delivered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import Row, select, update

from govwire.core import urls
from govwire.core.errors import StateError
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import aliases, revisions

# Each turn means that another process has just written a revision of the same article; nobody loses that often.
_TURNS = 8


@dataclass(frozen=True)
class Observation:
    """What one fetch saw of an article."""

    article_id: str
    url_id: str
    fetch_id: str
    fetched_at: datetime
    text_hash: str
    extractor: str
    state: Literal["there", "gone"] = "there"


class Sighting(StrEnum):
    """What an observation is beside those before it."""

    NEW = "new"  # a revision of its own
    KNOWN = "known"  # this very fetch, delivered again
    SAME = "same"  # nothing has changed
    OLDER = "older"  # fetched before the newest revision was
    RE_EXTRACTED = "re_extracted"  # only comparable from now on: another extractor read the newest revision


@dataclass(frozen=True)
class Revision:
    """The revision an observation belongs to, and which URL it was seen under."""

    number: int
    url_id: str
    sighting: Sighting

    @property
    def is_news(self) -> bool:
        """Whether the observation is that revision, rather than one more look at it."""
        return self.sighting in (Sighting.NEW, Sighting.KNOWN)


def assign_articles(transaction: Transaction, proposed: Mapping[str, str]) -> dict[str, str]:
    """The article_id of each url_id: the alias it has, else the proposed one, which becomes its alias."""
    if not proposed:
        return {}
    # In order of keys, as every process does it, so that two of them never wait for each other crosswise.
    rows = [{"url_id": url_id, "article_id": article_id} for url_id, article_id in sorted(proposed.items())]
    transaction.execute(insert_into(transaction, aliases).on_conflict_do_nothing(), rows)
    query = select(aliases.c.url_id, aliases.c.article_id).where(aliases.c.url_id.in_(list(proposed)))
    return {row.url_id: row.article_id for row in transaction.execute(query)}


def article_of(transaction: Transaction, url_id: str) -> str | None:
    """The article that a URL was given, None where no article was found there."""
    return transaction.scalar(select(aliases.c.article_id).where(aliases.c.url_id == url_id))


def article_at(transaction: Transaction, url: str) -> str | None:
    """The article at a URL: as one that was fetched, else as the canonical one; None where none was found there.

    Raises:
        UrlError: it is no web address.
    """
    canonical = urls.article_id(url)
    return article_of(transaction, urls.url_id(url)) or (canonical if urls_of(transaction, canonical) else None)


def urls_of(transaction: Transaction, article_id: str) -> list[str]:
    """The url_ids under which an article was found."""
    return list(transaction.scalars(select(aliases.c.url_id).where(aliases.c.article_id == article_id)))


def fetches_of(transaction: Transaction, article_ids: Iterable[str]) -> dict[tuple[str, int], tuple[str, str]]:
    """Of every revision of these articles, by id and number: the fetch_id and the hash of its text."""
    query = select(revisions).where(revisions.c.article_id.in_(list(article_ids)))
    return {(row.article_id, row.revision): (row.fetch_id, row.text_hash) for row in transaction.execute(query)}


@dataclass(frozen=True)
class Seen:
    """One revision as it was observed."""

    revision: int
    seen_at: datetime
    state: Literal["there", "gone"]
    url_id: str


def revisions_of(transaction: Transaction, article_id: str) -> list[Seen]:
    """Every revision of an article, the first one first."""
    query = select(revisions.c.revision, revisions.c.fetched_at, revisions.c.state, revisions.c.url_id)
    rows = transaction.execute(query.where(revisions.c.article_id == article_id).order_by(revisions.c.revision))
    return [Seen(*row) for row in rows]


def observe(transaction: Transaction, seen: Observation) -> Revision:
    """Write down what a fetch saw, where it is a change.

    Raises:
        StateError: others keep writing revisions of the same article.
    """
    of_fetch = select(revisions).where(revisions.c.article_id == seen.article_id, revisions.c.fetch_id == seen.fetch_id)
    newest_first = (
        select(revisions)
        .where(revisions.c.article_id == seen.article_id)
        .order_by(revisions.c.revision.desc())
        .limit(1)
    )
    for _ in range(_TURNS):
        newest = transaction.execute(newest_first).first()
        known = transaction.execute(of_fetch).first()
        if known is not None:
            return _revision(known, Sighting.KNOWN)
        sighting = _compare(newest, seen) if newest is not None else Sighting.NEW
        if newest is not None and sighting is not Sighting.NEW:
            if sighting is Sighting.RE_EXTRACTED:
                _compare_by(transaction, newest, seen)
            return _revision(newest, sighting)
        number = newest.revision + 1 if newest is not None else 1
        if _insert(transaction, seen, number):
            return Revision(number, seen.url_id, Sighting.NEW)
    raise StateError(f"state: revisions of article {seen.article_id}: others write them all the time; trying again")


def _compare(newest: Row[tuple[object, ...]], seen: Observation) -> Sighting:
    if seen.fetched_at < newest.fetched_at:
        return Sighting.OLDER
    if seen.state != newest.state:
        return Sighting.NEW
    if seen.extractor != newest.extractor:
        return Sighting.RE_EXTRACTED
    return Sighting.SAME if seen.text_hash == newest.text_hash else Sighting.NEW


def _compare_by(transaction: Transaction, newest: Row[tuple[object, ...]], seen: Observation) -> None:
    transaction.execute(
        update(revisions)
        .where(revisions.c.article_id == seen.article_id, revisions.c.revision == newest.revision)
        .values(text_hash=seen.text_hash, extractor=seen.extractor)
    )


def _insert(transaction: Transaction, seen: Observation, number: int) -> bool:
    row = {
        "article_id": seen.article_id,
        "revision": number,
        "fetch_id": seen.fetch_id,
        "url_id": seen.url_id,
        "fetched_at": seen.fetched_at,
        "state": seen.state,
        "text_hash": seen.text_hash,
        "extractor": seen.extractor,
    }
    insert = insert_into(transaction, revisions).values(row).on_conflict_do_nothing()
    return transaction.scalar(insert.returning(revisions.c.revision)) is not None


def _revision(row: Row[tuple[object, ...]], sighting: Sighting) -> Revision:
    return Revision(row.revision, row.url_id, sighting)
