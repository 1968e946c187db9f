"""What was asked of hosts, alike on SQLite and PostgreSQL: written down, read by source, and forgotten by age."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from govwire.core.state import State, exchanges, housekeeping, open_state
from govwire.core.state.exchanges import Exchange
from state_databases import DATABASES, after, empty_database


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def exchange(seconds: float, source_id: str = "one", **facts: object) -> Exchange:
    url = f"https://one.example/{seconds:g}"
    return Exchange(
        at=after(seconds),
        host="one.example",
        source_id=source_id,
        url=url,
        purpose="page",
        **facts,  # type: ignore[arg-type]
    )


def test_the_newest_exchanges_of_a_source_come_first_as_they_were_written(state: State) -> None:
    answered = exchange(1, status=304, bytes=7, waited_seconds=4.5, honoured=("crawl-delay 10 s", "conditional"))
    silent, other = exchange(2, error="DownloadTimeoutError: 30 s"), exchange(3, source_id="two")
    with state.begin() as transaction:
        exchanges.record(transaction, [answered, other, silent])
        exchanges.record(transaction, [])
    with state.begin() as transaction:
        assert exchanges.of_source(transaction, "one", 10) == [silent, answered]
        assert exchanges.of_source(transaction, "one", 1) == [silent]
        assert exchanges.of_source(transaction, "three", 10) == []


def test_what_is_older_than_asked_for_is_forgotten(state: State) -> None:
    with state.begin() as transaction:
        exchanges.record(transaction, [exchange(seconds) for seconds in range(5)])
        assert housekeeping.delete_exchanges(transaction, after(3)) == 3
        assert [each.at for each in exchanges.of_source(transaction, "one", 10)] == [after(4), after(3)]
