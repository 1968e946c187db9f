"""What a crawl process takes of the sources that are due."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from crawlers.due import enrol, take_due
from crawlers.room import Room, utc_now
from govwire.core.metrics import Health
from govwire.core.settings import Settings
from govwire.core.source import Source
from govwire.core.state import State, open_state, schedule
from govwire.core.state.tables import sources

FEED = "https://one.example/feed.xml"


def _room(state: State) -> Room:
    facts = {"id": "one", "name": "One", "home": "https://one.example/", "kind": "press", "country": "INT"}
    source = Source.model_validate(facts | {"language": "en", "rights": "full", "feeds": [FEED]})
    unused: Any = None
    return Room(
        settings=Settings(),
        sources={source.id: source},
        known={source.id: source},
        owners=unused,
        relevance=unused,
        bus=unused,
        state=state,
        owner="a",
        stop=threading.Event(),
        health=Health(),
        once=False,
        give_up_seconds=None,
    )


def test_a_feed_that_waits_for_its_host_longer_than_a_lease_is_not_taken_twice(tmp_path: Path) -> None:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as state:
        room = _room(state)
        enrol(room)
        take_due(room)
        with state.begin() as transaction:
            transaction.execute(update(sources).values(held_until=utc_now() - timedelta(seconds=1)))
        take_due(room)
        with state.begin() as transaction:
            assert schedule.standing(transaction)["one"].is_held(utc_now())
    assert [task.url for task in room.due] == [FEED]
