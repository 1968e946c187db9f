"""The frontier: one row per URL to fetch, or fetched before, with its due time, lane, lease and attempts.

A row is leased to one process at a time; the lease of a process that died runs out. Whatever happens to a row happens
to the URL's ledger row in the same transaction, so the books always add up.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, update

from govwire.core.flow import CRAWL
from govwire.core.records import Entry, Lane
from govwire.core.state import Transaction, insert_into, ledger
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.state.tables import frontier, hosts
from govwire.core.urls import authority, clean, fetch_id, url_id

NEW, UPDATED, RETRY, ASKED, REVISIT = "new", "updated", "retry", "asked", "revisit"
_LANES = [Lane.LIVE, Lane.BACKFILL]  # in this order
# Of how many URLs that are due those to be leased are chosen: enough to find one of every host, most of the time.
_LOOKED_AT = 500
# How many URLs are looked up by one statement; databases have limits.
_TOGETHER = 500


@dataclass(frozen=True)
class Found:
    """A URL that a feed listed, or that somebody asked for."""

    url: str
    source_id: str
    lane: Lane = Lane.LIVE
    entry: Entry | None = None
    priority: int = 0  # higher is sooner
    why: str = NEW  # NEW; or ASKED, which makes a known URL due again too
    drop: str | None = None  # the named drop of what is known from now on, and not to be fetched
    detail: str | None = None  # of the drop


@dataclass(frozen=True)
class Added:
    """How many URLs of those found were new, and how many known ones became due again."""

    new: int
    again: int
    dropped: Mapping[str, int] = field(default_factory=dict)  # of the new ones, by reason

    def __add__(self, other: Self) -> Self:
        """Both together."""
        dropped = Counter(self.dropped) + Counter(other.dropped)
        return type(self)(self.new + other.new, self.again + other.again, dropped)


@dataclass(frozen=True)
class Leased:
    """A URL that this process, and no other, is to fetch now."""

    url_id: str
    url: str
    host: str
    source_id: str
    lane: Lane
    why: str
    attempts: int  # failed ones in a row
    first_seen_at: datetime
    etag: str | None
    last_modified: str | None
    entry: Entry | None


@dataclass(frozen=True)
class Ended:
    """How a fetch ended: FETCHED (published), or DROPPED by a named rule."""

    leased: Leased
    at: datetime
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    etag: str | None = None  # with last_modified: what the next conditional request needs; "": no condition any more
    last_modified: str | None = None
    look_at: datetime | None = None  # when to look again, should it be an article


@dataclass(frozen=True)
class Postponed:
    """A fetch that failed for now."""

    leased: Leased
    at: datetime
    reason: str
    detail: str | None = None
    not_before: datetime | None = None  # what the site asked for


def add(transaction: Transaction, found: Iterable[Found], now: datetime) -> Added:
    """Take URLs in, however often they are found; a new one is waiting, or dropped, from this transaction on.

    A known URL is due again where somebody asked for it, where its entry says it was updated since it was fetched, or
    where it was dropped unfetched and is now found without that reason.

    Raises:
        UrlError: one of them is no web address.
    """
    wanted = list({url_id(item.url): item for item in found}.items())
    added = Added(0, 0)
    for first in range(0, len(wanted), _TOGETHER):
        added += _add(transaction, dict(wanted[first : first + _TOGETHER]), now)
    return added


def _add(transaction: Transaction, wanted: Mapping[str, Found], now: datetime) -> Added:
    rows = transaction.execute(select(frontier).where(frontier.c.url_id.in_(list(wanted)))).mappings()
    known = {row["url_id"]: dict(row) for row in rows}
    new = {key: item for key, item in sorted(wanted.items()) if key not in known}
    again = {key: wanted[key] for key, row in sorted(known.items()) if _is_due_again(row, wanted[key])}
    if new:
        transaction.execute(
            insert_into(transaction, frontier).on_conflict_do_nothing(),
            [_first_row(key, item, now) for key, item in new.items()],
        )
    for key, item in again.items():
        why = _why_again(item, known[key])
        values: dict[str, Any] = {"due_at": now, "why": why, "attempts": 0, "priority": item.priority}
        if known[key]["fetched_at"] is None:
            values["lane"] = str(item.lane)  # it comes by the lane of the finding that has it fetched
        if item.entry is not None:
            values["entry"] = item.entry.model_dump(mode="json")
        transaction.execute(update(frontier).where(frontier.c.url_id == key).values(values))
    ledger.record(
        transaction,
        [
            *(_standing(key, item, now, None) for key, item in new.items()),
            *(_standing(key, item, now, known[key]) for key, item in again.items()),
        ],
        now,
    )
    return Added(len(new), len(again), Counter(item.drop for item in new.values() if item.drop))


def lease(
    transaction: Transaction,
    owner: str,
    limit: int,
    now: datetime,
    *,
    lease_seconds: float,
    delay_seconds: float,
    lanes: Collection[Lane] = tuple(Lane),
) -> list[Leased]:
    """Lease URLs that are due, at most `limit`: live before backfill, then by priority and due time.

    A host that may not be asked yet is passed over, and of a host with a delay only one URL is out at a time.
    """
    free = or_(frontier.c.lease_until.is_(None), frontier.c.lease_until <= now)
    chosen: dict[str, str] = {}  # url_id: host
    for lane in (each for each in _LANES if each in lanes):
        above: int | None = None  # the priority that was served last
        while len(chosen) < limit:
            due = _due(free, now, delay_seconds, set(chosen.values())).where(frontier.c.lane == str(lane))
            above = transaction.scalar(_next_priority(due, above))
            if above is None:
                break
            rows = transaction.execute(_of_hosts(due.where(frontier.c.priority == above)).limit(limit - len(chosen)))
            chosen |= {row.url_id: row.host for row in rows}
    ids = list(chosen)
    if not ids:
        return []
    given = transaction.execute(
        update(frontier)
        .where(frontier.c.url_id.in_(ids), frontier.c.due_at <= now, free)
        .values(lease_owner=owner, lease_until=now + timedelta(seconds=lease_seconds))
        .returning(*(frontier.c[name] for name in Leased.__dataclass_fields__))
    ).mappings()
    leased = {row["url_id"]: _leased(dict(row)) for row in given}
    return [leased[key] for key in ids if key in leased]


def _next_priority(due: Select[Any], above: int | None) -> Select[Any]:
    """The highest priority, below the one `above`, in which something may be leased.

    History has one for each hour of its age, thousands in all; so they are not gone through one by one.
    """
    query = due.with_only_columns(frontier.c.priority).order_by(frontier.c.priority.desc()).limit(1)
    return query if above is None else query.where(frontier.c.priority < above)


def _due(free: ColumnElement[bool], now: datetime, delay_seconds: float, chosen: Collection[str]) -> Select[Any]:
    """What is due: of hosts that may be asked now, and that have no delay, or no URL out or `chosen` yet."""
    out = select(frontier.c.host).where(frontier.c.lease_until > now)
    delay = func.coalesce(hosts.c.delay_seconds, 0.0) + delay_seconds
    return (
        select(frontier.c.url_id, frontier.c.host, frontier.c.due_at, delay.label("delay"))
        .select_from(frontier.outerjoin(hosts, hosts.c.host == frontier.c.host))
        .where(
            frontier.c.due_at <= now,
            free,
            or_(hosts.c.next_allowed_at.is_(None), hosts.c.next_allowed_at <= now),
            or_(delay == 0, and_(frontier.c.host.not_in(out), frontier.c.host.not_in(list(chosen)))),
        )
    )


def _of_hosts(due: Select[Any]) -> Select[tuple[str, str]]:
    """In turn: of each host that has a delay the first, of others all.

    Only the first are looked at, since there may be hundreds of thousands: a host with very many of them hides others
    until it has its turn, and no longer.
    """
    first = due.order_by(frontier.c.due_at, frontier.c.url_id).limit(_LOOKED_AT).subquery()
    in_turn = (first.c.due_at, first.c.url_id)
    place = func.row_number().over(partition_by=first.c.host, order_by=in_turn).label("place")
    ranked = select(first, place).subquery()
    return (
        select(ranked.c.url_id, ranked.c.host)
        .where(or_(ranked.c.delay == 0, ranked.c.place == 1))
        .order_by(ranked.c.due_at, ranked.c.url_id)
    )


def release(transaction: Transaction, owner: str, url_ids: Collection[str] | None = None) -> int:
    """Give leases back untouched: all of an owner's, or these; returns how many there were."""
    query = update(frontier).where(frontier.c.lease_owner == owner).values(lease_owner=None, lease_until=None)
    if url_ids is not None:
        query = query.where(frontier.c.url_id.in_(list(url_ids)))
    return transaction.execute(query).rowcount


def done(transaction: Transaction, owner: str, ended: Sequence[Ended], now: datetime) -> None:
    """Settle fetches that ended, in frontier and ledger. A lease that was lost meanwhile stays with its new owner."""
    if not ended:
        return
    transaction.execute(
        update(frontier)
        .where(frontier.c.url_id == bindparam("key"), frontier.c.lease_owner == owner)
        .values(
            due_at=None,
            lease_owner=None,
            lease_until=None,
            attempts=0,
            fetched_at=bindparam("at"),
            look_at=bindparam("look"),
            etag=func.coalesce(bindparam("new_etag"), frontier.c.etag),
            last_modified=func.coalesce(bindparam("new_last_modified"), frontier.c.last_modified),
        ),
        [
            {
                "key": item.leased.url_id,
                "at": item.at,
                "look": item.look_at,
                "new_etag": item.etag,
                "new_last_modified": item.last_modified,
            }
            for item in ended
        ],
    )
    ledger.record(transaction, [_outcome(item, item.outcome) for item in ended], now)


def retry(
    transaction: Transaction,
    owner: str,
    postponed: Sequence[Postponed],
    now: datetime,
    *,
    base_seconds: float,
    ceiling_seconds: float,
) -> None:
    """Put fetches off: later after each failure in a row, never later than the ceiling, never before the site said."""
    if not postponed:
        return
    transaction.execute(
        update(frontier)
        .where(frontier.c.url_id == bindparam("key"), frontier.c.lease_owner == owner)
        .values(
            due_at=bindparam("due"),
            # What somebody asked for stays that, or its next try would be a conditional one.
            why=case((frontier.c.why == ASKED, ASKED), else_=RETRY),
            lease_owner=None,
            lease_until=None,
            attempts=frontier.c.attempts + 1,
        ),
        [{"key": item.leased.url_id, "due": _retry_at(item, base_seconds, ceiling_seconds)} for item in postponed],
    )
    ledger.record(transaction, [_outcome(item, Outcome.WAITING) for item in postponed], now)


def pending(transaction: Transaction, now: datetime, within_seconds: float = 0) -> int:
    """How many URLs are due now; leased ones are until they are settled.

    Those of a host that asked to be left alone for longer than `within_seconds` do not count: they wait.
    """
    allowed = or_(hosts.c.next_allowed_at.is_(None), hosts.c.next_allowed_at <= now + timedelta(seconds=within_seconds))
    query = (
        select(func.count())
        .select_from(frontier.outerjoin(hosts, hosts.c.host == frontier.c.host))
        .where(frontier.c.due_at <= now, or_(frontier.c.lease_until > now, allowed))
    )
    return transaction.scalar(query) or 0


def next_visit(transaction: Transaction, url_id: str) -> dict[str, Any] | None:
    """When a URL is due, why, and after how many attempts; None when it is not known, or nothing is planned."""
    query = select(frontier.c.due_at, frontier.c.why, frontier.c.attempts)
    row = (
        transaction.execute(query.where(frontier.c.url_id == url_id, frontier.c.due_at.is_not(None))).mappings().first()
    )
    return dict(row) if row else None


def _retry_at(item: Postponed, base_seconds: float, ceiling_seconds: float) -> datetime:
    # The exponent stops where any ceiling is long passed: 2.0 ** attempts of a dead host overflows after a thousand.
    wait_seconds = min(ceiling_seconds, base_seconds * 2.0 ** min(item.leased.attempts, 32))
    own = item.at + timedelta(seconds=wait_seconds)
    return own if item.not_before is None else max(own, item.not_before)


def _is_due_again(row: Mapping[str, Any], item: Found) -> bool:
    if item.why == ASKED:
        return row["lease_owner"] is None
    if row["due_at"] is not None or item.drop is not None:
        return False
    if row["fetched_at"] is None:
        return True
    updated_at = item.entry.updated_at if item.entry else None
    if updated_at is None or updated_at <= row["fetched_at"]:
        return False
    # A feed that dates its updates into the future makes a URL due once for each date, not at every reading.
    before = Entry.model_validate(row["entry"]).updated_at if row["entry"] else None
    return before is None or updated_at > before


def _why_again(item: Found, row: Mapping[str, Any]) -> str:
    return item.why if item.why == ASKED or row["fetched_at"] is None else UPDATED


def _first_row(key: str, item: Found, now: datetime) -> dict[str, Any]:
    url = clean(item.url)
    return {
        "url_id": key,
        "url": url,
        "host": authority(url),
        "source_id": item.source_id,
        "lane": str(item.lane),
        "priority": item.priority,
        "due_at": None if item.drop else now,
        "why": item.why,
        "attempts": 0,
        "first_seen_at": now,
        "entry": item.entry.model_dump(mode="json") if item.entry else None,
    }


def _leased(row: dict[str, Any]) -> Leased:
    entry = Entry.model_validate(row["entry"]) if row["entry"] else None
    return Leased(**(row | {"lane": Lane(row["lane"]), "entry": entry}))


def _outcome(item: Ended | Postponed, outcome: Outcome) -> Outcomes:
    leased = item.leased
    return Outcomes(
        url_id=leased.url_id,
        url=leased.url,
        source_id=leased.source_id,
        lane=leased.lane,
        fetch_id=fetch_id(leased.url_id, item.at),
        stage=CRAWL.name,
        outcome=outcome,
        reason=item.reason,
        detail=item.detail,
    )


def _standing(key: str, item: Found, now: datetime, row: Mapping[str, Any] | None) -> Outcomes:
    return Outcomes(
        url_id=key,
        url=clean(item.url),
        source_id=item.source_id,
        lane=item.lane,
        # Later than the fetch that ended, so that the books say that it waits again.
        fetch_id=fetch_id(key, now) if row else "",
        stage=CRAWL.name,
        outcome=Outcome.DROPPED if item.drop else Outcome.WAITING,
        reason=item.drop or (_why_again(item, row) if row else item.why),
        detail=item.detail,
    )
