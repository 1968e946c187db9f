"""Samples: drops by our own judgement, drawn at random once a week, for people to check.

A sample keeps its own copy of what is known of the article, so that it outlives what retention deletes meanwhile.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, Select, and_, case, delete, func, or_, select, update

from govwire.core.errors import ConfigError
from govwire.core.records import Entry
from govwire.core.state import Transaction, insert_into
from govwire.core.state.irrelevant import EXCERPT_CHARACTERS
from govwire.core.state.ledger import IRRELEVANT, PREFILTERED, Outcome
from govwire.core.state.tables import corrections, draws, frontier, irrelevant, samples, standing

WEEK = timedelta(days=7)


class Answer(StrEnum):
    """What a person says of a drop."""

    RELEVANT = "relevant"  # it was wrong
    IRRELEVANT = "irrelevant"  # it was right


@dataclass(frozen=True)
class Sample:
    """One drop that was drawn."""

    sample_id: int
    week: str
    reason: str  # the named drop
    dropped_by: str  # the model, or "prefilter"
    url_id: str
    url: str
    source_id: str
    title: str
    excerpt: str
    score: float | None
    dropped_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    correction_id: int | None  # by which it was brought back


@dataclass(frozen=True)
class Counts:
    """Of the samples of one rule: how many were drawn, answered, and found to be relevant."""

    reason: str
    dropped_by: str
    drawn: int
    checked: int
    missed: int


def week_before(now: datetime) -> tuple[str, datetime]:
    """The last whole week: its name (ISO 8601, as 2026-W47) and its first moment; weeks begin on Mondays, UTC."""
    year, number, _ = (now.astimezone(UTC) - WEEK).isocalendar()
    return f"{year}-W{number:02}", datetime.combine(date.fromisocalendar(year, number, 1), time(), UTC)


def draw(transaction: Transaction, size: int, now: datetime) -> int:
    """Draw the samples of the last whole week, unless that was done; how many were drawn.

    Any number of processes may ask: one of them draws. Each rule that dropped something gets an even share of `size`,
    and what one has not enough drops for goes to the other. The week seeds the choice.
    """
    week, begin = week_before(now)
    drawing = insert_into(transaction, draws).values(week=week, drawn_at=now, dropped={})
    if transaction.scalar(drawing.on_conflict_do_nothing().returning(draws.c.week)) is None:
        return 0
    dropped = {
        reason: sorted(str(key) for key in transaction.scalars(query))
        for reason, query in _dropped(begin, begin + WEEK).items()
    }
    rows = []
    for reason, share in _shares({reason: len(ids) for reason, ids in dropped.items()}, size).items():
        chosen = random.Random(f"{week} {reason}").sample(dropped[reason], share)  # noqa: S311 - chance, no secret
        rows += _rows(transaction, reason, chosen)
    if rows:
        transaction.execute(insert_into(transaction, samples), [row | {"week": week} for row in rows])
    counted = {reason: len(ids) for reason, ids in dropped.items()}
    transaction.execute(update(draws).where(draws.c.week == week).values(dropped=counted))
    return len(rows)


def _dropped(begin: datetime, end: datetime) -> dict[str, Select[tuple[str]]]:
    """For each rule, the url_ids of what it dropped in that time and has not let through since."""
    prefiltered = and_(standing.c.outcome == str(Outcome.DROPPED), standing.c.reason == PREFILTERED)
    return {
        IRRELEVANT: select(irrelevant.c.url_id).where(irrelevant.c.dropped_at >= begin, irrelevant.c.dropped_at < end),
        PREFILTERED: select(standing.c.url_id).where(prefiltered, standing.c.at >= begin, standing.c.at < end),
    }


def _shares(dropped: Mapping[str, int], size: int) -> dict[str, int]:
    shares = {}
    left = size
    for place, (reason, count) in enumerate(sorted(dropped.items(), key=lambda item: item[1])):
        shares[reason] = min(count, left // (len(dropped) - place))
        left -= shares[reason]
    return shares


def _rows(transaction: Transaction, reason: str, url_ids: Sequence[str]) -> list[dict[str, Any]]:
    of_each = {IRRELEVANT: _irrelevant, PREFILTERED: _prefiltered}[reason]
    query = of_each().where(standing.c.url_id.in_(url_ids)).order_by(standing.c.url_id)
    return [_row(reason, row) for row in transaction.execute(query).mappings()]


def _irrelevant() -> Select[Any]:
    return select(irrelevant, standing.c.source_id).join(standing, standing.c.url_id == irrelevant.c.url_id)


def _prefiltered() -> Select[Any]:
    columns = (standing.c.url_id, standing.c.url, standing.c.source_id, standing.c.at.label("dropped_at"))
    return select(*columns, frontier.c.entry).outerjoin(frontier, frontier.c.url_id == standing.c.url_id)


def _row(reason: str, row: RowMapping) -> dict[str, Any]:
    entry = Entry.model_validate(row["entry"]) if row.get("entry") else None
    return {
        "reason": reason,
        "dropped_by": row.get("model") or "prefilter",
        "url_id": row["url_id"],
        "url": row["url"],
        "source_id": row["source_id"],
        "title": row.get("title") or (entry.title if entry else None) or "",
        "excerpt": row.get("excerpt") or ((entry.summary if entry else None) or "")[:EXCERPT_CHARACTERS],
        "score": row.get("score"),
        "dropped_at": row["dropped_at"],
    }


def listed(transaction: Transaction, *, is_open: bool) -> list[Sample]:
    """The samples that nobody has answered, or all, oldest first."""
    query = _samples()
    if is_open:
        query = query.where(samples.c.answer.is_(None))
    return [Sample(*row) for row in transaction.execute(query)]


def find(transaction: Transaction, sample_id: int) -> Sample:
    """One sample.

    Raises:
        ConfigError: there is none of that number.
    """
    row = transaction.execute(_samples().where(samples.c.sample_id == sample_id)).first()
    if row is None:
        raise ConfigError(f"sample {sample_id}: not there; 'govwire samples list' shows those that are")
    return Sample(*row)


def _samples() -> Select[Any]:
    return select(*(samples.c[name] for name in Sample.__dataclass_fields__)).order_by(samples.c.sample_id)


def answer(
    transaction: Transaction, sample_id: int, said: Answer, *, by: str, at: datetime, correction_id: int | None = None
) -> None:
    """Write down what a person says of a drop, and the correction that follows from it."""
    values = {"answer": str(said), "answered_by": by, "answered_at": at, "correction_id": correction_id}
    transaction.execute(update(samples).where(samples.c.sample_id == sample_id).values(values))


def counts(transaction: Transaction, since: datetime) -> list[Counts]:
    """What was drawn since then, and what people said of it; one whose correction was withdrawn was dropped rightly."""
    missed = and_(samples.c.answer == str(Answer.RELEVANT), corrections.c.withdrawn_at.is_(None))
    query = (
        select(
            samples.c.reason,
            samples.c.dropped_by,
            func.count(),
            func.count(samples.c.answer),
            func.count(case((missed, 1))),
        )
        .select_from(
            samples.join(draws, draws.c.week == samples.c.week).outerjoin(
                corrections, corrections.c.correction_id == samples.c.correction_id
            )
        )
        .where(draws.c.drawn_at >= since)
        .group_by(samples.c.reason, samples.c.dropped_by)
        .order_by(samples.c.reason, samples.c.dropped_by)
    )
    return [Counts(*row) for row in transaction.execute(query)]


def forget(transaction: Transaction, before: datetime) -> int:
    """Delete the texts of samples drawn before then: unanswered ones whole, of others the answer stays."""
    old = samples.c.week.in_(select(draws.c.week).where(draws.c.drawn_at < before))
    has_text = or_(samples.c.title != "", samples.c.excerpt != "")
    emptied = update(samples).where(old, samples.c.answer.is_not(None), has_text).values(title="", excerpt="")
    gone = transaction.execute(delete(samples).where(old, samples.c.answer.is_(None))).rowcount
    return gone + transaction.execute(emptied).rowcount
