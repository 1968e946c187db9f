"""What the state promises notices and contracts: opened once, closed once, told at least once each."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from govwire.core.contract import Arrival, Finding, Trouble
from govwire.core.records import Lane
from govwire.core.source import Contract
from govwire.core.state import State, contracts, frontier, notices, open_state, sources
from govwire.core.state.contracts import Learned
from govwire.core.state.frontier import Found
from govwire.core.state.notices import ALL, Notice, Settled
from govwire.core.state.sources import Shown
from state_databases import DATABASES, NOW, after, empty_database

DAY = timedelta(days=1)
QUIET = Finding(Trouble.QUIET, NOW - DAY, "nothing new")
FAILING = Finding(Trouble.FAILING, NOW - DAY, "HTTP 500")
FEED = "https://one.example/feed.xml"


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


def settle(state: State, seconds: float, **findings: Finding) -> Settled:
    with state.begin() as transaction:
        return notices.settle(transaction, findings, after(seconds))


def told(found: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.source_id, notice.kind) for notice in found]


# --- notices ---


def test_a_trouble_opens_one_notice_and_its_end_closes_it(state: State) -> None:
    first = settle(state, 0, one=QUIET, two=FAILING)
    assert (told(first.opened), first.closed) == ([("one", "quiet"), ("two", "failing")], [])
    assert settle(state, 1, one=QUIET, two=FAILING) == Settled([], [])
    over = settle(state, 2, two=FAILING)
    assert (over.opened, told(over.closed)) == ([], [("one", "quiet")])
    assert [notice.closed_at for notice in over.closed] == [after(2)]
    with state.begin() as transaction:
        assert told(notices.unclosed(transaction)) == [("two", "failing")]
    # The same trouble another time is another notice.
    assert told(settle(state, 3, one=QUIET, two=FAILING).opened) == [("one", "quiet")]


def test_another_trouble_of_a_source_is_another_notice(state: State) -> None:
    settle(state, 0, one=QUIET)
    other = settle(state, 1, one=FAILING)
    assert (told(other.opened), told(other.closed)) == ([("one", "failing")], [("one", "quiet")])


def test_no_trouble_is_over_while_nothing_at_all_can_be_read(state: State) -> None:
    settle(state, 0, one=QUIET)
    away = Finding(Trouble.UNREACHABLE, NOW, "dns_error")
    found = settle(state, 1, **{ALL: away})
    assert (told(found.opened), found.closed) == ([(ALL, "unreachable")], [])
    found = settle(state, 2, one=QUIET)
    assert (found.opened, told(found.closed)) == ([], [(ALL, "unreachable")])


def test_a_notice_says_what_is_wrong_now_without_being_opened_again(state: State) -> None:
    settle(state, 0, one=FAILING)
    assert settle(state, 1, one=Finding(Trouble.FAILING, NOW, "HTTP 404")) == Settled([], [])
    with state.begin() as transaction:
        [notice] = notices.unclosed(transaction)
    assert (notice.detail, notice.since, notice.opened_at) == ("HTTP 404", FAILING.since, NOW)


def test_of_processes_that_settle_at_once_one_opens_and_one_closes(state: State, state_url: str) -> None:
    names = [f"s{number}" for number in range(5)]
    together = threading.Barrier(4)

    def work(findings: dict[str, Finding]) -> Settled:
        with open_state(state_url) as own:
            together.wait()
            with own.begin() as transaction:
                return notices.settle(transaction, findings, NOW)

    with ThreadPoolExecutor(4) as pool:
        opening = list(pool.map(work, [dict.fromkeys(names, QUIET)] * 4))
        closing = list(pool.map(work, [{}] * 4))
    assert sorted(notice.source_id for part in opening for notice in part.opened) == names
    assert sorted(notice.source_id for part in closing for notice in part.closed) == names


def take(state: State, seconds: float) -> list[Notice]:
    with state.begin() as transaction:
        return notices.take_untold(transaction, after(seconds), timedelta(seconds=60), timedelta(seconds=1000))


def mark(state: State, taken: list[Notice], seconds: float) -> None:
    with state.begin() as transaction:
        notices.told(transaction, taken, after(seconds))


def test_opening_and_closing_are_each_taken_by_one_and_told_once(state: State) -> None:
    settle(state, 0, one=QUIET, two=FAILING)
    taken = take(state, 1)
    assert told(taken) == [("one", "quiet"), ("two", "failing")]
    assert take(state, 2) == []
    mark(state, taken, 3)
    assert take(state, 100) == []
    settle(state, 101, two=FAILING)
    over = take(state, 102)
    assert [(notice.source_id, notice.closed_at) for notice in over] == [("one", after(101))]
    mark(state, over, 103)
    assert take(state, 900) == []


def test_what_was_taken_and_not_told_is_taken_again(state: State) -> None:
    settle(state, 0, one=QUIET)
    assert (told(take(state, 1)), take(state, 60), told(take(state, 61))) == (
        [("one", "quiet")],
        [],
        [("one", "quiet")],
    )


def test_what_cannot_be_told_waits_longer_each_time_up_to_a_limit(state: State) -> None:
    settle(state, 0, one=QUIET)
    waits, at = [], 0.0
    for _ in range(5):
        while not (taken := take(state, at)):
            at += 1
        waits.append(at)
        with state.begin() as transaction:
            notices.put_off(transaction, taken, after(at), timedelta(seconds=10), timedelta(seconds=35))
    assert waits == [0, 10, 30, 65, 100]


def test_what_was_over_before_anybody_was_told_or_long_ago_is_not_told(state: State) -> None:
    settle(state, 0, one=QUIET, two=QUIET)
    [_, two] = take(state, 0)
    mark(state, [two], 0)
    settle(state, 61)
    assert told(take(state, 62)) == [("two", "quiet")]
    assert take(state, 1062) == []


def test_a_notice_that_is_over_while_its_opening_is_told_is_still_told_as_over(state: State) -> None:
    settle(state, 0, one=QUIET)
    opening = take(state, 1)
    settle(state, 2)
    mark(state, opening, 3)
    [closing] = take(state, 4)
    assert (closing.source_id, closing.closed_at) == ("one", after(2))


# --- contracts ---


def test_arrivals_are_what_was_found_together_of_one_source_and_no_history(state: State) -> None:
    def find(source_id: str, at: float, *names: str, lane: Lane = Lane.LIVE) -> None:
        with state.begin() as transaction:
            found = [Found(f"https://{source_id}.example/{name}", source_id, lane=lane) for name in names]
            frontier.add(transaction, found, after(at))

    week = 7 * 86_400
    find("one", -9 * week, "long", "ago")
    find("one", -week, "a", "b")
    find("one", -60, "b", "c")
    find("one", -50, "old", lane=Lane.BACKFILL)
    find("two", -60, "a")
    with state.begin() as transaction:
        assert contracts.arrivals(transaction, "one", NOW) == [Arrival(after(-week), 2), Arrival(after(-60), 1)]
        assert contracts.brought(transaction, ["one", "two", "three"], after(-60)) == {"one": 1, "two": 1}
        assert contracts.brought(transaction, [], after(-60)) == {}


def test_what_was_learned_comes_back_and_is_replaced(state: State) -> None:
    little = Learned(Contract(), None, 0, NOW)
    much = Learned(Contract(per_day=2.5, silence_hours=130), NOW - 30 * DAY, 80, after(5))
    with state.begin() as transaction:
        assert contracts.learned(transaction) == {}
        contracts.keep(transaction, {})
        contracts.keep(transaction, {"one": little, "two": little})
        contracts.keep(transaction, {"two": much})
        assert contracts.learned(transaction) == {"one": little, "two": much}


# --- what feeds show ---


def test_a_feed_keeps_what_it_showed_last_and_since_when_it_fails(state: State) -> None:
    shown = Shown(3, NOW - 9 * DAY, NOW - DAY)

    def read(seconds: float, shown: Shown | None) -> None:
        with state.begin() as transaction:
            unchanged = {"etag": None, "last_modified": None, "body_hash": "h", "new_items": 0}
            sources.feed_read(transaction, FEED, "one", after(seconds), shown=shown, **unchanged)  # type: ignore[arg-type]

    def row() -> sources.FeedRow:
        with state.begin() as transaction:
            return sources.feed_rows(transaction)[0]

    read(0, shown)
    read(1, None)
    assert (row().listed, row().oldest_at, row().newest_at) == (3, shown.oldest_at, shown.newest_at)
    for second in (2, 3):
        with state.begin() as transaction:
            sources.feed_failed(transaction, FEED, "one", after(second), "HTTP 500")
    assert (row().failures, row().failing_since, row().listed) == (2, after(2), 3)
    read(4, Shown(0, None, None))
    assert (row().failing_since, row().listed, row().newest_at) == (None, 0, None)
