"""The ledger: what became of every URL, stage by stage, with a reason where it ended.

known url_ids = waiting + in flight + ended (indexed, dropped, dead). Rows only move forward: an outcome of an older
fetch, or of an earlier stage of the same fetch, changes nothing, so a redelivered record cannot undo what is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import and_, case, func, not_, or_, select

from govwire.core.records import Article, Lane, Page
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import frontier, ledger, standing

# The order of stages on an item's way. match and deliver are told in `why`, but end nothing.
_RANK = {"crawl": 1, "extract": 2, "classify": 3, "index": 4}


class Outcome(StrEnum):
    """How a URL left a stage."""

    WAITING = "waiting"  # to be fetched, or fetched again; the reason says why, the frontier when
    FETCHED = "fetched"
    EXTRACTED = "extracted"
    CLASSIFIED = "classified"
    INDEXED = "indexed"
    DROPPED = "dropped"  # ended by a named rule
    DEAD = "dead"  # ended as a dead letter
    MATCHED = "matched"  # match: how many subscriptions took it


ENDED = (Outcome.INDEXED, Outcome.DROPPED, Outcome.DEAD)
# The named drop of a fetch that found nothing new.
UNCHANGED = "unchanged"
# The named drop of an article that is not about how AI is governed.
IRRELEVANT = "irrelevant"
# The named drop of an entry of a general feed whose title and summary do not name AI.
PREFILTERED = "prefiltered"
# The named drop of what came out long before its feed was first read.
TOO_OLD = "too_old"
IN_FLIGHT = (Outcome.FETCHED, Outcome.EXTRACTED, Outcome.CLASSIFIED)


@dataclass(frozen=True)
class Outcomes:
    """One URL's outcome in one stage."""

    url_id: str
    url: str
    source_id: str
    lane: Lane
    fetch_id: str  # "" before the first fetch; fetch_ids of one URL sort by time
    stage: str
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    article_id: str | None = None

    @classmethod
    def of(
        cls, article: Article, stage: str, outcome: Outcome, *, reason: str | None = None, detail: str | None = None
    ) -> Self:
        """An article's outcome in one stage, kept under the URL that was asked for."""
        return cls(
            url_id=article.url_id,
            url=article.requested_url,
            source_id=article.source.id,
            lane=article.lane,
            fetch_id=article.fetch_id,
            stage=stage,
            outcome=outcome,
            reason=reason,
            detail=detail,
            article_id=article.article_id,
        )

    @classmethod
    def of_page(
        cls,
        page: Page,
        stage: str,
        outcome: Outcome,
        *,
        reason: str | None = None,
        detail: str | None = None,
        article_id: str | None = None,
    ) -> Self:
        """A page's outcome in one stage."""
        return cls(
            url_id=page.url_id,
            url=page.url,
            source_id=page.source.id,
            lane=page.lane,
            fetch_id=page.fetch_id,
            stage=stage,
            outcome=outcome,
            reason=reason,
            detail=detail,
            article_id=article_id,
        )


@dataclass(frozen=True)
class Step:
    """What one stage said of a URL."""

    stage: str
    outcome: str
    reason: str | None
    detail: str | None
    at: datetime


@dataclass(frozen=True)
class Count:
    """How many URLs stand at an outcome, for one reason."""

    outcome: str
    reason: str | None
    urls: int


@dataclass(frozen=True)
class Stands:
    """A URL that ended, or waits, for a reason."""

    url: str
    source_id: str
    outcome: str
    stage: str
    at: datetime
    detail: str | None


def record(transaction: Transaction, outcomes: Sequence[Outcomes], at: datetime) -> None:
    """Write outcomes; those that would move a URL backward are passed over."""
    if not outcomes:
        return
    steps = insert_into(transaction, ledger)
    transaction.execute(
        steps.on_conflict_do_update(
            index_elements=["url_id", "stage"],
            set_={name: steps.excluded[name] for name in ("fetch_id", "outcome", "reason", "detail", "at")},
            where=steps.excluded.fetch_id >= ledger.c.fetch_id,
        ),
        [
            {
                "url_id": item.url_id,
                "stage": item.stage,
                "fetch_id": item.fetch_id,
                "outcome": str(item.outcome),
                "reason": item.reason,
                "detail": item.detail,
                "at": at,
            }
            for item in outcomes
        ],
    )
    moving = [item for item in outcomes if item.stage in _RANK]
    if moving:
        _move(transaction, moving, at)


def _move(transaction: Transaction, outcomes: Sequence[Outcomes], at: datetime) -> None:
    rows = insert_into(transaction, standing)
    new = rows.excluded
    later_fetch = new.fetch_id > standing.c.fetch_id
    same_fetch = and_(new.fetch_id == standing.c.fetch_id, new.stage_rank >= standing.c.stage_rank)
    # The newest fetch found nothing new beside one that is still on its way: how that one ends is how the URL ends.
    overtaken = and_(new.fetch_id < standing.c.fetch_id, func.coalesce(standing.c.reason, "") == UNCHANGED)
    values: dict[str, Any] = {name: new[name] for name in ("fetch_id", "stage", "stage_rank", "at")}
    values["article_id"] = func.coalesce(new.article_id, standing.c.article_id)
    # A fetch that found nothing new leaves the URL as the one before ended: what is indexed stays counted as indexed,
    # also where its page was refused this time or is no article now, for that takes nothing out of the index.
    found_nothing = and_(new.outcome == str(Outcome.DROPPED), new.stage_rank <= _RANK["extract"])
    nothing_new = or_(
        and_(func.coalesce(new.reason, "") == UNCHANGED, standing.c.ended_outcome.is_not(None)),
        and_(found_nothing, func.coalesce(standing.c.ended_outcome, "") == str(Outcome.INDEXED)),
    )
    values["outcome"] = case((nothing_new, standing.c.ended_outcome), else_=new.outcome)
    values["reason"] = case((nothing_new, standing.c.ended_reason), else_=new.reason)
    ended = and_(new.ended_outcome.is_not(None), not_(nothing_new))
    values["ended_outcome"] = case((ended, new.outcome), else_=standing.c.ended_outcome)
    values["ended_reason"] = case((ended, new.reason), else_=standing.c.ended_reason)
    transaction.execute(
        rows.on_conflict_do_update(
            index_elements=["url_id"], set_=values, where=or_(later_fetch, same_fetch, overtaken)
        ),
        [
            {
                "url_id": item.url_id,
                "url": item.url,
                "source_id": item.source_id,
                "lane": str(item.lane),
                "fetch_id": item.fetch_id,
                "stage": item.stage,
                "stage_rank": _RANK[item.stage],
                "outcome": str(item.outcome),
                "reason": item.reason,
                "article_id": item.article_id,
                "ended_outcome": str(item.outcome) if item.outcome in ENDED else None,
                "ended_reason": item.reason if item.outcome in ENDED else None,
                "at": at,
            }
            for item in outcomes
        ],
    )


def steps_of(transaction: Transaction, url_id: str) -> list[Step]:
    """Every stage's outcome for a URL, in the order in which they came."""
    query = select(ledger.c.stage, ledger.c.outcome, ledger.c.reason, ledger.c.detail, ledger.c.at)
    rows = transaction.execute(query.where(ledger.c.url_id == url_id).order_by(ledger.c.at)).all()
    return [Step(*row) for row in rows]


def counts(transaction: Transaction, lane: Lane | None = None) -> list[Count]:
    """How many known URLs stand where."""
    query = select(standing.c.outcome, standing.c.reason, func.count().label("urls"))
    if lane is not None:
        query = query.where(standing.c.lane == str(lane))
    rows = transaction.execute(query.group_by(standing.c.outcome, standing.c.reason)).all()
    return sorted((Count(*row) for row in rows), key=lambda count: (count.outcome, count.reason or ""))


def of_reason(transaction: Transaction, reason: str, *, limit: int, offset: int) -> list[Stands]:
    """The URLs that stand for a reason, the newest first: at most `limit`, after the first `offset`."""
    columns = (standing.c.url, standing.c.source_id, standing.c.outcome, standing.c.stage, standing.c.at)
    query = (
        select(*columns, ledger.c.detail)
        .outerjoin(ledger, and_(ledger.c.url_id == standing.c.url_id, ledger.c.stage == standing.c.stage))
        # With every outcome named, the index of both finds them.
        .where(standing.c.outcome.in_([str(outcome) for outcome in Outcome]), standing.c.reason == reason)
        .order_by(standing.c.at.desc(), standing.c.url_id)
    )
    return [Stands(*row) for row in transaction.execute(query.limit(limit).offset(offset))]


def stage_counts(transaction: Transaction) -> list[tuple[str, str, int]]:
    """How many URLs have passed each stage with which outcome (newest fetch): (stage, outcome, urls)."""
    query = select(ledger.c.stage, ledger.c.outcome, func.count()).group_by(ledger.c.stage, ledger.c.outcome)
    return sorted((row[0], row[1], row[2]) for row in transaction.execute(query))


def unaccounted(transaction: Transaction) -> list[str]:
    """URLs of the frontier that the ledger does not know: always empty, or the books do not add up."""
    query = (
        select(frontier.c.url)
        .outerjoin(standing, frontier.c.url_id == standing.c.url_id)
        .where(standing.c.url_id.is_(None))
    )
    return list(transaction.scalars(query))


def standing_of(transaction: Transaction, url_ids: Iterable[str]) -> dict[str, Any]:
    """Where URLs stand: url_id to the row of `standing` as a mapping."""
    query = select(standing).where(standing.c.url_id.in_(list(url_ids)))
    return {row["url_id"]: dict(row) for row in transaction.execute(query).mappings()}
