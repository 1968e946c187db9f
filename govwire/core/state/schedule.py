"""The schedule of sources: which are due, taken so that each slot fires once, and how their readings move the interval.

Any number of processes may take at the same time: a row that one of them looks at is locked and passed over by the
others, and what one has taken it holds until its turn is over. What is held beyond its lease, as after a kill, is given
out again, outside the slots; so is what somebody asked for, and what an ending process gives back. None of that moves a
slot or counts one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, union_all, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import sources
from govwire.core.timetable import MOMENT, Every, Rhythm

Rhythms = Mapping[str, Rhythm]

# How often a crawl process looks what is due; intervals are minutes.
LOOK_EVERY = timedelta(seconds=2)
# Sources that are new together begin so far apart, and all of them within one interval: a thousand in eight minutes.
APART = timedelta(seconds=0.5)
# Clocks of machines that share a state differ by less.
CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Due:
    """A source that this process is to read now, and nobody else."""

    source_id: str
    slot_at: datetime | None  # None: outside its slots
    missed: int = 0  # slots since that nobody fired


@dataclass(frozen=True)
class Standing:
    """How a source stands in the schedule."""

    source_id: str
    next_due_at: datetime
    asked_at: datetime | None
    held_until: datetime | None
    interval_seconds: float | None  # in force
    slots_fired: int
    slots_missed: int
    fired_at: datetime | None
    read_at: datetime | None
    new_items: int | None

    @property
    def in_force(self) -> timedelta | None:
        """The interval in force; None where there is none yet, or a cron."""
        return None if self.interval_seconds is None else timedelta(seconds=self.interval_seconds)

    def is_held(self, now: datetime) -> bool:
        """Whether somebody is reading it."""
        return self.held_until is not None and self.held_until > now

    def is_wanted(self, now: datetime) -> bool:
        """Whether it is to be read now, slot or not: asked for, or left unread by whoever held it."""
        return any(at is not None and at <= now for at in (self.asked_at, self.held_until))


_COLUMNS = tuple(sources.c[name] for name in Standing.__dataclass_fields__)


def standing(transaction: Transaction) -> dict[str, Standing]:
    """How every source stands that was ever watched, by id."""
    return {row[0]: Standing(*row) for row in transaction.execute(select(*_COLUMNS).order_by(sources.c.source_id))}


def enrol(transaction: Transaction, rhythms: Rhythms, now: datetime) -> None:
    """Give a first slot to sources that are new, or whose config was changed so that the planned one is none any more.

    It comes soon, for one source after another. A cron keeps to its own slots; such a source is soon read once beside.
    """
    known = standing(transaction)
    new = sorted(rhythms.keys() - known.keys())
    moved = sorted(key for key, row in known.items() if key in rhythms and _is_misplaced(row, rhythms[key], now))
    rows: list[dict[str, Any]] = []
    for place, source_id in enumerate([*moved, *new]):
        rhythm = rhythms[source_id]
        soon = now + place * min(APART, rhythm.shortest / (len(moved) + len(new)))
        rows.append(
            {
                "source_id": source_id,
                "next_due_at": rhythm.cron.after(now) if rhythm.cron else soon,
                "asked_at": soon if rhythm.cron else None,
            }
        )
    for row in rows[: len(moved)]:
        planned = known[row["source_id"]].next_due_at
        same = (sources.c.source_id == row["source_id"], sources.c.next_due_at == planned)
        transaction.execute(update(sources).where(*same).values(row))
    if new:
        transaction.execute(insert_into(transaction, sources).on_conflict_do_nothing(), rows[len(moved) :])


def _is_misplaced(row: Standing, rhythm: Rhythm, now: datetime) -> bool:
    """Whether a slot that is still to come lies where the rhythm has none, or later than its next."""
    at, later = row.next_due_at, now + CLOCKS_DIFFER
    if at <= later:
        return False
    if rhythm.cron is not None:
        return rhythm.cron.after(at - MOMENT) != at or rhythm.cron.after(later) < at
    return at > later + rhythm.interval(row.in_force)


def take_due(
    transaction: Transaction, rhythms: Rhythms, now: datetime, *, limit: int, lease_seconds: float
) -> list[Due]:
    """Take sources that are due and free, at most `limit`: those asked for or left unread first, then by slot.

    Each slot is given to one process. Slots that passed while nobody asked count as missed, and fire once together.
    """
    # As one condition SQLite would read every row; as three it goes by their indexes.
    times = (sources.c.next_due_at, sources.c.asked_at, sources.c.held_until)
    due = sources.c.source_id.in_(union_all(*(select(sources.c.source_id).where(at <= now) for at in times)))
    free = or_(sources.c.held_until.is_(None), sources.c.held_until <= now)
    rows = [row for row in _locked(transaction, and_(due, free), skip=True) if row.source_id in rhythms]
    rows.sort(key=lambda row: (not row.is_wanted(now), row.next_due_at, row.source_id))
    return _take(transaction, rhythms, rows[: max(0, limit)], now, lease_seconds)


def take_now(transaction: Transaction, rhythms: Rhythms, now: datetime, *, lease_seconds: float) -> list[Due]:
    """Take these sources whether due or not; the slots to come stay where they are."""
    rows = [row for row in _locked(transaction, sources.c.source_id.in_(rhythms)) if row.source_id in rhythms]
    return _take(transaction, rhythms, rows, now, lease_seconds)


def _locked(transaction: Transaction, which: ColumnElement[bool], *, skip: bool = False) -> list[Standing]:
    """Rows that nobody else may change in this transaction (SQLite's has begun IMMEDIATE: there all of them)."""
    query = select(*_COLUMNS).where(which).order_by(sources.c.source_id).with_for_update(skip_locked=skip)
    return [Standing(*row) for row in transaction.execute(query)]


def _take(
    transaction: Transaction, rhythms: Rhythms, rows: Sequence[Standing], now: datetime, lease_seconds: float
) -> list[Due]:
    taken, values = [], []
    for row in rows:
        fires = row.next_due_at <= now
        following, missed = row.next_due_at, 0
        if fires:
            slots = rhythms[row.source_id].slots(row.next_due_at, row.in_force)
            following = slots.after(now)
            missed = slots.between(row.next_due_at, following)
        taken.append(Due(row.source_id, row.next_due_at if fires else None, missed))
        values.append(
            {
                "key": row.source_id,
                "following": following,
                "fired": now if fires else row.fired_at,
                "plus_fired": int(fires),
                "plus_missed": missed,
            }
        )
    if values:
        transaction.execute(
            update(sources)
            .where(sources.c.source_id == bindparam("key"))
            .values(
                next_due_at=bindparam("following"),
                fired_at=bindparam("fired"),
                slots_fired=sources.c.slots_fired + bindparam("plus_fired"),
                slots_missed=sources.c.slots_missed + bindparam("plus_missed"),
                asked_at=None,
                held_until=now + timedelta(seconds=lease_seconds),
            ),
            values,
        )
    return taken


def keep(transaction: Transaction, source_ids: Collection[str], now: datetime, *, lease_seconds: float) -> None:
    """Go on holding what this process has taken, where half of the lease or more is over.

    Feeds of one host wait for its pace for longer than a lease, and would be given out again.
    """
    lease = timedelta(seconds=lease_seconds)
    old = and_(sources.c.source_id.in_(sorted(source_ids)), sources.c.held_until <= now + lease / 2)
    transaction.execute(update(sources).where(old).values(held_until=now + lease))


def ask(transaction: Transaction, source_ids: Collection[str], now: datetime) -> None:
    """Let sources be read once outside their slots, by whichever process looks next; after a reading under way."""
    transaction.execute(update(sources).where(sources.c.source_id.in_(sorted(source_ids))).values(asked_at=now))


def give_back(transaction: Transaction, source_ids: Collection[str], now: datetime) -> None:
    """Let others read what this process has taken and will not read."""
    mine = sources.c.source_id.in_(sorted(source_ids))
    transaction.execute(update(sources).where(mine).values(asked_at=now, held_until=None))


def found(transaction: Transaction, source_id: str, new_items: int) -> None:
    """One of a source's ways in was read, and brought so many new items."""
    transaction.execute(
        update(sources)
        .where(sources.c.source_id == source_id)
        .values(new_items=func.coalesce(sources.c.new_items, 0) + new_items)
    )


def turn_over(transaction: Transaction, rhythms: Rhythms, source_ids: Collection[str], now: datetime) -> None:
    """Whoever took these sources is done with them. What a slot's reading found moves the interval, and the next slot.

    What was found outside the slots counts at the next slot; where nothing could be read, nothing moves.
    """
    rows = _locked(transaction, sources.c.source_id.in_(sorted(source_ids))) if source_ids else []
    values = [_after_turn(row, rhythms[row.source_id], now) for row in rows if row.source_id in rhythms]
    if values:
        transaction.execute(
            update(sources)
            .where(sources.c.source_id == bindparam("key"))
            .values(
                next_due_at=bindparam("following"),
                interval_seconds=bindparam("in_force"),
                read_at=bindparam("read"),
                new_items=bindparam("found"),
                held_until=None,
            ),
            values,
        )


def _after_turn(row: Standing, rhythm: Rhythm, now: datetime) -> dict[str, Any]:
    values = {
        "key": row.source_id,
        "following": row.next_due_at,
        "in_force": row.interval_seconds,
        "read": row.read_at,
        "found": row.new_items,
    }
    if row.new_items is None or row.fired_at is None or (row.read_at is not None and row.fired_at <= row.read_at):
        return values
    values |= {"read": now, "found": None, "in_force": None}
    if rhythm.cron is None:
        before = rhythm.interval(row.in_force)
        after = rhythm.moved(before, now - row.read_at if row.read_at else before, row.new_items)
        values["in_force"] = after.total_seconds()
        if after != before and row.next_due_at > now:
            # The slot before the next one stays; one that is due already fires first.
            values["following"] = Every(row.next_due_at - before, after).after(now)
    return values
