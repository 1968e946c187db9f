"""When pages are looked at again and what is kept of their revisions, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from govwire.core.records import Lane
from govwire.core.state import State, Transaction, frontier, ledger, open_state, revisits, schedule, texts
from govwire.core.state.frontier import Ended, Found, Leased
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.state.revisits import QUIET_AFTER
from govwire.core.timetable import Rhythm
from govwire.core.urls import fetch_id, url_id
from samples import article
from state_databases import DATABASES, NOW, empty_database

HOURS = (1, 6, 24, 168)
URL = "https://one.example/a"


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def fetch(state: State, at: datetime, outcome: Outcome | None, url: str = URL, why: str = frontier.NEW) -> None:
    """Find a page, fetch it, and let it end: None for still on its way."""
    with state.begin() as transaction:
        frontier.add(transaction, [Found(url, "one", why=why)], at)
        (leased,) = frontier.lease(transaction, "a", 10, at, lease_seconds=300, delay_seconds=0)
        settle(transaction, leased, at, outcome)


def settle(transaction: Transaction, leased: Leased, at: datetime, outcome: Outcome | None) -> None:
    look_at = revisits.next_look(leased.first_seen_at, at, HOURS)
    frontier.done(transaction, "a", [Ended(leased, at, Outcome.FETCHED, look_at=look_at)], at)
    if outcome is not None:
        row = Outcomes(leased.url_id, leased.url, "one", Lane.LIVE, fetch_id(leased.url_id, at), "index", outcome)
        ledger.record(transaction, [row], at)


def take(state: State, at: datetime, *, source: str = "one", of: tuple[float, ...] = HOURS) -> int:
    with state.begin() as transaction:
        return revisits.take(transaction, [source], of, at)


def look(state: State, at: datetime) -> Leased:
    """Make the look that is due."""
    assert take(state, at) == 1
    with state.begin() as transaction:
        (leased,) = frontier.lease(transaction, "a", 10, at, lease_seconds=300, delay_seconds=0)
        settle(transaction, leased, at, Outcome.INDEXED)
    return leased


def planned(state: State, url: str = URL) -> datetime | None:
    with state.begin() as transaction:
        return revisits.planned(transaction, url_id(url))


def standing(state: State) -> tuple[str, str | None]:
    with state.begin() as transaction:
        row = ledger.standing_of(transaction, [url_id(URL)])[url_id(URL)]
    return row["outcome"], row["reason"]


def test_a_page_is_looked_at_again_at_set_times_after_it_was_first_seen(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    seen = []
    for at in HOURS:
        assert take(state, hours(at - 0.01)) == 0
        assert planned(state) == hours(at)
        seen.append(look(state, hours(at)))
    assert [(leased.why, leased.lane) for leased in seen] == [(frontier.REVISIT, Lane.LIVE)] * 4
    assert planned(state) is None
    assert take(state, hours(9999)) == 0


def test_looks_that_nobody_could_make_are_made_up_for_by_one(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    look(state, hours(30))
    assert planned(state) == hours(168)


def test_a_page_that_waits_for_its_look_stands_as_indexed_and_is_counted(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    for at in (0.5, 1):
        take(state, hours(at))
        assert standing(state) == ("indexed", None)
        with state.begin() as transaction:
            assert revisits.count(transaction) == 1


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.DEAD])
def test_a_page_that_became_no_article_is_not_looked_at_again(state: State, outcome: Outcome) -> None:
    fetch(state, NOW, outcome)
    with state.begin() as transaction:
        assert revisits.count(transaction) == 0
    assert planned(state) is None
    assert take(state, hours(1)) == 0
    assert take(state, hours(9999)) == 0


def test_a_page_still_on_its_way_is_asked_about_later(state: State) -> None:
    fetch(state, NOW, None)
    assert take(state, hours(1)) == 0
    with state.begin() as transaction:
        row = Outcomes(url_id(URL), URL, "one", Lane.LIVE, fetch_id(url_id(URL), NOW), "index", Outcome.INDEXED)
        ledger.record(transaction, [row], hours(1))
    assert take(state, hours(1.01)) == 0
    assert take(state, hours(1.2)) == 1


def test_new_pages_go_before_looks(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    take(state, hours(1))
    with state.begin() as transaction:
        frontier.add(transaction, [Found(f"https://one.example/new-{n}", "one") for n in range(3)], hours(2))
        leased = frontier.lease(transaction, "a", 10, hours(2), lease_seconds=300, delay_seconds=0)
    assert [each.why for each in leased] == ["new", "new", "new", "revisit"]


def test_a_page_that_is_fetched_for_another_reason_meanwhile_is_not_made_due_twice(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    with state.begin() as transaction:
        frontier.add(transaction, [Found(URL, "one", why=frontier.ASKED)], hours(1))
    assert take(state, hours(1)) == 0
    with state.begin() as transaction:
        (leased,) = frontier.lease(transaction, "a", 10, hours(1), lease_seconds=300, delay_seconds=0)
        settle(transaction, leased, hours(1), Outcome.INDEXED)
    assert leased.why == frontier.ASKED
    assert planned(state) == hours(6)


def test_other_sources_pages_and_empty_settings_make_no_looks(state: State) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    assert take(state, hours(1), source="two") == 0
    assert take(state, hours(1), of=()) == 0


def test_where_nothing_ever_changes_pages_get_the_first_and_the_last_look_until_something_does(state: State) -> None:
    with state.begin() as transaction:
        schedule.enrol(transaction, {"one": Rhythm(timedelta(hours=1), timedelta(hours=1))}, NOW)
        revisits.made(transaction, ["one"] * QUIET_AFTER)
    fetch(state, NOW, Outcome.INDEXED)
    assert look(state, hours(1)).why == frontier.REVISIT
    assert take(state, hours(6)) == 0
    assert planned(state) == hours(168)
    assert look(state, hours(168)).why == frontier.REVISIT
    with state.begin() as transaction:
        revisits.found_news(transaction, ["one", "one", "unheard of"])
    fetch(state, hours(200), Outcome.INDEXED, "https://one.example/b")
    assert take(state, hours(201)) == 1
    with state.begin() as transaction:
        (leased,) = frontier.lease(transaction, "a", 10, hours(201), lease_seconds=300, delay_seconds=0)
        settle(transaction, leased, hours(201), Outcome.INDEXED)
    assert take(state, hours(206)) == 1


def test_a_look_is_taken_once_however_many_processes_ask(state: State) -> None:
    for number in range(30):
        fetch(state, NOW, Outcome.INDEXED, f"https://one.example/{number}")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: take(state, hours(1)), range(4))) == 30


@pytest.mark.parametrize("reason", ["forbidden", "no_article", "timeout"])
def test_a_drop_that_takes_nothing_out_of_the_index_leaves_the_url_indexed(state: State, reason: str) -> None:
    fetch(state, NOW, Outcome.INDEXED)
    with state.begin() as transaction:
        stage = "extract" if reason == "no_article" else "crawl"
        at = hours(1)
        row = Outcomes(url_id(URL), URL, "one", Lane.LIVE, fetch_id(url_id(URL), at), stage, Outcome.DROPPED, reason)
        ledger.record(transaction, [row], at)
        assert ledger.steps_of(transaction, url_id(URL))[-1].reason == reason
    assert standing(state) == ("indexed", None)


def test_each_revision_is_kept_as_it_was_indexed(state: State) -> None:
    first, second = article(), article(revision=2, text="Ministers left Geneva.", state="gone")
    with state.begin() as transaction:
        texts.keep(transaction, [second, first])
        texts.keep(transaction, [first.model_copy(update={"text": "labelled anew"})])
        assert texts.of_article(transaction, first.article_id) == {1: first, 2: second}
        assert texts.find(transaction, first.article_id, 2) == second
        assert texts.find(transaction, first.article_id, 3) is None
        assert texts.of_article(transaction, "b") == {}


def test_another_extractors_reading_takes_the_place_of_the_one_it_is_not_compared_with(state: State) -> None:
    reread = article(extractor="x-2", text="read otherwise")
    with state.begin() as transaction:
        texts.reread(transaction, reread)
        assert texts.of_article(transaction, reread.article_id) == {}
        texts.keep(transaction, [article()])
        texts.reread(transaction, reread)
        assert texts.find(transaction, reread.article_id, 1) == reread
