"""What is expected of a source, and whether it keeps it: by what it brought, never by what we did not read."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.contract import Arrival, Trouble, expected, judge, learn, unreachable, week_shares
from govwire.core.source import Contract
from govwire.core.state.sources import FeedRow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EXPECTS = Contract(per_day=10, silence_hours=48)


def feed(**changes: Any) -> FeedRow:
    """A feed that was read just now and brought something two hours ago."""
    values: dict[str, Any] = {
        "url": "https://wire.example/feed",
        "source_id": "wire",
        "kind": "feed",
        "index_url": None,
        "etag": None,
        "last_modified": None,
        "body_hash": None,
        "first_read_at": NOW - 60 * DAY,
        "checked_at": NOW,
        "succeeded_at": NOW,
        "new_item_at": NOW - 2 * HOUR,
        "failures": 0,
        "not_before": None,
        "error": None,
        "listed": 20,
        "oldest_at": NOW - 5 * DAY,
        "newest_at": NOW - 2 * HOUR,
    }
    return FeedRow(**(values | changes))


def failing(hours: float, **changes: Any) -> FeedRow:
    since = NOW - hours * HOUR
    told = {"failures": 9, "error": "HTTP 500", "failing_since": since, "succeeded_at": since - HOUR}
    return feed(**(told | changes))


def trouble(*feeds: FeedRow, contract: Contract = EXPECTS, week: float | None = 1.0, newest: datetime = NOW) -> Any:
    found = judge(feeds, contract, week, newest)
    return found and found.trouble


def weekdays(weeks: int, items: int = 4) -> list[Arrival]:
    """Two batches on every working day, in the morning and in the afternoon."""
    first = NOW - weeks * 7 * DAY
    hours = [first + step * HOUR for step in range(weeks * 7 * 24)]
    return [Arrival(at, items) for at in hours if at.weekday() < 5 and at.hour in {9, 16}]


# --- learning ---


def test_a_usual_week_is_learned_with_its_weekend() -> None:
    learned = learn(weekdays(8), NOW)
    assert learned == Contract(per_day=round(40 / 7, 2), silence_hours=2 * 65)


def test_one_unusual_week_changes_nothing() -> None:
    usual = weekdays(8)
    holiday = [each for each in usual if not NOW - 21 * DAY < each.at < NOW - 13 * DAY]
    flood = [*usual[:40], Arrival(usual[40].at + HOUR, 500), *usual[41:]]
    assert learn(holiday, NOW) == learn(usual, NOW)
    assert learn(flood, NOW).per_day == learn(usual, NOW).per_day


@pytest.mark.parametrize(
    ("arrivals", "why"),
    [
        ([], "nothing"),
        (weekdays(1), "a week"),
        ([Arrival(NOW - 50 * DAY, 30)], "what the feed listed at first, and nothing since"),
        ([Arrival(NOW - days * DAY, 1) for days in (50, 40, 30, 20, 10)], "four arrivals after the first"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_too_little_history_gives_no_contract(arrivals: Sequence[Arrival], why: str) -> None:
    assert learn(arrivals, NOW) == Contract(), why


def test_a_weekly_letter_may_be_silent_for_two_weeks_and_owes_less_than_one_a_day() -> None:
    learned = learn([Arrival(NOW - (50 - week * 7) * DAY, 1) for week in range(8)], NOW)
    assert learned == Contract(per_day=0.14, silence_hours=14 * 24)


def test_a_busy_wire_may_be_silent_for_a_night() -> None:
    minutes = [Arrival(NOW - timedelta(minutes=10 * step), 2) for step in range(6 * 24 * 30, 0, -1)]
    assert learn(minutes, NOW).silence_hours == 12


def test_what_came_after_the_last_reading_is_not_missed_in_it() -> None:
    """The crawl was stopped for a month: its last readings still say what is usual."""
    assert learn(weekdays(8), NOW) == learn(weekdays(8), weekdays(8)[-1].at + 3 * DAY)


@given(st.lists(st.tuples(st.integers(0, 60 * 24 * 60), st.integers(1, 2000)), max_size=60))
def test_any_arrivals_give_a_contract_or_none(raw: list[tuple[int, int]]) -> None:
    arrivals = sorted({NOW - timedelta(minutes=ago): items for ago, items in raw}.items())
    learned = learn([Arrival(*each) for each in arrivals], NOW)
    assert learned.silence_hours is None or learned.silence_hours >= 12
    assert learned.per_day is None or learned.per_day > 0


def test_what_the_file_says_wins_and_what_it_leaves_out_is_as_learned() -> None:
    learned = Contract(per_day=5, silence_hours=60)
    assert expected(Contract(silence_hours=100), learned) == Contract(per_day=5, silence_hours=100)
    assert expected(Contract(), Contract()) == Contract()


# --- judging ---


def test_a_source_that_keeps_its_contract_is_in_no_trouble() -> None:
    assert trouble(feed()) is None
    assert trouble(feed(), contract=Contract(), week=None) is None


def test_silence_is_measured_up_to_the_last_reading() -> None:
    news = NOW - 49 * HOUR
    assert trouble(feed(new_item_at=news)) is Trouble.QUIET
    assert trouble(feed(new_item_at=news), contract=Contract(silence_hours=50)) is None
    assert trouble(feed(new_item_at=news), contract=Contract()) is None
    # Nobody crawled since: the source is not to blame.
    assert trouble(feed(new_item_at=news, succeeded_at=news + HOUR, checked_at=news + HOUR)) is None
    # One of two feeds is enough.
    assert trouble(feed(new_item_at=news), feed(url="https://wire.example/two")) is None


def test_failing_is_told_after_hours_in_which_others_could_be_read() -> None:
    assert trouble(failing(7)) is Trouble.FAILING
    assert trouble(failing(5)) is None
    assert trouble(failing(7, failures=1)) is None
    # Since it fails, nothing else was read either: it is not the source.
    assert trouble(failing(7), newest=NOW - 6 * HOUR) is None


def test_one_of_several_feeds_that_fails_is_told_with_its_error() -> None:
    found = judge([feed(), failing(30, url="https://wire.example/b"), failing(9)], EXPECTS, 1.0, NOW)
    assert found is not None
    assert (found.trouble, found.since) == (Trouble.FAILING, NOW - 30 * HOUR)
    assert found.detail == "2 of 3 ways in, as https://wire.example/b: HTTP 500"


def test_a_list_that_reads_well_and_lists_nothing_is_empty() -> None:
    nothing = {"listed": 0, "oldest_at": None, "newest_at": None}
    assert trouble(feed(**nothing, new_item_at=None)) is Trouble.EMPTY
    assert trouble(feed(**nothing, new_item_at=NOW - 25 * HOUR)) is Trouble.EMPTY
    assert trouble(feed(**nothing, new_item_at=NOW - 23 * HOUR)) is None
    assert trouble(feed(**nothing, new_item_at=None), feed(url="https://wire.example/two")) is None


def test_a_list_of_nothing_but_old_is_empty_where_no_contract_says_more() -> None:
    old = feed(newest_at=NOW - 91 * DAY, new_item_at=NOW - DAY)
    assert trouble(old, contract=Contract()) is Trouble.EMPTY
    assert trouble(old) is None
    assert trouble(feed(newest_at=NOW - 89 * DAY), contract=Contract()) is None
    assert trouble(feed(newest_at=None), contract=Contract()) is None


def test_a_week_with_a_fifth_of_its_items_is_quiet() -> None:
    assert [trouble(feed(), week=share) for share in (0.2, 0.25, None)] == [Trouble.QUIET, None, None]


def test_a_week_is_held_against_how_the_others_did() -> None:
    usual = {"a": Contract(per_day=10), "b": Contract(per_day=10), "c": Contract(silence_hours=9)}
    assert week_shares({"a": 70, "b": 7, "c": 1}, usual) == {
        "a": pytest.approx(1.82, 0.01),
        "b": pytest.approx(0.182, 0.01),
    }
    # We were down for most of it.
    assert week_shares({"a": 7, "b": 7}, usual) == {"a": 1.0, "b": 1.0}
    assert week_shares({}, usual) == {}
    assert week_shares({"c": 5}, {}) == {}


def test_a_network_that_is_down_is_one_trouble_and_of_no_source() -> None:
    feeds = [failing(7), failing(8, url="https://two.example/feed")]
    found = unreachable(feeds)
    assert found is not None
    assert (found.trouble, found.since) == (Trouble.UNREACHABLE, NOW - 8 * HOUR)
    assert found.detail == "none of 2 feeds could be read; the last said: HTTP 500"
    assert unreachable([*feeds, feed(url="https://three.example/feed")]) is None
    # Nobody crawled: there is nothing to say.
    assert unreachable([feed(checked_at=NOW - DAY, succeeded_at=NOW - DAY)]) is None
    never_read = failing(7, succeeded_at=None)
    assert unreachable([never_read]) is not None
    assert unreachable([]) is None
