"""When things are due, and that nothing late is lost in silence."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.timetable import Cron, Every, Rhythm, Timetable

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
moments = st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds / 10))
intervals = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))


def test_the_next_slot_lies_on_the_grid_after_now() -> None:
    every = timedelta(minutes=30)
    slots = Every(NOW, every)
    assert slots.after(NOW) == NOW + every
    assert slots.after(NOW + timedelta(minutes=29)) == NOW + every
    assert slots.after(NOW + timedelta(minutes=95)) == NOW + 4 * every
    assert slots.after(NOW - timedelta(minutes=1)) == NOW


def test_slots_between_two_are_counted() -> None:
    every = timedelta(minutes=10)
    assert Every(NOW, every).between(NOW, NOW + every) == 0
    assert Every(NOW, every).between(NOW, NOW + 6 * every) == 5
    assert Cron("*/10 * * * *").between(NOW, NOW + every) == 0
    assert Cron("*/10 * * * *").between(NOW, NOW + 6 * every) == 5
    assert Cron("0 7 * * *").between(NOW, NOW + timedelta(days=7)) == 7


@given(moments, intervals, moments)
def test_slots_go_forward_by_no_more_than_the_interval(slot_at: datetime, every: timedelta, now: datetime) -> None:
    following = Every(slot_at, every).after(now)
    assert now < following
    assert following - max(now, slot_at) <= every + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 7 * * *", "2026-11-25T07:00"),
        ("*/20 * * * *", "2026-11-24T09:20"),
        ("30 6 * * mon-fri", "2026-11-25T06:30"),
        ("0 12 * * sun", "2026-11-29T12:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("15 8,20 1 jan,jul *", "2027-01-01T08:15"),
    ],
)
def test_a_cron_gives_its_slots_in_utc(expression: str, following: str) -> None:
    at = datetime.fromisoformat(following).replace(tzinfo=UTC)
    assert Cron(expression).after(NOW) == at
    assert Cron(expression).after(at) > at


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("", "fields"),
        ("@daily", "fields"),
        ("0 7 * * * *", "fields"),
        ("61 * * * *", "61"),
        ("*/0 * * * *", "higher than 0"),
        ("a b c d e", "month name"),
        ("0 7 * * 1-5", "name the days"),
        ("0 7 * * 0", "name the days"),
        ("0 7 1 * mon", "one of them"),
        ("0 7 31 feb *", "no such day"),
    ],
)
def test_a_cron_that_is_wrong_or_leaves_open_what_it_means_is_refused(expression: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        Cron(expression)


# rhythm

RHYTHM = Rhythm(timedelta(minutes=30), timedelta(hours=4))
DAY = 24 * 60


def _interval_after_a_week(items_a_day: float) -> list[float]:
    """The intervals, in minutes, of the last day of a week in which items come at an even pace."""
    interval, at, read_at, seen, intervals = RHYTHM.shortest, timedelta(), timedelta(), 0, []
    while at < timedelta(days=7):
        at += interval
        items = int(items_a_day * (at / timedelta(days=1)))
        interval = RHYTHM.moved(interval, at - read_at, items - seen)
        read_at, seen = at, items
        if at > timedelta(days=6):
            intervals.append(interval / timedelta(minutes=1))
    return intervals


def test_what_brings_an_item_in_every_shortest_interval_is_read_at_the_shortest() -> None:
    assert set(_interval_after_a_week(DAY / 30)) == set(_interval_after_a_week(1000)) == {30}


def test_what_brings_nothing_is_read_at_the_longest() -> None:
    assert set(_interval_after_a_week(0)) == {240}


def test_what_brings_an_item_now_and_then_is_read_about_as_often() -> None:
    minutes = _interval_after_a_week(DAY / 90)
    assert 60 <= sum(minutes) / len(minutes) <= 135


def test_what_wakes_up_is_read_at_the_shortest_at_once_and_what_falls_silent_ever_more_rarely() -> None:
    assert RHYTHM.moved(RHYTHM.longest, RHYTHM.longest, 12) == RHYTHM.shortest
    interval, taken = RHYTHM.shortest, []
    while interval < RHYTHM.longest:
        interval = RHYTHM.moved(interval, interval, 0)
        taken.append(interval / timedelta(minutes=1))
    assert taken == [45, 67.5, 101.25, 151.875, 227.8125, 240]


@given(intervals, intervals, st.integers(0, 5000))
def test_no_interval_leaves_its_bounds_and_none_grows_where_much_is_new(
    in_force: timedelta, waited: timedelta, new_items: int
) -> None:
    in_force = RHYTHM.interval(in_force)
    moved = RHYTHM.moved(in_force, waited, new_items)
    assert RHYTHM.shortest <= moved <= RHYTHM.longest
    if new_items > 1 and waited <= in_force:
        assert moved <= in_force
    if new_items == 0:
        assert moved >= in_force


@pytest.mark.parametrize(
    ("in_force", "gaps"), [(30, [30, 60, 120, 240, 240]), (45, [45, 90, 180, 240]), (240, [240] * 3)]
)
def test_what_fails_is_passed_over_for_longer_each_time_and_never_longer_than_the_longest(
    in_force: int, gaps: list[int]
) -> None:
    force = timedelta(minutes=in_force)
    told = [(force + RHYTHM.back_off(force, failures + 1)) / timedelta(minutes=1) for failures in range(len(gaps))]
    assert told == gaps
    assert RHYTHM.back_off(force, 10**6) == RHYTHM.longest - force
    assert Rhythm(RHYTHM.shortest, RHYTHM.longest, Cron("0 7 * * *")).back_off(None, 9) == timedelta()


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
