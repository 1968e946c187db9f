"""Which articles tell the same story: bands in common, and one id for all of them that never changes.

A process announces the bands of its articles, commits, and only then looks up who shares them (`assign_stories`). Of
two copies at the same time, whoever looks later sees the other: looking up before announcing made two stories of
nearly every pair. The rows of shared bands are locked while a story is chosen, so that the choice of one process is
there for the next; what was two stories until an article bridged them stays under an alias.

What a site prints under each of its texts (about us, how to appeal, next week's column) is form and tells nothing: a
band that two stories of one site have in common counts for nobody, and of one site only texts nearly alike are copies.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    site: str  # where it stands: the registrable domain


def announce(transaction: Transaction, tellers: Iterable[Teller]) -> None:
    """Let others find these articles. To be committed before `assign_stories` is called."""
    rows = {
        (band, teller.article_id): {
            "band_hash": band,
            "article_id": teller.article_id,
            "site": teller.site,
            "first_seen_at": teller.first_seen_at,
            "seen_at": teller.seen_at,
        }
        for teller in tellers
        for band in teller.bands
    }
    if rows:
        ordered = [rows[key] for key in sorted(rows)]
        transaction.execute(insert_into(transaction, bands).on_conflict_do_nothing(), ordered)


def assign_stories(
    transaction: Transaction, tellers: Sequence[Teller], in_common: int, on_one_site: int
) -> dict[str, str]:
    """The story_id of each article: the one it has, else that of those with enough bands like its own.

    Enough are `in_common` bands that are not form, or of articles on one site `on_one_site` of all. Among these the
    leader is the smallest (first_seen_at, article_id), those that already have a story before others.
    """
    holders, first_seen_at = _holders(transaction, tellers)
    everybody = {teller.article_id for teller in tellers}.union(*holders.values())
    query = select(stories.c.article_id, stories.c.story_id).where(stories.c.article_id.in_(everybody))
    told = {row.article_id: row.story_id for row in transaction.execute(query)}
    for teller in sorted(tellers, key=lambda teller: (teller.first_seen_at, teller.article_id)):
        like_it = _like(teller, holders, told, in_common, on_one_site)
        near = sorted(like_it, key=lambda article_id: (first_seen_at[article_id], article_id))
        survivor = _merge(transaction, [told[article_id] for article_id in near if article_id in told])
        if teller.article_id not in told:
            told[teller.article_id] = survivor or story_id(near[0])
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


def _holders(
    transaction: Transaction, tellers: Sequence[Teller]
) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, datetime]]:
    """Who has each band of these articles, with his site; and since when everybody has been known."""
    first_seen_at = {teller.article_id: teller.first_seen_at for teller in tellers}
    wanted = {band for teller in tellers for band in teller.bands}
    holders: dict[str, dict[str, str]] = defaultdict(dict)
    # Locked in one order for the whole batch: a second process waits here until the first has chosen.
    query = select(bands).where(bands.c.band_hash.in_(wanted)).order_by(bands.c.band_hash, bands.c.article_id)
    for row in transaction.execute(query.with_for_update()) if wanted else ():
        holders[row.band_hash][row.article_id] = row.site
        first_seen_at[row.article_id] = row.first_seen_at
    return holders, first_seen_at


def _like(
    teller: Teller,
    holders: Mapping[str, Mapping[str, str]],
    told: Mapping[str, str],
    in_common: int,
    on_one_site: int,
) -> set[str]:
    """Who tells the same as this article, itself included."""
    at_home = Counter(
        article_id for band in teller.bands for article_id, site in holders[band].items() if site == teller.site
    )
    twins = {teller.article_id} | {article_id for article_id, count in at_home.items() if count >= on_one_site}
    elsewhere = Counter(
        article_id
        for band in teller.bands
        if not _is_form(holders[band], twins, told)
        for article_id, site in holders[band].items()
        if site != teller.site
    )
    return twins | {article_id for article_id, count in elsewhere.items() if count >= in_common}


def _is_form(who: Mapping[str, str], twins: Collection[str], told: Mapping[str, str]) -> bool:
    """Whether one site has this band in two stories; `twins` are copies of each other on their site.

    Of articles that have no story yet, nobody knows whether they tell one or two.
    """
    stories_of: dict[str, set[str]] = defaultdict(set)
    for article_id, site in who.items():
        if article_id in twins or article_id in told:
            stories_of[site].add("" if article_id in twins else told[article_id])
    return any(len(names) > 1 for names in stories_of.values())


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
