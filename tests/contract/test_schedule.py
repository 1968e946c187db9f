"""What the schedule promises, alike on SQLite and PostgreSQL: no slot is fired twice, and none goes by uncounted."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from govwire.core.state import State, open_state, schedule, sources
from govwire.core.state.schedule import Due, Rhythms, Standing
from govwire.core.timetable import Cron, Rhythm
from state_databases import DATABASES, NOW, after, empty_database

FEED = "https://one.example/feed.xml"
LEASE = 300


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


def _every(minutes: float, at_most: float | None = None) -> Rhythm:
    return Rhythm(timedelta(minutes=minutes), timedelta(minutes=at_most or minutes))


def _cron(expression: str) -> Rhythm:
    return Rhythm(timedelta(minutes=30), timedelta(hours=4), Cron(expression))


def _enrol(state: State, rhythms: Rhythms, seconds: float = 0) -> None:
    with state.begin() as transaction:
        schedule.enrol(transaction, rhythms, after(seconds))


def _take(state: State, rhythms: Rhythms, seconds: float, limit: int = 100) -> list[Due]:
    with state.begin() as transaction:
        return schedule.take_due(transaction, rhythms, after(seconds), limit=limit, lease_seconds=LEASE)


def _read(state: State, rhythms: Rhythms, source_id: str, seconds: float, new_items: int | None) -> None:
    """A turn's end; None: nothing could be read."""
    with state.begin() as transaction:
        if new_items is not None:
            schedule.found(transaction, source_id, new_items)
        schedule.turn_over(transaction, rhythms, [source_id], after(seconds))


def _standing(state: State, source_id: str) -> Standing:
    with state.begin() as transaction:
        return schedule.standing(transaction)[source_id]


def test_a_source_is_due_at_once_and_then_once_per_interval(state: State) -> None:
    rhythms = {"one": _every(10), "two": _every(30)}
    _enrol(state, rhythms)
    assert [due.source_id for due in _take(state, rhythms, 0.5)] == ["one", "two"]
    assert _take(state, rhythms, 299) == []
    for source_id in rhythms:
        _read(state, rhythms, source_id, 299, 0)
    assert _take(state, rhythms, 599) == []
    assert [(due.source_id, due.slot_at) for due in _take(state, rhythms, 600)] == [("one", after(600))]
    _read(state, rhythms, "one", 601, 0)
    assert [due.source_id for due in _take(state, rhythms, 1800.5)] == ["one", "two"]


def test_sources_that_are_new_together_begin_one_after_another(state: State) -> None:
    rhythms = {f"s{number:03}": _every(30) for number in range(500)} | {"quick": _every(0.1)}
    _enrol(state, rhythms)
    fired = [[due.source_id for due in _take(state, rhythms, 2 * tick, limit=1000)] for tick in range(150)]
    assert max(map(len, fired[1:])) <= 5
    assert Counter(source_id for tick in fired for source_id in tick if source_id != "quick") == Counter(
        {source_id: 1 for source_id in rhythms if source_id != "quick"}
    )
    assert "quick" in fired[0] + fired[1] + fired[2] + fired[3]


def test_a_cron_fires_at_its_times_and_is_read_once_at_the_beginning(state: State) -> None:
    rhythms = {"one": _cron("0 12 * * *")}
    _enrol(state, rhythms)
    assert _take(state, rhythms, 0) == [Due("one", None)]
    _read(state, rhythms, "one", 5, 40)
    assert _take(state, rhythms, 3 * 3600 - 1) == []
    assert _take(state, rhythms, 3 * 3600) == [Due("one", after(3 * 3600))]
    _read(state, rhythms, "one", 3 * 3600 + 5, 0)
    assert _take(state, rhythms, 4 * 86400) == [Due("one", after(27 * 3600), missed=2)]


def test_what_a_process_goes_on_holding_is_given_to_nobody_else(state: State) -> None:
    rhythms = {"one": _every(60), "two": _every(60)}
    _enrol(state, rhythms)
    assert len(_take(state, rhythms, 1)) == 2
    _read(state, rhythms, "two", 2, 0)
    for seconds in (100, 200, 400):
        with state.begin() as transaction:
            schedule.keep(transaction, ["one", "two"], after(seconds), lease_seconds=LEASE)
    assert _standing(state, "two").held_until is None
    assert _take(state, rhythms, 699) == []
    assert _take(state, rhythms, 700) == [Due("one", None)]


def test_slots_that_nobody_fired_are_counted_and_fire_once_together(state: State) -> None:
    rhythms = {"one": _every(10)}
    _enrol(state, rhythms)
    _take(state, rhythms, 0)
    _read(state, rhythms, "one", 1, 0)
    assert _take(state, rhythms, 3_650) == [Due("one", after(600), missed=5)]
    _read(state, rhythms, "one", 3_651, 0)
    assert _take(state, rhythms, 4_199) == []
    assert _take(state, rhythms, 4_200) == [Due("one", after(4_200))]
    assert (_standing(state, "one").slots_fired, _standing(state, "one").slots_missed) == (3, 5)


def test_a_slot_fires_once_however_many_schedulers_look(state: State, state_url: str) -> None:
    rhythms = {f"s{number}": _every(10) for number in range(5)}
    _enrol(state, rhythms)
    start = threading.Barrier(4)

    def work(_: int) -> list[tuple[str, datetime]]:
        taken = []
        with open_state(state_url) as own:
            start.wait()
            for tick in range(20):
                taken += _take(own, rhythms, tick * 300)
        return [(due.source_id, due.slot_at) for due in taken if due.slot_at is not None]

    with ThreadPoolExecutor(4) as pool:
        fired = [slot for part in pool.map(work, range(4)) for slot in part]
    assert len(fired) == len(set(fired)) == sum(_standing(state, source_id).slots_fired for source_id in rhythms)
    missed = sum(_standing(state, source_id).slots_missed for source_id in rhythms)
    assert len(fired) + missed == 5 * 10


def test_no_more_is_taken_than_there_is_room_for_and_the_longest_due_goes_first(state: State) -> None:
    rhythms = {name: _every(10) for name in ("a", "b", "c")}
    _enrol(state, {"c": rhythms["c"]})
    _enrol(state, rhythms, 60)
    assert [due.source_id for due in _take(state, rhythms, 100, limit=2)] == ["c", "a"]
    assert _take(state, rhythms, 100, limit=0) == []
    assert [due.source_id for due in _take(state, rhythms, 100, limit=2)] == ["b"]


def test_a_look_costs_two_statements_however_many_sources_are_due(state: State) -> None:
    rhythms = {f"s{number:03}": _every(10) for number in range(200)}
    _enrol(state, rhythms)
    told: list[bool] = []
    with state.begin() as transaction:
        event.listen(transaction, "before_cursor_execute", lambda *given: told.append(given[-1]))
        assert len(schedule.take_due(transaction, rhythms, after(100), limit=500, lease_seconds=LEASE)) == 200
    assert told == [False, True]  # the second for all of them together


def test_a_source_of_other_processes_is_left_to_them(state: State) -> None:
    _enrol(state, {"one": _every(10), "two": _every(10)})
    assert [due.source_id for due in _take(state, {"two": _every(10)}, 1)] == ["two"]


def test_what_is_asked_for_is_read_once_before_others_and_its_next_slot_stays(state: State) -> None:
    rhythms = {"late": _every(10), "one": _every(10)}
    _enrol(state, rhythms)
    _take(state, rhythms, 1)
    for source_id in rhythms:
        _read(state, rhythms, source_id, 2, 3)
    with state.begin() as transaction:
        schedule.ask(transaction, ["one"], after(300))
    assert _take(state, rhythms, 300) == [Due("one", None)]
    _read(state, rhythms, "one", 302, 7)
    assert _take(state, rhythms, 599) == []
    assert [(due.source_id, due.slot_at) for due in _take(state, rhythms, 601, limit=1)] == [("late", after(600))]
    assert [(due.source_id, due.slot_at) for due in _take(state, rhythms, 601)] == [("one", after(600.5))]
    for source_id in rhythms:
        _read(state, rhythms, source_id, 602, 3)
    with state.begin() as transaction:
        schedule.ask(transaction, ["one"], after(1300))
    assert [due.source_id for due in _take(state, rhythms, 1300, limit=1)] == ["one"]


def test_what_is_asked_for_while_it_is_read_is_read_once_more(state: State) -> None:
    rhythms = {"one": _every(10)}
    _enrol(state, rhythms)
    _take(state, rhythms, 0)
    with state.begin() as transaction:
        schedule.ask(transaction, ["one"], after(5))
    _read(state, rhythms, "one", 6, 0)
    assert _take(state, rhythms, 7) == [Due("one", None)]
    _read(state, rhythms, "one", 8, 0)
    assert _take(state, rhythms, 9) == []


def test_a_source_is_read_by_one_process_at_a_time_and_slots_meanwhile_are_counted(state: State) -> None:
    rhythms = {"one": _every(1)}
    _enrol(state, rhythms)
    assert _take(state, rhythms, 0) == [Due("one", after(0))]
    assert [_take(state, rhythms, seconds) for seconds in (60, 120, 180)] == [[], [], []]
    _read(state, rhythms, "one", 190, 0)
    assert _take(state, rhythms, 191) == [Due("one", after(60), missed=2)]


def test_what_was_taken_and_not_told_of_is_given_out_again_and_no_slot_is_counted_twice(state: State) -> None:
    rhythms = {"one": _every(10)}
    _enrol(state, rhythms)
    assert _take(state, rhythms, 0) == [Due("one", after(0))]
    assert _take(state, rhythms, LEASE - 1) == []
    assert _take(state, rhythms, LEASE) == [Due("one", None)]
    _read(state, rhythms, "one", LEASE + 1, 0)
    assert _take(state, rhythms, 599) == []
    assert _take(state, rhythms, 600) == [Due("one", after(600))]
    assert (_standing(state, "one").slots_fired, _standing(state, "one").slots_missed) == (2, 0)


def test_taking_now_fires_what_is_due_and_leaves_the_slots_to_come(state: State) -> None:
    rhythms = {"one": _every(10)}
    _enrol(state, rhythms)

    def take_now(seconds: float) -> list[Due]:
        with state.begin() as transaction:
            return schedule.take_now(transaction, rhythms, after(seconds), lease_seconds=LEASE)

    assert take_now(0) == [Due("one", after(0))]
    assert take_now(200) == [Due("one", None)]
    _read(state, rhythms, "one", 201, 0)
    assert _take(state, rhythms, 599) == []
    assert _take(state, rhythms, 600) == [Due("one", after(600))]


# the interval in force


def _turns(state: State, rhythms: Rhythms, found: list[int | None], begin: float = 0) -> list[float]:
    """The intervals in minutes after one slot for each of these, taken as soon as it is due and read a second later."""
    told, at = [], begin
    for new_items in found:
        (due,) = _take(state, rhythms, at)
        assert due.slot_at is not None
        _read(state, rhythms, "one", at + 1, new_items)
        at = (_standing(state, "one").next_due_at - NOW).total_seconds()
        told.append(((_standing(state, "one").interval_seconds or 0) / 60, round((at - begin) / 60)))
        begin = at
    assert [round(minutes) for minutes, _ in told] == [step for _, step in told]
    return [minutes for minutes, _ in told]


def test_the_interval_follows_what_readings_find_and_the_next_slot_follows_the_interval(state: State) -> None:
    rhythms = {"one": _every(30, 240)}
    _enrol(state, rhythms)
    assert _turns(state, rhythms, [20, 0, 0, 0, 0, 0, 0, 0]) == pytest.approx(
        [30, 45, 67.5, 101.25, 151.875, 227.813, 240, 240], rel=1e-3
    )
    assert _standing(state, "one").slots_missed == 0


def test_what_wakes_up_is_read_at_the_shortest_interval(state: State) -> None:
    rhythms = {"one": _every(30, 240)}
    _enrol(state, rhythms)
    assert _turns(state, rhythms, [0] * 7 + [9, 1, 1])[-3:] == pytest.approx([30, 30, 30], rel=1e-2)


def test_readings_that_fail_move_nothing(state: State) -> None:
    rhythms = {"one": _every(30, 240)}
    _enrol(state, rhythms)
    assert _turns(state, rhythms, [5, 0, 0])[-1] == pytest.approx(67.5, rel=1e-3)
    assert len(_take(state, rhythms, (_standing(state, "one").next_due_at - NOW).total_seconds())) == 1
    planned = _standing(state, "one").next_due_at
    _read(state, rhythms, "one", 9_000, None)
    assert _standing(state, "one").in_force == timedelta(minutes=67.5)
    assert _standing(state, "one").next_due_at == planned


def test_a_slot_that_fell_due_during_its_reading_fires_although_the_interval_moves(state: State) -> None:
    rhythms = {"one": _every(10, 80)}
    _enrol(state, rhythms)
    _take(state, rhythms, 0)
    _read(state, rhythms, "one", 601, 0)
    assert _take(state, rhythms, 602) == [Due("one", after(600))]


def test_what_is_found_beside_the_slots_counts_at_the_next_slot(state: State) -> None:
    rhythms = {"one": _every(30, 240)}
    _enrol(state, rhythms)
    _turns(state, rhythms, [1, 0, 0])
    planned = _standing(state, "one").next_due_at
    with state.begin() as transaction:
        schedule.ask(transaction, ["one"], after(6_000))
    _take(state, rhythms, 6_000)
    _read(state, rhythms, "one", 6_001, 2)
    assert _standing(state, "one").next_due_at == planned
    assert _turns(state, rhythms, [0], (planned - NOW).total_seconds()) == pytest.approx([33.75], rel=1e-3)


# config that was changed


@pytest.mark.parametrize(
    ("before", "now", "first"),
    [
        (_every(24 * 60), _every(30), Due("one", after(60))),
        (_cron("0 7 * * *"), _cron("0 10 * * *"), Due("one", after(3600))),
        (_cron("0 7 * * *"), _cron("0 * * * *"), Due("one", after(3600))),
        (_every(24 * 60), _cron("30 9 * * *"), Due("one", after(1800))),
        (_cron("0 7 1 * *"), _every(30), Due("one", after(60))),
    ],
)
def test_a_changed_rhythm_holds_from_the_next_start_on(state: State, before: Rhythm, now: Rhythm, first: Due) -> None:
    _enrol(state, {"one": before})
    _take(state, {"one": before}, 0)
    _read(state, {"one": before}, "one", 1, 3)
    rhythms = {"one": now}
    _enrol(state, rhythms, 60)
    taken = [_take(state, rhythms, 60 * minute) for minute in range(1, 70)]
    slots = [due for tick in taken for due in tick if due.slot_at is not None]
    assert slots[0] == first


@pytest.mark.parametrize("rhythm", [_every(30, 240), _cron("0 7 * * *"), _cron("*/5 * * * *")])
def test_a_start_that_changes_nothing_moves_no_slot(state: State, rhythm: Rhythm) -> None:
    rhythms = {"one": rhythm}
    _enrol(state, rhythms)
    _take(state, rhythms, 0)
    _read(state, rhythms, "one", 1, 0)
    planned = _standing(state, "one")
    for seconds in (2, 60, 3_000):
        _enrol(state, rhythms, seconds)
    assert _standing(state, "one") == planned


# feeds that fail


def test_a_feed_that_fails_is_passed_over_for_longer_each_time_until_it_is_read(
    state: State,
) -> None:
    def fail(seconds: float, not_before: datetime | None = None) -> float:
        with state.begin() as transaction:
            sources.feed_failed(
                transaction, FEED, "one", after(seconds), "HTTP 500", rhythm=_every(30, 240), not_before=not_before
            )
            (row,) = sources.feed_rows(transaction, ["one"])
        assert row.not_before is not None
        return (row.not_before - after(seconds)).total_seconds() / 60

    assert [fail(60 * number) for number in range(6)] == [0, 30, 90, 210, 210, 210]
    assert fail(1000, after(1000 + 86_400)) == 24 * 60
    with state.begin() as transaction:
        sources.feed_read(transaction, FEED, "one", NOW, etag=None, last_modified=None, body_hash=None, new_items=0)
        assert sources.feed_rows(transaction, ["one"])[0].not_before is None
    assert fail(0) == 0
