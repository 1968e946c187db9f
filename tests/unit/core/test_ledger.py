"""The ledger: rows only move forward, and the books always add up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govwire.core.records import Lane
from govwire.core.state import State, ledger, open_state
from govwire.core.state.ledger import Outcome, Outcomes

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as opened:
        yield opened


def _outcome(stage: str, outcome: Outcome, fetch: str, reason: str | None = None, url_id: str = "u1") -> Outcomes:
    return Outcomes(
        url_id=url_id,
        url=f"https://wire.example/{url_id}",
        source_id="wire",
        lane=Lane.LIVE,
        fetch_id=fetch,
        stage=stage,
        outcome=outcome,
        reason=reason,
    )


WAY = [
    ("crawl", Outcome.FETCHED, None),
    ("extract", Outcome.EXTRACTED, None),
    ("classify", Outcome.CLASSIFIED, None),
    ("index", Outcome.INDEXED, None),
]


def _counts(state: State) -> dict[tuple[str, str | None], int]:
    with state.begin() as transaction:
        return {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}


def _record(state: State, *outcomes: Outcomes) -> None:
    with state.begin() as transaction:
        ledger.record(transaction, outcomes, NOW)


def test_a_url_waits_is_in_flight_and_ends(state: State) -> None:
    _record(state, _outcome("crawl", Outcome.WAITING, "", "new"))
    assert _counts(state) == {("waiting", "new"): 1}
    for stage, outcome, reason in WAY:
        _record(state, _outcome(stage, outcome, "f1", reason))
        assert _counts(state) == {(outcome, None): 1}


def test_a_redelivered_record_of_an_older_fetch_changes_nothing(state: State) -> None:
    for fetch in ("f1", "f2"):
        _record(state, *(_outcome(stage, outcome, fetch) for stage, outcome, _ in WAY))
    _record(state, _outcome("extract", Outcome.DROPPED, "f1", "no_article"))
    assert _counts(state) == {("indexed", None): 1}


def test_a_fetch_that_finds_nothing_new_leaves_the_url_as_it_was(state: State) -> None:
    _record(state, *(_outcome(stage, outcome, "f1") for stage, outcome, _ in WAY))
    _record(state, _outcome("crawl", Outcome.FETCHED, "f2"))
    assert _counts(state) == {("fetched", None): 1}
    _record(state, _outcome("extract", Outcome.DROPPED, "f2", "unchanged"))
    assert _counts(state) == {("indexed", None): 1}
    _record(state, _outcome("crawl", Outcome.DROPPED, "f3", "unchanged"))
    assert _counts(state) == {("indexed", None): 1}
    with state.begin() as transaction:
        assert ("crawl", "dropped", "unchanged") in {
            (step.stage, step.outcome, step.reason) for step in ledger.steps_of(transaction, "u1")
        }


def test_a_fetch_that_finds_nothing_new_leaves_the_end_to_the_one_that_is_still_on_its_way(state: State) -> None:
    # The crawl was killed between publishing and recording, and fetched the page again.
    _record(state, _outcome("crawl", Outcome.FETCHED, "f2"))
    _record(state, _outcome("extract", Outcome.EXTRACTED, "f1"))
    _record(state, _outcome("extract", Outcome.DROPPED, "f2", ledger.UNCHANGED))
    _record(state, _outcome("classify", Outcome.CLASSIFIED, "f1"))
    assert _counts(state) == {("classified", None): 1}
    _record(state, _outcome("index", Outcome.INDEXED, "f1"))
    assert _counts(state) == {("indexed", None): 1}
    _record(state, _outcome("extract", Outcome.DROPPED, "f2", ledger.UNCHANGED))  # delivered again
    assert _counts(state) == {("indexed", None): 1}


def test_a_variant_that_only_repeats_an_article_ends_as_unchanged(state: State) -> None:
    _record(state, _outcome("crawl", Outcome.FETCHED, "f1", url_id="u2"))
    _record(state, _outcome("extract", Outcome.DROPPED, "f1", "unchanged", url_id="u2"))
    assert _counts(state) == {("dropped", "unchanged"): 1}


def test_a_failed_second_fetch_does_not_undo_what_is_indexed(state: State) -> None:
    _record(state, *(_outcome(stage, outcome, "f1") for stage, outcome, _ in WAY))
    _record(state, _outcome("crawl", Outcome.WAITING, "", "timeout"))
    assert _counts(state) == {("indexed", None): 1}


def test_a_replayed_dead_letter_moves_on(state: State) -> None:
    _record(state, _outcome("crawl", Outcome.FETCHED, "f1"))
    _record(state, _outcome("extract", Outcome.DEAD, "f1", "extraction_failed"))
    _record(state, _outcome("extract", Outcome.EXTRACTED, "f1"))
    assert _counts(state) == {("extracted", None): 1}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(range(4)), st.sampled_from(["f1", "f2", "f3"])), max_size=30))
def test_any_order_of_redeliveries_ends_where_the_newest_fetch_got_furthest(
    state: State, deliveries: list[tuple[int, str]]
) -> None:
    with state.begin() as transaction:
        url_id = f"u{len(deliveries)}-{hash(tuple(deliveries))}"
        for place, fetch in deliveries:
            stage, outcome, reason = WAY[place]
            ledger.record(transaction, [_outcome(stage, outcome, fetch, reason, url_id)], NOW)
        stands = ledger.standing_of(transaction, [url_id])
    if deliveries:
        newest = max(fetch for _, fetch in deliveries)
        furthest = max(place for place, fetch in deliveries if fetch == newest)
        assert (stands[url_id]["fetch_id"], stands[url_id]["stage"]) == (newest, WAY[furthest][0])
