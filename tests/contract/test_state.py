"""What the state promises the crawl: frontier, hosts, sources and ledger, alike on SQLite and PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govwire.core.errors import ConfigError, UrlError
from govwire.core.records import Entry, Lane
from govwire.core.state import State, Transaction, frontier, hosts, ledger, open_state, sources
from govwire.core.state.frontier import ASKED, Ended, Found, Leased, Postponed
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.urls import fetch_id, url_id

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FEED = "https://one.example/feed.xml"


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    url: str = request.getfixturevalue("postgres_server").create_database()
    return url


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def found(url: str, *, updated_at: datetime | None = None, **fields: object) -> Found:
    entry = Entry(feed_url=FEED, title="治理", updated_at=updated_at)
    return Found(url=url, source_id="one", entry=entry, **fields)  # type: ignore[arg-type]


def add(state: State, *items: Found, at: datetime = NOW) -> frontier.Added:
    with state.begin() as transaction:
        return frontier.add(transaction, items, at)


def lease(
    state: State, owner: str = "a", limit: int = 10, at: datetime = NOW, delay_seconds: float = 0, **more: object
) -> list[Leased]:
    with state.begin() as transaction:
        return frontier.lease(
            transaction,
            owner,
            limit,
            at,
            lease_seconds=300,
            delay_seconds=delay_seconds,
            **more,  # type: ignore[arg-type]
        )


def done(state: State, leased: Leased, owner: str = "a", at: datetime = NOW, **fields: object) -> None:
    ended = Ended(leased, at, Outcome.FETCHED, **fields)  # type: ignore[arg-type]
    with state.begin() as transaction:
        frontier.done(transaction, owner, [ended], at)


def retry(state: State, leased: Leased, at: datetime = NOW, not_before: datetime | None = None) -> None:
    with state.begin() as transaction:
        frontier.retry(
            transaction,
            "a",
            [Postponed(leased, at, "timeout", "no answer", not_before)],
            at,
            base_seconds=60,
            ceiling_seconds=3600,
        )


def standing(state: State, url: str) -> tuple[str, str | None]:
    with state.begin() as transaction:
        row = ledger.standing_of(transaction, [url_id(url)])[url_id(url)]
    return row["outcome"], row["reason"]


# frontier


def test_a_url_found_again_changes_nothing(state: State) -> None:
    assert add(state, found("https://one.example/a"), found("https://one.example/a?utm_source=x")) == frontier.Added(
        1, 0
    )
    assert add(state, found("https://one.example/a"), at=after(5)) == frontier.Added(0, 0)
    (leased,) = lease(state, at=after(10))
    assert leased.first_seen_at == NOW
    assert leased.entry is not None
    assert leased.entry.title == "治理"
    assert leased.host == "one.example"


def test_a_new_url_is_in_the_ledger_from_the_same_transaction_on(state: State) -> None:
    with pytest.raises(UrlError), state.begin() as transaction:
        _add_then_fail(transaction)
    add(state, found("https://one.example/a"))
    assert standing(state, "https://one.example/a") == ("waiting", "new")
    with state.begin() as transaction:
        assert ledger.unaccounted(transaction) == []
        assert [count.urls for count in ledger.counts(transaction)] == [1]


def _add_then_fail(transaction: Transaction) -> None:
    frontier.add(transaction, [found("https://one.example/lost")], NOW)
    frontier.add(transaction, [found("no address")], NOW)


def test_an_address_that_is_none_is_refused(state: State) -> None:
    with pytest.raises(UrlError):
        add(state, found("javascript:alert(1)"))


def test_a_leased_url_is_leased_to_nobody_else_until_the_lease_runs_out(state: State) -> None:
    add(state, found("https://one.example/a"))
    assert len(lease(state, "a")) == 1
    assert lease(state, "b", at=after(299)) == []
    assert [item.url for item in lease(state, "b", at=after(301))] == ["https://one.example/a"]


def test_a_lease_that_was_lost_is_not_settled_by_its_old_owner(state: State) -> None:
    add(state, found("https://one.example/a"))
    (old,) = lease(state, "a")
    (new,) = lease(state, "b", at=after(301))
    done(state, old, "a", at=after(302))
    with state.begin() as transaction:
        assert frontier.pending(transaction, after(303)) == 1
    done(state, new, "b", at=after(304))
    with state.begin() as transaction:
        assert frontier.pending(transaction, after(305)) == 0


def test_leases_given_back_are_due_at_once(state: State) -> None:
    add(state, found("https://one.example/a"), found("https://two.example/a"))
    leased = lease(state, "a")
    with state.begin() as transaction:
        assert frontier.release(transaction, "a", [leased[0].url_id]) == 1
        assert frontier.release(transaction, "b") == 0
        assert frontier.release(transaction, "a") == 1
    assert len(lease(state, "b")) == 2


def test_live_goes_before_backfill_then_priority_then_due_time(state: State) -> None:
    add(state, found("https://one.example/old", lane=Lane.BACKFILL, priority=9), at=after(-9))
    add(state, found("https://two.example/later"), at=after(-1))
    add(state, found("https://three.example/sooner"), at=after(-2))
    add(state, found("https://four.example/first", priority=1), at=after(-1))
    assert [item.url.split("/")[3] for item in lease(state)] == ["first", "sooner", "later", "old"]


def test_a_lane_that_is_not_asked_for_waits(state: State) -> None:
    add(state, found("https://one.example/a", lane=Lane.BACKFILL))
    assert lease(state, lanes=[Lane.LIVE]) == []
    assert len(lease(state, lanes=[Lane.BACKFILL])) == 1


def test_what_is_not_due_is_not_leased(state: State) -> None:
    add(state, found("https://one.example/a"), at=after(10))
    assert lease(state) == []
    assert len(lease(state, at=after(10))) == 1


def test_of_a_host_with_a_delay_one_url_is_out_at_a_time(state: State) -> None:
    add(state, *(found(f"https://one.example/{n}") for n in range(5)), found("https://two.example/a"))
    first = lease(state, delay_seconds=5)
    assert sorted(item.host for item in first) == ["one.example", "two.example"]
    assert lease(state, "b", delay_seconds=5) == []
    done(state, next(item for item in first if item.host == "one.example"))
    assert [item.host for item in lease(state, "b", delay_seconds=5)] == ["one.example"]


def test_of_a_host_without_delay_all_go_at_once(state: State) -> None:
    add(state, *(found(f"https://one.example/{n}") for n in range(5)))
    assert len(lease(state, limit=4)) == 4


def test_a_host_that_may_not_be_asked_yet_is_passed_over(state: State) -> None:
    add(state, found("https://one.example/a"), found("https://two.example/a"))
    with state.begin() as transaction:
        hosts.pause(transaction, "one.example", after(60))
    assert [item.host for item in lease(state)] == ["two.example"]
    assert [item.host for item in lease(state, at=after(60))] == ["one.example"]


def test_processes_that_lease_at_once_share_the_urls(state: State, state_url: str) -> None:
    add(state, *(found(f"https://host{n}.example/a") for n in range(40)))
    start = threading.Barrier(4)

    def work(owner: str) -> list[str]:
        with open_state(state_url) as own:
            start.wait()
            return [item.url_id for _ in range(10) for item in lease(own, owner, limit=3)]

    with ThreadPoolExecutor(4) as pool:
        taken = [each for part in pool.map(work, "abcd") for each in part]
    taken += [item.url_id for item in lease(state, "e", limit=40)]
    assert len(taken) == len(set(taken)) == 40


def test_a_fetched_url_is_not_due_again_and_keeps_what_a_conditional_request_needs(state: State) -> None:
    add(state, found("https://one.example/a"))
    (leased,) = lease(state)
    done(state, leased, etag='W/"1"', last_modified="Mon, 23 Nov 2026 08:00:00 GMT")
    assert standing(state, "https://one.example/a") == ("fetched", None)
    assert lease(state, at=after(86_400)) == []
    add(state, found("https://one.example/a", why=ASKED), at=after(90_000))
    (again,) = lease(state, at=after(90_000))
    assert (again.etag, again.last_modified) == ('W/"1"', "Mon, 23 Nov 2026 08:00:00 GMT")
    done(state, again, at=after(90_001))
    add(state, found("https://one.example/a", why=ASKED), at=after(90_002))
    assert lease(state, at=after(90_002))[0].etag == 'W/"1"'


def test_an_entry_updated_since_the_fetch_makes_its_url_due_once(state: State) -> None:
    url = "https://one.example/a"
    add(state, found(url, updated_at=after(-60)))
    done(state, lease(state)[0], at=after(1))
    assert add(state, found(url, updated_at=after(-60)), at=after(10)) == frontier.Added(0, 0)
    assert add(state, found(url, updated_at=after(20)), at=after(30)) == frontier.Added(0, 1)
    assert standing(state, url) == ("waiting", "updated")
    (again,) = lease(state, at=after(30))
    assert again.why == "updated"
    assert again.entry is not None
    assert again.entry.updated_at == after(20)
    done(state, again, at=after(31))
    assert standing(state, url) == ("fetched", None)
    assert add(state, found(url, updated_at=after(20)), at=after(40)) == frontier.Added(0, 0)


def test_an_entry_dated_into_the_future_does_not_make_its_url_due_at_every_reading(state: State) -> None:
    url = "https://one.example/a"
    future = after(999_999)
    add(state, found(url, updated_at=future))
    done(state, lease(state)[0], at=after(1))
    assert add(state, found(url, updated_at=future), at=after(10)) == frontier.Added(0, 0)


def test_retries_come_later_each_time_up_to_the_ceiling_and_never_before_the_site_said(state: State) -> None:
    url = "https://one.example/a"
    add(state, found(url))
    at, waits = NOW, []
    for _ in range(9):
        (leased,) = lease(state, at=at)
        retry(state, leased, at)
        assert standing(state, url) == ("waiting", "timeout")
        waits.append(next(wait for wait in range(60, 3601, 60) if _is_due(state, at + timedelta(seconds=wait))))
        at += timedelta(seconds=waits[-1])
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    (leased,) = lease(state, at=at)
    retry(state, leased, at, not_before=at + timedelta(days=2))
    assert not _is_due(state, at + timedelta(days=2, seconds=-1))
    assert _is_due(state, at + timedelta(days=2))


def _is_due(state: State, at: datetime) -> bool:
    with state.begin() as transaction:
        return frontier.pending(transaction, at) == 1


def test_a_thousand_failures_still_give_a_due_time(state: State) -> None:
    add(state, found("https://one.example/a"))
    (leased,) = lease(state)
    retry(state, Leased(**{**vars(leased), "attempts": 5000}))
    assert _is_due(state, after(3600))


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
        assert hosts.robots_of(transaction, "one.example") is None
        hosts.take(transaction, ["one.example"], NOW, 5)
        assert hosts.robots_of(transaction, "one.example") is None
        hosts.keep_robots(transaction, "one.example", robots, 20)
        assert hosts.robots_of(transaction, "one.example") == robots
        assert hosts.take(transaction, ["one.example"], after(5), 5) == {"one.example": None}
        assert hosts.take(transaction, ["one.example"], after(10), 5) == {"one.example": after(25)}


# sources


def test_a_source_is_due_at_once_and_then_once_per_interval(state: State) -> None:
    every = {"one": timedelta(minutes=30), "two": timedelta(minutes=10)}
    assert [due.source_id for due in _take(state, every, 0)] == ["one", "two"]
    assert _take(state, every, 599) == []
    assert [due.source_id for due in _take(state, every, 600)] == ["two"]
    assert [due.source_id for due in _take(state, every, 1800)] == ["one", "two"]


def test_slots_that_nobody_fired_are_counted_and_fire_once_together(state: State) -> None:
    every = {"one": timedelta(minutes=10)}
    _take(state, every, 0)
    assert [(due.source_id, due.missed) for due in _take(state, every, 3_650)] == [("one", 5)]
    assert _take(state, every, 4_199) == []
    assert [(due.slot_at, due.missed) for due in _take(state, every, 4_200)] == [(after(4_200), 0)]


def test_a_slot_fires_once_however_many_schedulers_look(state: State, state_url: str) -> None:
    every = {f"s{number}": timedelta(minutes=10) for number in range(5)}
    start = threading.Barrier(4)

    def work(_: int) -> list[tuple[str, datetime]]:
        taken = []
        with open_state(state_url) as own:
            start.wait()
            for tick in range(20):
                with own.begin() as transaction:
                    taken += sources.take_due(transaction, every, after(tick * 300))
        return [(due.source_id, due.slot_at) for due in taken]

    with ThreadPoolExecutor(4) as pool:
        fired = [slot for part in pool.map(work, range(4)) for slot in part]
    assert len(fired) == len(set(fired)) >= 5 * 9


def test_taking_now_moves_the_next_slot(state: State) -> None:
    every = {"one": timedelta(minutes=10)}
    with state.begin() as transaction:
        assert [due.source_id for due in sources.take_now(transaction, every, NOW)] == ["one"]
    assert _take(state, every, 599) == []
    assert len(_take(state, every, 600)) == 1


def _take(state: State, every: dict[str, timedelta], seconds: float) -> list[sources.Due]:
    with state.begin() as transaction:
        return sources.take_due(transaction, every, after(seconds))


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
