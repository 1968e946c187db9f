"""What the frontier promises the crawl, alike on SQLite and PostgreSQL: whose a URL is, and when it comes again."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from govwire.core.errors import UrlError
from govwire.core.records import Entry, Lane
from govwire.core.state import State, Transaction, frontier, hosts, ledger, open_state
from govwire.core.state.frontier import ASKED, RETRY, Ended, Found, Leased, Postponed
from govwire.core.state.ledger import Outcome
from govwire.core.urls import url_id
from state_databases import DATABASES, NOW, after, empty_database


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with open_state(state_url) as opened:
        yield opened


def found(url: str, *, updated_at: datetime | None = None, **fields: object) -> Found:
    entry = Entry(feed_url="https://one.example/feed.xml", title="治理", updated_at=updated_at)
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


def test_what_is_known_and_not_to_be_fetched_is_a_named_drop_until_it_is_found_without_its_reason(state: State) -> None:
    general = found("https://one.example/a", drop="prefiltered", detail="Snow tomorrow", updated_at=NOW)
    added = add(state, general, found("https://one.example/b"))
    assert (added.new, added.again, added.dropped) == (2, 0, {"prefiltered": 1})
    assert add(state, general, at=after(60)) == frontier.Added(0, 0)
    assert standing(state, general.url) == ("dropped", "prefiltered")
    with state.begin() as transaction:
        (step,) = ledger.steps_of(transaction, url_id(general.url))
        assert (step.detail, frontier.next_visit(transaction, url_id(general.url))) == ("Snow tomorrow", None)
        assert ledger.unaccounted(transaction) == []
    assert [each.url for each in lease(state)] == ["https://one.example/b"]
    added = add(state, found("https://one.example/a", lane=Lane.BACKFILL), at=after(120))
    assert (added.new, added.again) == (0, 1)
    assert standing(state, general.url) == ("waiting", "new")
    (leased,) = lease(state, at=after(120), lanes=[Lane.BACKFILL])
    done(state, leased, at=after(130))
    assert add(state, found("https://one.example/a"), general, at=after(140)) == frontier.Added(0, 0)
    assert standing(state, general.url) == ("fetched", None)


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


def test_of_a_host_with_a_delay_one_url_is_out_at_a_time_whatever_their_priorities(state: State) -> None:
    add(state, *(found(f"https://one.example/{n}", priority=n) for n in range(3)), found("https://two.example/a"))
    assert sorted(item.url for item in lease(state, delay_seconds=5)) == [
        "https://one.example/2",
        "https://two.example/a",
    ]


def test_history_of_many_ages_is_leased_in_a_few_statements(state: State) -> None:
    pages = [found(f"https://one.example/{n}", lane=Lane.BACKFILL, priority=-n) for n in range(200)]
    add(state, *pages, found("https://two.example/a", lane=Lane.BACKFILL, priority=-150))
    statements: list[str] = []
    with state.begin() as transaction:
        event.listen(transaction, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
        leased = frontier.lease(transaction, "a", 32, NOW, lease_seconds=300, delay_seconds=5)
    assert [item.url for item in leased] == ["https://one.example/0", "https://two.example/a"]
    assert len(statements) < 10


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


def test_what_somebody_asked_for_stays_asked_for_when_it_is_put_off(state: State) -> None:
    add(state, found("https://one.example/a", why=ASKED), found("https://two.example/a"))
    for leased in lease(state):
        retry(state, leased)
    assert {item.host: item.why for item in lease(state, at=after(60))} == {"one.example": ASKED, "two.example": RETRY}


def _is_due(state: State, at: datetime) -> bool:
    with state.begin() as transaction:
        return frontier.pending(transaction, at) == 1


def test_a_thousand_failures_still_give_a_due_time(state: State) -> None:
    add(state, found("https://one.example/a"))
    (leased,) = lease(state)
    retry(state, Leased(**{**vars(leased), "attempts": 5000}))
    assert _is_due(state, after(3600))


def test_more_urls_than_one_statement_can_name_are_taken_in(state: State) -> None:
    added = add(state, *(found(f"https://one.example/{number}") for number in range(1_200)))
    assert (added.new, added.again) == (1_200, 0)
