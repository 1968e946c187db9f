"""Notices: what an operator is told of. Opened once, closed by itself when the trouble is over, never repeated.

A source has one open notice at most; any number of processes may settle at the same time. Telling is another matter:
a notice is told at its opening and its closing, at least once each, where somebody wants to be told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from govwire.core.contract import Finding
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import notices

# In the place of a source's id: the trouble of all together.
ALL = "*"


@dataclass(frozen=True)
class Notice:
    """One trouble, from its opening to its closing."""

    notice_id: int
    source_id: str  # or ALL
    kind: str  # contract.Trouble
    since: datetime  # when the trouble began; the notice came later
    detail: str
    opened_at: datetime
    closed_at: datetime | None

    def __str__(self) -> str:
        of = "all sources" if self.source_id == ALL else self.source_id
        return f"{of}: {self.kind} since {self.since:%Y-%m-%d %H:%M}: {self.detail}"


_COLUMNS = tuple(notices.c[name] for name in Notice.__dataclass_fields__)


@dataclass(frozen=True)
class Settled:
    """What a look changed: the notices that were opened, and those that were closed."""

    opened: list[Notice]
    closed: list[Notice]


def settle(transaction: Transaction, findings: Mapping[str, Finding], now: datetime) -> Settled:
    """Open a notice for each finding that has none, and close those whose trouble is over, or is another by now.

    While nothing at all can be read, nothing is known of any source: what is open stays open.
    """
    known = {notice.source_id: notice for notice in unclosed(transaction)}
    over = [
        notice
        for source_id, notice in sorted(known.items())
        if (findings[source_id].trouble != notice.kind if source_id in findings else ALL not in findings)
    ]
    closed = _close(transaction, [notice.notice_id for notice in over], now)
    for notice in known.values():
        finding = findings.get(notice.source_id)
        if finding is not None and finding.trouble == notice.kind and finding.detail != notice.detail:
            same = update(notices).where(notices.c.notice_id == notice.notice_id)
            transaction.execute(same.values(detail=finding.detail))
    kept = known.keys() - {notice.source_id for notice in over}
    return Settled(_open(transaction, {key: findings[key] for key in findings.keys() - kept}, now), closed)


def _open(transaction: Transaction, findings: Mapping[str, Finding], now: datetime) -> list[Notice]:
    opened = []
    for source_id, finding in sorted(findings.items()):
        row = {
            "source_id": source_id,
            "kind": str(finding.trouble),
            "since": finding.since,
            "detail": finding.detail,
            "opened_at": now,
            "attempts": 0,
            "next_attempt_at": now,
        }
        # Another process may have opened it since.
        insert = insert_into(transaction, notices).values(row).on_conflict_do_nothing()
        opened += [Notice(*found) for found in transaction.execute(insert.returning(*_COLUMNS))]
    return opened


def _close(transaction: Transaction, notice_ids: Sequence[int], now: datetime) -> list[Notice]:
    if not notice_ids:
        return []
    query = update(notices).where(notices.c.notice_id.in_(notice_ids), notices.c.closed_at.is_(None))
    over = query.values(closed_at=now, attempts=0, next_attempt_at=now).returning(*_COLUMNS)
    return sorted((Notice(*row) for row in transaction.execute(over)), key=lambda notice: notice.notice_id)


def unclosed(transaction: Transaction) -> list[Notice]:
    """The open notices, oldest first."""
    query = select(*_COLUMNS).where(notices.c.closed_at.is_(None)).order_by(notices.c.notice_id)
    return [Notice(*row) for row in transaction.execute(query)]


def take_untold(transaction: Transaction, now: datetime, lease: timedelta, give_up_after: timedelta) -> list[Notice]:
    """Take what the operator has not been told of yet; nobody else gets it until the lease is over.

    A notice that was closed before anybody was told of it is told of no more; nor is a closing of long ago.
    """
    opening = and_(notices.c.closed_at.is_(None), notices.c.opening_told_at.is_(None))
    closing = and_(
        notices.c.closed_at > now - give_up_after,
        notices.c.opening_told_at.is_not(None),
        notices.c.closing_told_at.is_(None),
    )
    query = update(notices).where(or_(opening, closing), notices.c.next_attempt_at <= now)
    taken = query.values(next_attempt_at=now + lease, attempts=notices.c.attempts + 1).returning(*_COLUMNS)
    return sorted((Notice(*row) for row in transaction.execute(taken)), key=lambda notice: notice.notice_id)


def told(transaction: Transaction, taken: Collection[Notice], now: datetime) -> None:
    """Mark these as told; one that was closed meanwhile is still to be told of as that."""
    openings = [notice.notice_id for notice in taken if notice.closed_at is None]
    closings = [notice.notice_id for notice in taken if notice.closed_at is not None]
    for notice_ids, name in ((openings, "opening_told_at"), (closings, "closing_told_at")):
        if notice_ids:
            values: dict[str, Any] = {name: now, "attempts": 0, "next_attempt_at": now}
            transaction.execute(update(notices).where(notices.c.notice_id.in_(notice_ids)).values(values))


def put_off(transaction: Transaction, taken: Iterable[Notice], now: datetime, base: timedelta, most: timedelta) -> None:
    """Tell of these later: later after each failure."""
    for notice in taken:
        of_it = notices.c.notice_id == notice.notice_id
        attempts = transaction.scalar(select(notices.c.attempts).where(of_it)) or 1
        wait = min(most, base * 2 ** min(attempts - 1, 32))
        transaction.execute(update(notices).where(of_it).values(next_attempt_at=now + wait))
