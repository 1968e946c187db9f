"""Whose past is still to be asked for, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from govwire.core.state import State, open_state, pasts
from state_databases import DATABASES, after, empty_database


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def take(state: State, seconds: float, *source_ids: str, limit: int = 9) -> list[str]:
    with state.begin() as transaction:
        return pasts.take(transaction, source_ids, limit, after(seconds), lease_seconds=100)


def test_each_past_is_taken_once_and_again_when_its_taker_died(state: State) -> None:
    assert take(state, 0, "a", "b", "c", limit=2) == ["a", "b"]
    assert take(state, 1, "a", "b", "c") == ["c"]
    assert take(state, 2, "a", "b", "c") == []
    with state.begin() as transaction:
        pasts.end(transaction, ["b"])
    assert take(state, 100, "a", "b", "c") == ["a"]
    assert take(state, 300, "b", "c", "d") == ["c", "d"]


def test_a_past_that_could_not_be_reached_is_taken_again_from_a_time_on(state: State) -> None:
    assert take(state, 0, "a") == ["a"]
    with state.begin() as transaction:
        pasts.end(transaction, ["a"], after(50))
    assert take(state, 49, "a") == []
    assert take(state, 50, "a") == ["a"]
