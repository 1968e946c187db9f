"""The outbox: one row per message owed. Match writes it in the transaction of its ledger rows, deliver sends from it.

A row is unique by subscription, story, kind of change and what the change is about: a story is told once, however many
articles tell it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, update

from govwire.core.flow import MATCH
from govwire.core.records import AlertMessage
from govwire.core.state import Transaction, insert_into
from govwire.core.state.ledger import Outcome
from govwire.core.state.tables import deliveries, ledger, outbox, story_aliases, subscriptions


class Status(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  # refused for good, or given up; kept until somebody asks for it again
    SUPPRESSED = "suppressed"  # never to be sent; the reason says why


@dataclass(frozen=True)
class Owed:
    """A message that a subscription is owed; with `suppressed`, the reason for which it is not sent."""

    message: AlertMessage
    about: str = ""  # holder, target and label of a stance change
    suppressed: str | None = None


# Subscription, story, kind of change, and what the change is about.
_Key = tuple[str, str, str, str]


def matched_fetches(transaction: Transaction, url_ids: Collection[str]) -> dict[str, str]:
    """The newest fetch of each URL that match is done with: whatever it was owed was written together with that."""
    query = select(ledger.c.url_id, ledger.c.fetch_id).where(
        ledger.c.stage == MATCH.name, ledger.c.outcome == str(Outcome.MATCHED), ledger.c.url_id.in_(list(url_ids))
    )
    return {row.url_id: row.fetch_id for row in transaction.execute(query)}


def owe(transaction: Transaction, owed: Sequence[Owed], now: datetime) -> set[str]:
    """Write messages; one that is owed already, or was sent, changes nothing. Returns the ids of the new ones.

    Stories go by what they are called today (`stories.resolve`); one that has become part of another counts as told
    where either of them was.
    """
    told = _told_under_earlier_names(transaction, {item.message.story_id for item in owed})
    new = [item for item in owed if _key(item) not in told]
    if not new:
        return set()
    rows = [_row(item, now) for item in sorted(new, key=lambda item: item.message.message_id)]
    query = insert_into(transaction, outbox).on_conflict_do_nothing().returning(outbox.c.message_id)
    return set(transaction.scalars(query, rows))


def _told_under_earlier_names(transaction: Transaction, story_ids: Collection[str]) -> set[_Key]:
    query = (
        select(outbox.c.subscription, story_aliases.c.became, outbox.c.kind, outbox.c.about)
        .join(story_aliases, story_aliases.c.story_id == outbox.c.story_id)
        .where(story_aliases.c.became.in_(list(story_ids)))
    )
    return {(row.subscription, row.became, row.kind, row.about) for row in transaction.execute(query)}


def _key(owed: Owed) -> _Key:
    return owed.message.subscription, owed.message.story_id, owed.message.kind, owed.about


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition that a message may be sent now; of `outbox` joined with `subscriptions`."""
    return and_(outbox.c.status == str(Status.PENDING), outbox.c.next_attempt_at <= now, not_(subscriptions.c.paused))


def retry(transaction: Transaction, message_ids: Collection[str], now: datetime) -> int:
    """Send failed messages again, as if they were owed from now; returns how many there were."""
    query = update(outbox).where(outbox.c.message_id.in_(list(message_ids)), outbox.c.status == str(Status.FAILED))
    renewed = query.values(status=str(Status.PENDING), reason=None, attempts=0, next_attempt_at=now, owed_since=now)
    return transaction.execute(renewed).rowcount


def unannounced(transaction: Transaction, limit: int) -> list[AlertMessage]:
    """Messages that have not been published to the Kafka topic of alerts yet, oldest first."""
    query = select(outbox.c.message).where(_is_unannounced()).order_by(outbox.c.created_at, outbox.c.message_id)
    return [AlertMessage.model_validate(message) for message in transaction.scalars(query.limit(limit))]


def announced(transaction: Transaction, message_ids: Collection[str], now: datetime) -> None:
    """Mark messages as published to the Kafka topic of alerts."""
    query = update(outbox).where(outbox.c.message_id.in_(list(message_ids)))
    transaction.execute(query.values(announced_at=now))


def _is_unannounced() -> ColumnElement[bool]:
    wanted = [str(status) for status in Status if status is not Status.SUPPRESSED]
    return and_(outbox.c.announced_at.is_(None), outbox.c.status.in_(wanted))


def pending(transaction: Transaction) -> dict[str, int]:
    """How many messages there are, by status."""
    query = select(outbox.c.status, func.count().label("messages")).group_by(outbox.c.status)
    return {row.status: row.messages for row in transaction.execute(query)}


def due(transaction: Transaction, now: datetime) -> int:
    """How many messages could be sent or published now; leased ones count until they are settled."""
    query = (
        select(func.count())
        .select_from(outbox.join(subscriptions, subscriptions.c.name == outbox.c.subscription))
        .where(or_(is_due(now), _is_unannounced()))
    )
    return transaction.scalar(query) or 0


def log(
    transaction: Transaction, *, subscription: str | None = None, status: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Messages, newest first, each with its last attempt."""
    query = _told().limit(limit)
    if subscription is not None:
        query = query.where(outbox.c.subscription == subscription)
    if status is not None:
        query = query.where(outbox.c.status == status)
    return [_entry(dict(row)) for row in transaction.execute(query).mappings()]


def of_article(transaction: Transaction, article_id: str) -> list[dict[str, Any]]:
    """The messages that an article gave rise to."""
    query = _told().where(outbox.c.article_id == article_id)
    return [_entry(dict(row)) for row in transaction.execute(query).mappings()]


def _told() -> Select[Any]:
    last = (
        select(deliveries.c.message_id, func.max(deliveries.c.delivery_id).label("delivery_id"))
        .group_by(deliveries.c.message_id)
        .subquery()
    )
    columns = ("created_at", "subscription", "kind", "status", "reason", "attempts", "message_id", "story_id")
    return (
        select(
            *(outbox.c[name] for name in columns),
            outbox.c.article_id,
            outbox.c.message,
            outbox.c.next_attempt_at,
            outbox.c.sent_at,
            deliveries.c.attempted_at,
            deliveries.c.detail,
        )
        .select_from(
            outbox.outerjoin(last, last.c.message_id == outbox.c.message_id).outerjoin(
                deliveries, deliveries.c.delivery_id == last.c.delivery_id
            )
        )
        .order_by(outbox.c.created_at.desc(), outbox.c.message_id)
    )


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    message = row.pop("message")
    return {**row, "title": message["title"], "url": message["url"]}


def _row(owed: Owed, now: datetime) -> dict[str, Any]:
    message = owed.message
    return {
        "message_id": message.message_id,
        "subscription": message.subscription,
        "story_id": message.story_id,
        "kind": message.kind,
        "about": owed.about,
        "article_id": message.article_id,
        "message": message.model_dump(mode="json", by_alias=True),
        "created_at": now,
        "owed_since": now,
        "status": str(Status.SUPPRESSED if owed.suppressed else Status.PENDING),
        "reason": owed.suppressed,
        "attempts": 0,
        "next_attempt_at": None if owed.suppressed else now,
    }
