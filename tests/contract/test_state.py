"""What the state promises the crawl: hosts, sources and ledger, alike on SQLite and PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError

from govwire.core.errors import ConfigError
from govwire.core.records import Lane
from govwire.core.state import State, frontier, hosts, ledger, open_state, sources
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.urls import fetch_id
from state_databases import DATABASES, NOW, after, empty_database

FEED = "https://one.example/feed.xml"


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


# hosts


def test_a_turn_is_given_once_per_delay(state: State) -> None:
    with state.begin() as transaction:
        assert hosts.take(transaction, ["one.example", "two.example"], NOW, 5) == {
            "one.example": None,
            "two.example": None,
        }
        assert hosts.take(transaction, ["one.example"], after(4), 5) == {"one.example": after(5)}
        assert hosts.take(transaction, ["one.example"], after(5), 5) == {"one.example": None}


def test_processes_that_ask_at_once_get_one_turn(state: State, state_url: str) -> None:
    start = threading.Barrier(4)
    names = ["one.example", "two.example", "three.example"]

    def work(_: int) -> list[str]:
        with open_state(state_url) as own:
            start.wait()
            with own.begin() as transaction:
                turns = hosts.take(transaction, names, NOW, 5)
        return [name for name, until in turns.items() if until is None]

    with ThreadPoolExecutor(4) as pool:
        given = Counter(name for part in pool.map(work, range(4)) for name in part)
    assert given == Counter(names)


def test_a_host_is_left_alone_as_long_as_it_asked(state: State) -> None:
    with state.begin() as transaction:
        hosts.pause(transaction, "one.example", after(120))
        hosts.pause(transaction, "one.example", after(60))
        assert hosts.take(transaction, ["one.example"], after(119), 0) == {"one.example": after(120)}
        assert hosts.take(transaction, ["one.example"], after(120), 0) == {"one.example": None}


def test_a_robots_file_is_kept_for_every_process_with_its_delay(state: State) -> None:
    robots = hosts.Robots("https://one.example/robots.txt", 200, "User-agent: *\nCrawl-delay: 20\n", NOW)
    with state.begin() as transaction:
        assert hosts.robots_of(transaction, ["one.example"]) == {}
        hosts.take(transaction, ["one.example"], NOW, 5)
        assert hosts.robots_of(transaction, ["one.example"]) == {}
        hosts.keep_robots(transaction, "one.example", robots, 20)
        assert hosts.robots_of(transaction, ["one.example"]) == {"one.example": robots}
        # The delay holds between the robots file itself and what follows, too.
        assert hosts.take(transaction, ["one.example"], after(10), 5) == {"one.example": after(20)}
        assert hosts.take(transaction, ["one.example"], after(20), 5) == {"one.example": None}
        assert hosts.take(transaction, ["one.example"], after(30), 5) == {"one.example": after(40)}


# sources


def test_a_feed_that_fails_keeps_what_was_known_and_counts_until_it_is_read(state: State) -> None:
    def read(at: datetime, new_items: int) -> None:
        with state.begin() as transaction:
            sources.feed_read(
                transaction, FEED, "one", at, etag='"1"', last_modified=None, body_hash="h", new_items=new_items
            )

    read(NOW, 3)
    with state.begin() as transaction:
        sources.feed_failed(transaction, FEED, "one", after(1), "HTTP 500")
        sources.feed_failed(transaction, FEED, "one", after(2), "HTTP 502")
        sources.feed_failed(transaction, "https://two.example/feed", "two", after(2), "HTTP 404")
        (row,) = sources.feed_rows(transaction, ["one"])
        assert len(sources.feed_rows(transaction)) == 2
    assert (row.failures, row.error, row.etag, row.succeeded_at) == (2, "HTTP 502", '"1"', NOW)
    read(after(3), 0)
    with state.begin() as transaction:
        (row,) = sources.feed_rows(transaction, ["one"])
    assert (row.failures, row.error, row.succeeded_at, row.new_item_at) == (0, None, after(3), NOW)


# ledger


def _record(state: State, *steps: tuple[str, Outcome, datetime]) -> None:
    with state.begin() as transaction:
        for stage, outcome, fetched_at in steps:
            item = Outcomes(
                url_id="u", url="https://one.example/a", source_id="one", lane=Lane.LIVE,
                fetch_id=fetch_id("u", fetched_at), stage=stage, outcome=outcome,
            )  # fmt: skip
            ledger.record(transaction, [item], NOW)


def _where(state: State) -> str:
    with state.begin() as transaction:
        outcome: str = ledger.standing_of(transaction, ["u"])["u"]["outcome"]
    return outcome


def test_the_ledger_only_moves_forward(state: State) -> None:
    _record(state, ("crawl", Outcome.FETCHED, NOW), ("extract", Outcome.EXTRACTED, NOW))
    _record(state, ("crawl", Outcome.FETCHED, NOW))
    assert _where(state) == "extracted"
    _record(state, ("index", Outcome.INDEXED, NOW), ("classify", Outcome.CLASSIFIED, NOW))
    assert _where(state) == "indexed"
    _record(state, ("crawl", Outcome.FETCHED, after(60)))
    assert _where(state) == "fetched"
    _record(state, ("index", Outcome.INDEXED, NOW))
    assert _where(state) == "fetched"
    with state.begin() as transaction:
        assert {step.stage for step in ledger.steps_of(transaction, "u")} == {"crawl", "extract", "classify", "index"}


def test_opening_twice_at_once_upgrades_once(state_url: str) -> None:
    def work(_: int) -> int:
        with open_state(state_url) as own, own.begin() as transaction:
            return frontier.pending(transaction, NOW)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(3))) == [0, 0, 0]


@pytest.mark.parametrize("url", ["nonsense", "mystery://host/db"])
def test_an_unusable_state_url_is_a_config_error(url: str) -> None:
    opened: Callable[[], State] = lambda: open_state(url)  # noqa: E731
    with pytest.raises(ConfigError, match=r"state\.url"):
        opened()


def test_what_can_never_be_stored_is_no_outage(state: State, state_url: str) -> None:
    # SQLite stores any text.
    refused = pytest.raises(DataError) if state_url.startswith("postgresql") else nullcontext()
    with refused, state.begin() as transaction:
        hosts.pause(transaction, "one\x00.example", NOW)
