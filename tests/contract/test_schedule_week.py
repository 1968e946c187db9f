"""A week of a thousand sources, with two schedulers that are killed and started again: no slot is lost or doubled.

Time is passed in. What should have happened is computed here by plain arithmetic, and by looking at every minute of the
week for crons; the schedule only says what it fired and what it counted as missed.
"""

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from govwire.core.state import State, open_state, schedule
from govwire.core.state.schedule import Due, Standing
from govwire.core.state.tables import sources
from govwire.core.timetable import Cron, Rhythm
from state_databases import NOW, empty_database

MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)
# How often somebody looks; and how long a killed process holds what it took.
LOOK, LEASE_SECONDS = 15 * MINUTE, 300
INTERVALS = [minutes * MINUTE for minutes in (45, 60, 90, 120, 180, 240, 360, 720, 1440, 1000)]
CRONS: dict[str, Callable[[datetime], bool]] = {
    "0 * * * *": lambda at: at.minute == 0,
    "*/30 8-20 * * *": lambda at: at.minute in {0, 30} and 8 <= at.hour <= 20,
    "15 6 * * mon-fri": lambda at: (at.minute, at.hour) == (15, 6) and at.weekday() < 5,
    "0 7,19 * * *": lambda at: at.minute == 0 and at.hour in {7, 19},
    "5 0 * * sun": lambda at: (at.minute, at.hour) == (5, 0) and at.weekday() == 6,
    "30 12 1,28 * *": lambda at: (at.minute, at.hour) == (30, 12) and at.day in {1, 28},
}


class KilledError(Exception):
    """The process died inside a transaction."""


@dataclass
class Week:
    """Two schedulers over one state, and what was seen of them."""

    url: str
    rhythms: dict[str, Rhythm]
    random: random.Random
    schedulers: list[State] = field(default_factory=list)
    fired: dict[str, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))
    promised: dict[str, tuple[datetime, timedelta | None]] = field(default_factory=dict)
    unread: list[tuple[datetime, str]] = field(default_factory=list)  # taken, and read later
    looked_at: datetime = NOW - MINUTE
    free_from: dict[str, datetime] = field(default_factory=dict)  # until when each was held
    kills: int = 0

    def start(self, number: int, now: datetime) -> None:
        """A scheduler starts, or starts again."""
        if number < len(self.schedulers):
            self.schedulers[number].close()
            self.schedulers[number] = open_state(self.url)
        else:
            self.schedulers.append(open_state(self.url))
        with self.schedulers[number].begin() as transaction:
            schedule.enrol(transaction, self.rhythms, now)

    def look(self, number: int, now: datetime) -> None:
        """A scheduler takes what is due; it may be killed before it commits or after, or end in good order."""
        fate = self.random.random()
        with contextlib.suppress(KilledError), self.schedulers[number].begin() as transaction:
            taken = schedule.take_due(
                transaction, self.rhythms, now, limit=len(self.rhythms), lease_seconds=LEASE_SECONDS
            )
            if fate < 0.01:
                self.kills += 1
                raise KilledError
        if fate >= 0.01:
            self._note(number, taken, now)
            if fate < 0.02:
                self.kills += 1
            elif fate < 0.03:
                self.free_from |= {due.source_id: now for due in taken}
                with self.schedulers[number].begin() as transaction:
                    schedule.give_back(transaction, [due.source_id for due in taken], now)
            else:
                self.unread += [(now + self.random.choice([0, 0, 1, 7]) * MINUTE, due.source_id) for due in taken]
        if fate < 0.03:
            self.start(number, now)

    def _note(self, number: int, taken: list[Due], now: datetime) -> None:
        before = {due.source_id: self.promised[due.source_id] for due in taken}
        self._look_up(number, list(before))
        for due in taken:
            slot_at, interval = before[due.source_id]
            if due.slot_at is None:
                assert self.promised[due.source_id] == (slot_at, interval), "a reading beside the slots moved one"
                continue
            assert due.slot_at == slot_at, f"{due}: another slot was promised"
            free_from = self.free_from.get(due.source_id, NOW)
            assert max(due.slot_at, free_from) > self.looked_at, f"{due}: it was not taken by the first who looked"
            if interval is not None:
                missed = (now - slot_at) // interval
                assert due.missed == missed
                assert abs(self.promised[due.source_id][0] - (slot_at + (missed + 1) * interval)) < timedelta(seconds=1)
            self.fired[due.source_id].append((due.slot_at, due.missed))
        self.free_from |= {due.source_id: now + timedelta(seconds=LEASE_SECONDS) for due in taken}
        self.looked_at = now

    def read(self, number: int, now: datetime) -> None:
        """Readings end; some found much, some nothing, some failed."""
        over = [source_id for at, source_id in self.unread if at <= now]
        self.unread = [(at, source_id) for at, source_id in self.unread if at > now]
        with self.schedulers[number].begin() as transaction:
            for source_id in over:
                if self.random.random() > 0.1:
                    schedule.found(transaction, source_id, self.random.choice([0, 0, 0, 1, 2, 20]))
            schedule.turn_over(transaction, self.rhythms, over, now)
        self.free_from |= dict.fromkeys(over, now)
        before = {source_id: self.promised[source_id] for source_id in over}
        self._look_up(number, over)
        for source_id, (slot_at, _) in before.items():
            following, interval = self.promised[source_id]
            assert slot_at == following or (slot_at > now and now < following <= now + (interval or WEEK))

    def ask(self, number: int, now: datetime) -> None:
        """Somebody wants sources to be read now."""
        with self.schedulers[number].begin() as transaction:
            schedule.ask(transaction, self.random.sample(list(self.rhythms), 5), now)

    def _look_up(self, number: int, source_ids: list[str]) -> None:
        columns = (sources.c.source_id, sources.c.next_due_at, sources.c.interval_seconds)
        with self.schedulers[number].begin() as transaction:
            for source_id, due_at, seconds in transaction.execute(
                select(*columns).where(sources.c.source_id.in_(source_ids))
            ):
                rhythm = self.rhythms[source_id]
                in_force = None if seconds is None else timedelta(seconds=seconds)
                self.promised[source_id] = (due_at, None if rhythm.cron else rhythm.interval(in_force))

    def standing(self) -> dict[str, Standing]:
        """How every source stands."""
        with self.schedulers[0].begin() as transaction:
            return schedule.standing(transaction)

    def run(self) -> None:
        """The week, with gaps in which nobody runs; a few looks more, and what was held at its end is read."""
        gaps = [NOW + self.random.random() * WEEK for _ in range(6)]
        awake_from = [(at, at + self.random.choice([1, 3, 9]) * HOUR) for at in gaps]
        for number in range(2):
            self.start(number, NOW)
        self._look_up(0, list(self.rhythms))
        now = NOW
        while now <= NOW + WEEK:
            if not any(begin <= now < end for begin, end in awake_from):
                for number in self.random.choice([[0], [1], [0, 1], [1, 0]]):
                    self.look(number, now + self.random.random() * MINUTE)
                self.read(self.random.randrange(2), now + 2 * MINUTE)
                if self.random.random() < 0.05:
                    self.ask(self.random.randrange(2), now + 3 * MINUTE)
            now += LOOK
        for number in (0, 1, 0, 1):
            self.look(number, now)
            self.read(1, now + 10 * MINUTE)
            now += LOOK


@pytest.fixture(scope="module", params=[("sqlite", 1000), ("postgresql", 300)], ids=["sqlite", "postgresql"])
def week(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """The week as it went."""
    request.param, count = request.param
    url = empty_database(request, tmp_path_factory.mktemp("week"))
    seeded = random.Random(5)
    lived = Week(url, {f"s{number:04}": _rhythm(seeded) for number in range(count)}, seeded)
    lived.run()
    yield lived
    for state in lived.schedulers:
        state.close()


def _rhythm(seeded: random.Random) -> Rhythm:
    shortest = seeded.choice(INTERVALS)
    kind = seeded.random()
    if kind < 0.2:
        return Rhythm(shortest, shortest, Cron(seeded.choice(list(CRONS))))
    return Rhythm(shortest, shortest * (8 if kind < 0.4 else 1))


def _slots(rhythm: Rhythm, first: datetime, end: datetime) -> list[datetime]:
    """Every slot of a rhythm that does not move, from its first on."""
    if rhythm.cron is not None:
        comes_true, minutes = CRONS[rhythm.cron.expression], range(int((end - first) / MINUTE) + 1)
        return [at for minute in minutes if comes_true(at := first + minute * MINUTE)]
    return [first + number * rhythm.shortest for number in range((end - first) // rhythm.shortest + 1)]


def test_every_slot_is_fired_once_or_counted_as_missed_once(week: Week) -> None:
    standing = week.standing()
    for source_id, rhythm in week.rhythms.items():
        fired, row = week.fired[source_id], standing[source_id]
        counted = [slot for slot, _ in fired]
        assert (row.slots_fired, row.slots_missed) == (len(fired), sum(missed for _, missed in fired))
        assert all(one < other for one, other in pairwise(counted))
        if fired and rhythm.shortest == rhythm.longest:
            slots = _slots(rhythm, counted[0], week.looked_at)
            assert set(counted) <= set(slots)
            assert len(slots) == row.slots_fired + row.slots_missed
            for (slot, missed), following in zip(fired, [*counted[1:], row.next_due_at], strict=True):
                assert sum(slot < at < following for at in slots) == missed, f"{source_id}: {slot} to {following}"
    assert sum(row.slots_fired for row in standing.values()) > 20 * len(week.rhythms)
    assert sum(row.slots_missed for row in standing.values()) > len(week.rhythms)
    assert week.kills > 10


def test_nothing_that_was_taken_is_left_unread(week: Week) -> None:
    assert [row for row in week.standing().values() if row.asked_at or row.held_until] == []
