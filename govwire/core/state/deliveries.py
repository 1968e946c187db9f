"""Deliveries: how messages leave the outbox, attempt by attempt.

A message is taken by a lease that runs out with its process, so that several may deliver and a dead one's messages are
sent by another. A crash between sending and marking repeats a message, under the same id.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, update

from govwire.core.records import AlertMessage
from govwire.core.state import Transaction, insert_into
from govwire.core.state.outbox import Status, is_due
from govwire.core.state.tables import deliveries, outbox, subscriptions


class Attempt(StrEnum):
    """How one attempt at sending ended."""

    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"


REFUSED, GAVE_UP = "refused", "gave_up"


@dataclass(frozen=True)
class Taken:
    """A message that this process, and no other, is to send now."""

    message: AlertMessage
    channel: str
    attempts: int  # failed ones
    owed_since: datetime


def take(transaction: Transaction, owner: str, limit: int, now: datetime, lease_seconds: float) -> list[Taken]:
    """Lease messages that are due, at most `limit`, and of each channel one at a time, those tried least first."""
    ids = list(transaction.scalars(_sendable(now).limit(limit)))
    if not ids:
        return []
    taken = transaction.scalars(
        update(outbox)
        .where(outbox.c.message_id.in_(ids), outbox.c.status == str(Status.PENDING), _is_free(now))
        .values(lease_owner=owner, lease_until=now + timedelta(seconds=lease_seconds))
        .returning(outbox.c.message_id)
    ).all()
    query = (
        select(outbox.c.message, subscriptions.c.channel, outbox.c.attempts, outbox.c.owed_since)
        .join(subscriptions, subscriptions.c.name == outbox.c.subscription)
        .where(outbox.c.message_id.in_(taken))
        .order_by(outbox.c.created_at, outbox.c.message_id)
    )
    return [
        Taken(AlertMessage.model_validate(message), channel, attempts, owed_since)
        for message, channel, attempts, owed_since in transaction.execute(query)
    ]


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now)


def _sendable(now: datetime) -> Select[tuple[str]]:
    joined = outbox.join(subscriptions, subscriptions.c.name == outbox.c.subscription)
    busy = (
        select(subscriptions.c.channel)
        .select_from(joined)
        .where(outbox.c.status == str(Status.PENDING), not_(_is_free(now)))
    )
    # What failed least goes first, so that one message a channel cannot take does not hold up the others.
    in_turn = (outbox.c.attempts, outbox.c.created_at, outbox.c.message_id)
    ranked = (
        select(
            *in_turn,
            func.row_number().over(partition_by=subscriptions.c.channel, order_by=in_turn).label("place"),
        )
        .select_from(joined)
        .where(is_due(now), subscriptions.c.channel.not_in(busy))
        .subquery()
    )
    return (
        select(ranked.c.message_id)
        .where(ranked.c.place == 1)
        .order_by(ranked.c.attempts, ranked.c.created_at, ranked.c.message_id)
    )


def renew(transaction: Transaction, owner: str, now: datetime, lease_seconds: float) -> None:
    """Keep what this process is sending."""
    transaction.execute(
        update(outbox)
        .where(outbox.c.lease_owner == owner, outbox.c.status == str(Status.PENDING))
        .values(lease_until=now + timedelta(seconds=lease_seconds))
    )


def sent(transaction: Transaction, taken: Taken, now: datetime) -> None:
    """Mark a message as sent, also where its lease was lost meanwhile: it did go out."""
    _record(transaction, taken, now, Attempt.SENT, None)
    transaction.execute(
        update(outbox)
        .where(outbox.c.message_id == taken.message.message_id)
        .values(
            status=str(Status.SENT),
            reason=None,
            sent_at=now,
            attempts=outbox.c.attempts + 1,
            lease_owner=None,
            lease_until=None,
        )
    )


def failed(transaction: Transaction, taken: Taken, owner: str, now: datetime, *, reason: str, detail: str) -> None:
    """Mark a message as failed for good: REFUSED, or GAVE_UP. It is kept, and `retry` brings it back."""
    _record(transaction, taken, now, Attempt.REFUSED if reason == REFUSED else Attempt.FAILED, detail)
    transaction.execute(
        update(outbox)
        .where(_is_held(taken, owner))
        .values(
            status=str(Status.FAILED),
            reason=reason,
            attempts=outbox.c.attempts + 1,
            lease_owner=None,
            lease_until=None,
        )
    )


def postponed(
    transaction: Transaction,
    taken: Taken,
    owner: str,
    now: datetime,
    detail: str,
    *,
    base_seconds: float,
    ceiling_seconds: float,
) -> datetime:
    """Put a message off that failed for now: later after each failure; returns when it is due again.

    Its channel's other messages wait as well, by how often the channel has failed in a row: a dead one is not asked
    once for each of them.
    """
    _record(transaction, taken, now, Attempt.FAILED, detail)
    channel_at = now + _wait(_failures_in_a_row(transaction, taken.channel), base_seconds, ceiling_seconds)
    own_at = max(channel_at, now + _wait(taken.attempts + 1, base_seconds, ceiling_seconds))
    transaction.execute(
        update(outbox)
        .where(_is_held(taken, owner))
        .values(next_attempt_at=own_at, attempts=outbox.c.attempts + 1, lease_owner=None, lease_until=None)
    )
    transaction.execute(
        update(outbox)
        .where(
            outbox.c.subscription.in_(_subscriptions_of(taken.channel)),
            outbox.c.status == str(Status.PENDING),
            outbox.c.next_attempt_at < channel_at,
        )
        .values(next_attempt_at=channel_at)
    )
    return own_at


def _is_held(taken: Taken, owner: str) -> ColumnElement[bool]:
    # A lease that was lost meanwhile stays with its new owner.
    return and_(
        outbox.c.message_id == taken.message.message_id,
        outbox.c.lease_owner == owner,
        outbox.c.status == str(Status.PENDING),
    )


def _record(transaction: Transaction, taken: Taken, at: datetime, outcome: Attempt, detail: str | None) -> None:
    row = {"message_id": taken.message.message_id, "attempted_at": at, "outcome": str(outcome), "detail": detail}
    transaction.execute(insert_into(transaction, deliveries), row)


def _subscriptions_of(channel: str) -> Select[tuple[str]]:
    return select(subscriptions.c.name).where(subscriptions.c.channel == channel)


def _failures_in_a_row(transaction: Transaction, channel: str) -> int:
    own = outbox.c.subscription.in_(_subscriptions_of(channel))
    last_sent = select(func.max(outbox.c.sent_at)).where(own).scalar_subquery()
    query = (
        select(func.count())
        .select_from(deliveries.join(outbox, outbox.c.message_id == deliveries.c.message_id))
        .where(
            own,
            deliveries.c.outcome == str(Attempt.FAILED),
            or_(last_sent.is_(None), deliveries.c.attempted_at > last_sent),
        )
    )
    return transaction.scalar(query) or 1


def _wait(failures: int, base_seconds: float, ceiling_seconds: float) -> timedelta:
    # The exponent stops where any ceiling is long passed: 2.0 ** failures of a dead channel overflows after a thousand.
    return timedelta(seconds=min(ceiling_seconds, base_seconds * 2.0 ** min(failures - 1, 32)))
