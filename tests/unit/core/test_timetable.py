"""When things are due, and that nothing late is lost in silence."""

import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from govwire.core.timetable import Timetable, next_slot, slots_between

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
moments = st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds / 10))
intervals = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))


def test_the_next_slot_lies_on_the_grid_after_now() -> None:
    every = timedelta(minutes=30)
    assert next_slot(NOW, every, NOW) == NOW + every
    assert next_slot(NOW, every, NOW + timedelta(minutes=29)) == NOW + every
    assert next_slot(NOW, every, NOW + timedelta(minutes=95)) == NOW + 4 * every
    assert next_slot(NOW, every, NOW - timedelta(minutes=1)) == NOW


def test_slots_that_passed_between_two_are_counted() -> None:
    every = timedelta(minutes=10)
    assert slots_between(NOW, NOW + every, every) == 0
    assert slots_between(NOW, NOW + 6 * every, every) == 5


@given(moments, intervals, moments)
def test_slots_go_forward_by_no_more_than_the_interval(slot_at: datetime, every: timedelta, now: datetime) -> None:
    following = next_slot(slot_at, every, now)
    assert now < following
    assert following - max(now, slot_at) <= every + timedelta(milliseconds=1)


def test_a_tick_is_called_from_its_first_time_on() -> None:
    ticked = threading.Event()
    timetable = Timetable()
    timetable.every(timedelta(hours=1), ticked.set, "crawl", datetime.now(UTC) - timedelta(hours=3))
    timetable.every(timedelta(milliseconds=50), ticked.set, "often", datetime.now(UTC))
    timetable.start()
    assert ticked.wait(5)
    timetable.close()


def test_a_tick_that_is_still_going_lets_the_next_pass_and_says_so() -> None:
    going, go_on, missed = threading.Event(), threading.Event(), threading.Event()
    timetable = Timetable()

    def slow() -> None:
        going.set()
        go_on.wait(5)

    def look() -> None:
        if timetable.missed >= 2:
            missed.set()

    timetable.every(timedelta(milliseconds=30), slow, "slow", datetime.now(UTC))
    timetable.every(timedelta(milliseconds=30), look, "look", datetime.now(UTC))
    timetable.start()
    assert going.wait(5)
    assert missed.wait(5)
    go_on.set()
    timetable.close()


def test_a_tick_that_fails_is_called_again() -> None:
    calls = []
    enough = threading.Event()

    def fail() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()
        raise ZeroDivisionError

    timetable = Timetable()
    timetable.every(timedelta(milliseconds=20), fail, "failing", datetime.now(UTC))
    timetable.start()
    assert enough.wait(5)
    timetable.close()
