"""Which articles tell the same story: bands in common, and one id for all of them that never changes.

A process announces the bands of its articles, commits, and only then looks up who shares them (`assign_stories`). Of
two copies at the same time, whoever looks later sees the other: looking up before announcing made two stories of
nearly every pair. The rows of shared bands are locked while a story is chosen, so that the choice of one process is
there for the next; what was two stories until an article bridged them stays under an alias.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import bands, stories, story_aliases


@dataclass(frozen=True)
class Teller:
    """An article that tells a story: what it is found by, and since when it has been known."""

    article_id: str
    first_seen_at: datetime
    seen_at: datetime
    bands: tuple[str, ...]  # none: too short to be compared


def announce(transaction: Transaction, tellers: Iterable[Teller]) -> None:
    """Let others find these articles. To be committed before `assign_stories` is called."""
    rows = {
        (band, teller.article_id): {
            "band_hash": band,
            "article_id": teller.article_id,
            "first_seen_at": teller.first_seen_at,
            "seen_at": teller.seen_at,
        }
        for teller in tellers
        for band in teller.bands
    }
    if rows:
        ordered = [rows[key] for key in sorted(rows)]
        transaction.execute(insert_into(transaction, bands).on_conflict_do_nothing(), ordered)


def assign_stories(transaction: Transaction, tellers: Sequence[Teller], in_common: int) -> dict[str, str]:
    """The story_id of each article: the one it has, else that of those with `in_common` bands like its own.

    Among these the leader is the smallest (first_seen_at, article_id), those that already have a story before others.
    """
    neighbours, first_seen_at = _neighbours(transaction, tellers, in_common)
    everybody = {teller.article_id for teller in tellers}.union(*neighbours.values())
    query = select(stories.c.article_id, stories.c.story_id).where(stories.c.article_id.in_(everybody))
    told = {row.article_id: row.story_id for row in transaction.execute(query)}
    for teller in sorted(tellers, key=lambda teller: (teller.first_seen_at, teller.article_id)):
        near = sorted(neighbours[teller.article_id], key=lambda article_id: (first_seen_at[article_id], article_id))
        survivor = _merge(transaction, [told[article_id] for article_id in near if article_id in told])
        if teller.article_id not in told:
            told[teller.article_id] = survivor or story_id(near[0] if near else teller.article_id)
            _insert(transaction, teller, told[teller.article_id])
    return {teller.article_id: told[teller.article_id] for teller in tellers}


def resolve(transaction: Transaction, story_ids: Iterable[str]) -> dict[str, str]:
    """What each story is called today: itself, or the one it became."""
    wanted = set(story_ids)
    query = select(story_aliases.c.story_id, story_aliases.c.became).where(story_aliases.c.story_id.in_(wanted))
    became = {row.story_id: row.became for row in transaction.execute(query)}
    return {name: became.get(name, name) for name in wanted}


def story_id(leader: str) -> str:
    """The id of the story that this article leads."""
    return hashlib.sha256(f"story {leader}".encode()).hexdigest()[:32]


def _neighbours(
    transaction: Transaction, tellers: Sequence[Teller], in_common: int
) -> tuple[Mapping[str, set[str]], Mapping[str, datetime]]:
    """Who tells the same as each article, itself included, and since when everybody has been known."""
    first_seen_at = {teller.article_id: teller.first_seen_at for teller in tellers}
    wanted = {band for teller in tellers for band in teller.bands}
    tells: dict[str, list[str]] = defaultdict(list)
    # Locked in one order for the whole batch: a second process waits here until the first has chosen.
    query = select(bands).where(bands.c.band_hash.in_(wanted)).order_by(bands.c.band_hash, bands.c.article_id)
    for row in transaction.execute(query.with_for_update()) if wanted else ():
        tells[row.band_hash].append(row.article_id)
        first_seen_at[row.article_id] = row.first_seen_at
    near = {}
    for teller in tellers:
        shared = Counter(article_id for band in teller.bands for article_id in tells[band])
        near[teller.article_id] = {article_id for article_id, count in shared.items() if count >= in_common}
    return near, first_seen_at


def _merge(transaction: Transaction, story_ids: Sequence[str]) -> str | None:
    """Make one story of several; the first of them survives, the others become aliases of it."""
    if not story_ids:
        return None
    today = resolve(transaction, story_ids)
    survivor = today[story_ids[0]]
    for other in sorted(set(today.values()) - {survivor}):
        alias = insert_into(transaction, story_aliases).on_conflict_do_nothing()
        transaction.execute(alias, {"story_id": other, "became": survivor})
        transaction.execute(update(story_aliases).where(story_aliases.c.became == other).values(became=survivor))
    return survivor


def _insert(transaction: Transaction, teller: Teller, name: str) -> None:
    row = {"article_id": teller.article_id, "story_id": name, "first_seen_at": teller.first_seen_at}
    transaction.execute(insert_into(transaction, stories).on_conflict_do_nothing(), row)
