"""How far archives came, and what the frontier knows of their pages, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from govwire.core import urls
from govwire.core.records import Lane, Page
from govwire.core.state import State, archives, frontier, open_state
from govwire.core.state.archives import Progress
from govwire.core.state.frontier import Added, Found
from samples import page
from state_databases import DATABASES, after, empty_database


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def brought(number: int, seconds: float = 0) -> Page:
    url = f"https://one.example/{number}"
    return page(
        url=url, url_id=urls.url_id(url), lane=Lane.BACKFILL, fetched_at=after(seconds), first_seen_at=after(seconds)
    )


def test_an_archive_goes_on_behind_what_is_settled_until_it_ends(state: State) -> None:
    with state.begin() as transaction:
        assert archives.begin(transaction, "a", "a.warc.gz", after(0)) == Progress(0, {}, ended=False)
        archives.begin(transaction, "b", "b.warc.gz", after(0))
        archives.advance(transaction, "a", 64, {"read": 64, "sent": 3})
    with state.begin() as transaction:
        assert archives.begin(transaction, "a", "a.warc.gz", after(1)) == Progress(
            64, {"read": 64, "sent": 3}, ended=False
        )
        archives.end(transaction, "a", after(2))
        assert archives.begin(transaction, "a", "a.warc.gz", after(3)).ended
        assert archives.begin(transaction, "b", "b.warc.gz", after(3)) == Progress(0, {}, ended=False)
        archives.forget(transaction, "a")
        assert archives.begin(transaction, "a", "a.warc.gz", after(4)) == Progress(0, {}, ended=False)


def test_a_page_that_was_brought_is_not_due_when_a_feed_lists_it(state: State) -> None:
    one, two = brought(1, 5), brought(2, 6)
    with state.begin() as transaction:
        archives.know(transaction, [two, one])
        archives.know(transaction, [])
        assert archives.first_seen(transaction, [one.url_id, "another"]) == {one.url_id: after(5)}
        assert frontier.pending(transaction, after(100)) == 0
        assert frontier.add(transaction, [Found(url=one.url, source_id="one")], after(100)) == Added(0, 0)


def test_what_is_due_or_was_fetched_stays_so_when_its_page_is_brought(state: State) -> None:
    page_ = brought(1, -50)
    with state.begin() as transaction:
        frontier.add(transaction, [Found(url=page_.url, source_id="one")], after(0))
        archives.know(transaction, [page_])
        archives.know(transaction, [brought(1, -10)])
        assert archives.first_seen(transaction, [page_.url_id]) == {page_.url_id: after(0)}
        assert frontier.pending(transaction, after(1)) == 1
