"""Housekeeping: what is old goes, and nothing that a reader of it has not passed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govwire.core import flow, retention
from govwire.core.bus import Bus, Message, open_bus
from govwire.core.flow import Channel, Step
from govwire.core.records import Lane
from govwire.core.settings import Settings
from govwire.core.state import State, exchanges, irrelevant, open_state, stories
from govwire.core.state.exchanges import Exchange
from govwire.core.state.irrelevant import Irrelevant
from govwire.core.state.stories import Teller

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=8)


@dataclass
class Room:
    """An embedded bus and a state of this test's own."""

    settings: Settings
    bus: Bus
    state: State

    def publish(self, channel: Channel, count: int, lane: Lane = Lane.LIVE) -> str:
        kafka_topic = channel.kafka_topic("govwire", lane)
        self.bus.publish(kafka_topic, [Message(f"k{number}", b"{}", {}) for number in range(count)])
        return kafka_topic

    def pass_all(self, step: Step, lane: Lane = Lane.LIVE) -> None:
        """Read and commit everything as this stage would."""
        assert step.reads is not None
        with self.bus.member(step.group("govwire", lane), [step.reads.kafka_topic("govwire", lane)], "a") as member:
            while deliveries := member.read(100, 0.1):
                member.commit(deliveries)

    def left(self, kafka_topic: str) -> int:
        return sum(1 for _ in self.bus.scan(kafka_topic))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    settings = Settings(data_dir=tmp_path)
    bus = open_bus(settings)
    bus.setup()
    with open_state(settings.state_url) as state:
        yield Room(settings, bus, state)
    bus.close()


def test_what_is_old_and_read_goes_and_what_is_young_stays(room: Room) -> None:
    pages, articles = room.publish(flow.PAGES, 5), room.publish(flow.ARTICLES, 5)
    room.pass_all(flow.EXTRACT)
    room.pass_all(flow.CLASSIFY)
    # After five days pages have had their time, articles not.
    gone = retention.sweep(room.settings, room.bus, room.state, NOW + timedelta(days=5))
    assert (gone[pages], gone[articles]) == (5, 0)
    assert (room.left(pages), room.left(articles)) == (0, 5)
    assert retention.sweep(room.settings, room.bus, room.state, LATER)[articles] == 5


def test_what_one_of_two_readers_has_not_passed_stays_however_old(room: Room) -> None:
    tagged = room.publish(flow.TAGGED, 6)
    room.pass_all(flow.INDEX)
    assert retention.sweep(room.settings, room.bus, room.state, LATER)[tagged] == 0
    assert room.left(tagged) == 6
    room.pass_all(flow.MATCH)
    assert retention.sweep(room.settings, room.bus, room.state, LATER)[tagged] == 6
    assert room.left(tagged) == 0


def test_history_waits_for_its_own_readers_only(room: Room) -> None:
    tagged = room.publish(flow.TAGGED, 3, Lane.BACKFILL)
    assert retention.sweep(room.settings, room.bus, room.state, LATER)[tagged] == 0
    room.pass_all(flow.INDEX, Lane.BACKFILL)
    assert retention.sweep(room.settings, room.bus, room.state, LATER)[tagged] == 3


def test_what_nobody_reads_goes_by_age_alone(room: Room) -> None:
    letters, alerts = room.publish(flow.DEADLETTERS, 2), room.publish(flow.ALERTS, 2)
    gone = retention.sweep(room.settings, room.bus, room.state, LATER)
    assert (gone[letters], gone[alerts]) == (2, 2)


def test_old_rows_of_the_state_go_and_young_ones_stay(room: Room) -> None:
    _keep(room.state, "old", NOW - timedelta(days=40))
    _keep(room.state, "young", NOW - timedelta(days=20))
    gone = retention.sweep(room.settings, room.bus, room.state, NOW)
    assert (gone["irrelevant"], gone["bands"], gone["exchanges"]) == (1, 2, 2)
    with room.state.begin() as transaction:
        assert irrelevant.find(transaction, "old") is None
        assert irrelevant.find(transaction, "young") is not None


def test_several_sweeps_at_once_harm_nothing(room: Room) -> None:
    pages = room.publish(flow.PAGES, 50)
    room.pass_all(flow.EXTRACT)
    room.publish(flow.PAGES, 7)
    _keep(room.state, "old", NOW - timedelta(days=40))
    together = threading.Barrier(4)

    def sweep(_: int) -> dict[str, int]:
        together.wait()
        return retention.sweep(room.settings, room.bus, room.state, LATER)

    with ThreadPoolExecutor(4) as pool:
        gone = list(pool.map(sweep, range(4)))
    assert sum(each[pages] for each in gone) == 50
    assert sum(each["irrelevant"] for each in gone) == 1
    assert room.left(pages) == 7


def _keep(state: State, article_id: str, at: datetime) -> None:
    row = Irrelevant(article_id, article_id, f"https://wire.example/{article_id}", "Title", "Text", 0.1, "model", "m")
    with state.begin() as transaction:
        irrelevant.keep(transaction, [row], at)
        stories.announce(transaction, [Teller(article_id, at, at, (f"band of {article_id}",), "one.example")])
        asked = Exchange(at=at, host="wire.example", source_id="wire", url=row.url, purpose="page", status=200)
        exchanges.record(transaction, [asked])
