"""What the state promises samples: drawn once, at random, from all rules; answered, counted, and forgotten in time."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govwire.core.records import Entry, Lane
from govwire.core.state import State, corrections, frontier, irrelevant, ledger, open_state, samples
from govwire.core.state.frontier import Found
from govwire.core.state.irrelevant import Irrelevant
from govwire.core.state.ledger import IRRELEVANT, PREFILTERED, Outcome, Outcomes
from govwire.core.state.samples import Answer, Counts, week_before
from govwire.core.urls import url_id
from state_databases import DATABASES, empty_database

# A Tuesday; the week before it begins on the 16th.
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LAST_WEEK = datetime(2026, 11, 18, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


def address(name: str) -> str:
    return f"https://wire.example/{name}"


def drop(state: State, *names: str, reason: str = IRRELEVANT, at: datetime = LAST_WEEK) -> None:
    """Drop pages of these names as classify does, or as the crawl does by its prefilter."""
    stage = "classify" if reason == IRRELEVANT else "crawl"
    entry = Entry(feed_url=address("feed"), title="Rain", summary="It rained. " * 80)
    with state.begin() as transaction:
        frontier.add(transaction, [Found(address(name), "wire", entry=entry) for name in names], at)
        ledger.record(
            transaction,
            [
                Outcomes(url_id(address(name)), address(name), "wire", Lane.LIVE, "f", stage, Outcome.DROPPED, reason)
                for name in names
            ],
            at,
        )
        if reason == IRRELEVANT:
            kept = [
                Irrelevant(
                    f"article {name}", url_id(address(name)), address(name), "Sun", "It shone.", 0.2, "model", "m"
                )
                for name in names
            ]
            irrelevant.keep(transaction, kept, at)


def drawn(state: State, size: int, now: datetime = NOW) -> list[samples.Sample]:
    with state.begin() as transaction:
        samples.draw(transaction, size, now)
        return samples.listed(transaction, is_open=True)


@pytest.mark.parametrize(
    ("now", "name", "begin"),
    [
        ("2026-11-24T09:00:00+00:00", "2026-W47", "2026-11-16"),
        ("2026-11-23T00:00:00+00:00", "2026-W47", "2026-11-16"),
        ("2026-11-23T00:30:00+01:00", "2026-W46", "2026-11-09"),
        ("2027-01-05T09:00:00+00:00", "2026-W53", "2026-12-28"),
    ],
)
def test_weeks_are_whole_and_in_utc(now: str, name: str, begin: str) -> None:
    told, first = week_before(datetime.fromisoformat(now))
    assert (told, first.isoformat()) == (name, f"{begin}T00:00:00+00:00")


def test_a_week_is_drawn_once_from_what_it_dropped_and_the_same_by_whoever_draws(state: State) -> None:
    names = [f"a{number}" for number in range(40)]
    drop(state, *names)
    drop(state, "before", at=datetime(2026, 11, 15, 23, 59, tzinfo=UTC))
    drop(state, "after", at=datetime(2026, 11, 23, tzinfo=UTC))
    first = drawn(state, 12)
    assert len({each.url for each in first}) == 12
    assert {each.url for each in first} <= {address(name) for name in names}
    assert drawn(state, 12, NOW + timedelta(days=5)) == first
    assert [each.sample_id for each in drawn(state, 12, NOW + timedelta(days=6))][:12] == [s.sample_id for s in first]


def test_processes_that_draw_at_once_draw_one_sample(state: State, state_url: str) -> None:
    drop(state, *(f"a{number}" for number in range(40)))
    together = threading.Barrier(4)

    def work(_: int) -> int:
        with open_state(state_url) as own:
            together.wait()
            with own.begin() as transaction:
                return samples.draw(transaction, 10, NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [0, 0, 0, 10]
    assert len(drawn(state, 10)) == 10


@pytest.mark.parametrize(
    ("irrelevant_drops", "prefilter_drops", "expected"),
    [(30, 30, (5, 5)), (30, 2, (8, 2)), (3, 30, (3, 7)), (30, 0, (10, 0)), (0, 0, (0, 0)), (2, 3, (2, 3))],
)
def test_each_rule_gets_an_even_share_and_what_one_lacks_goes_to_the_other(
    state: State, irrelevant_drops: int, prefilter_drops: int, expected: tuple[int, int]
) -> None:
    drop(state, *(f"a{number}" for number in range(irrelevant_drops)))
    drop(state, *(f"b{number}" for number in range(prefilter_drops)), reason=PREFILTERED)
    found = Counter(each.reason for each in drawn(state, 10))
    assert (found[IRRELEVANT], found[PREFILTERED]) == expected


def test_a_sample_tells_what_was_dropped_and_by_whom(state: State) -> None:
    drop(state, "a")
    drop(state, "b", reason=PREFILTERED)
    told = {each.reason: each for each in drawn(state, 10)}
    by_model, by_prefilter = told[IRRELEVANT], told[PREFILTERED]
    assert (by_model.url, by_model.title, by_model.excerpt, by_model.score) == (address("a"), "Sun", "It shone.", 0.2)
    assert (by_model.dropped_by, by_model.source_id, by_model.week) == ("m", "wire", "2026-W47")
    assert (by_prefilter.title, by_prefilter.score, by_prefilter.dropped_by) == ("Rain", None, "prefilter")
    assert (len(by_prefilter.excerpt), by_prefilter.dropped_at) == (500, LAST_WEEK)


def test_answers_are_counted_by_rule_and_one_that_was_taken_back_is_no_miss(state: State) -> None:
    drop(state, "a", "b", "c")
    first, second, third = drawn(state, 10)
    with state.begin() as transaction:
        making = corrections.Making("x", first.url, 1, 1, corrections.RelevanceChange(), None, "h", None, "Ana")
        number = corrections.make(transaction, making, NOW)
        samples.answer(transaction, first.sample_id, Answer.RELEVANT, by="Ana", at=NOW, correction_id=number)
        samples.answer(transaction, second.sample_id, Answer.IRRELEVANT, by="Ana", at=NOW)
        assert samples.counts(transaction, NOW) == [Counts(IRRELEVANT, "m", drawn=3, checked=2, missed=1)]
        assert samples.counts(transaction, NOW + timedelta(seconds=1)) == []
        assert [each.sample_id for each in samples.listed(transaction, is_open=True)] == [third.sample_id]
        corrections.withdraw(transaction, number, "Bo", NOW)
        assert samples.counts(transaction, NOW) == [Counts(IRRELEVANT, "m", drawn=3, checked=2, missed=0)]


def test_a_sample_outlives_its_drop_and_its_text_is_forgotten_in_time(state: State) -> None:
    drop(state, "a", "b")
    answered, _ = drawn(state, 10)
    with state.begin() as transaction:
        irrelevant.clear(transaction, ["article a", "article b"])
        samples.answer(transaction, answered.sample_id, Answer.IRRELEVANT, by="Ana", at=NOW)
        assert samples.forget(transaction, NOW) == 0
        assert samples.find(transaction, answered.sample_id).excerpt == "It shone."
        assert samples.forget(transaction, NOW + timedelta(seconds=1)) == 2
        assert samples.forget(transaction, NOW + timedelta(seconds=1)) == 0
        [left] = samples.listed(transaction, is_open=False)
        assert (left.sample_id, left.answer, left.title, left.excerpt) == (answered.sample_id, "irrelevant", "", "")
        # The week is not drawn anew for that.
        assert samples.draw(transaction, 10, NOW) == 0
