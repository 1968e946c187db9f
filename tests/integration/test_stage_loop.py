"""The loop of a stage on a real embedded bus and state: what is committed when, and what becomes of errors."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from govwire.core import flow
from govwire.core.bus import Bus, Message, open_bus
from govwire.core.envelope import wrap
from govwire.core.errors import BrokerError, ClassificationError, RecordError
from govwire.core.metrics import Health
from govwire.core.records import Article, Lane, Record
from govwire.core.settings import Settings
from govwire.core.state import State, Transaction, ledger, open_state
from govwire.core.state.ledger import Outcome, Outcomes
from processors import deadletters
from processors.stage import Loop, Publication, Result, Stage
from samples import article


class Shout:
    """A real, tiny stage: articles in, articles with a loud title out, on the Kafka topic of tagged ones."""

    step = flow.CLASSIFY
    max_batch = 10

    def __init__(self, on_work: Callable[[Article], None] = lambda _: None) -> None:
        self._on_work = on_work
        self.batches: list[list[str]] = []

    def work(self, records: Sequence[Article]) -> Sequence[str | RecordError]:
        self.batches.append([record.article_id for record in records])
        drafts: list[str | RecordError] = []
        for record in records:
            if record.title == "poison":
                drafts.append(ClassificationError("cannot be read"))
                continue
            self._on_work(record)
            drafts.append(record.title.upper())
        return drafts

    def settle(self, transaction: Transaction, records: Sequence[Article], drafts: Sequence[str]) -> Sequence[Result]:
        return [self._result(record, draft) for record, draft in zip(records, drafts, strict=True)]

    def _result(self, record: Article, draft: str) -> Result:
        loud = record.model_copy(update={"title": draft})
        message = wrap(
            "classify", record.article_id, loud, lane=record.lane, url_id=record.url_id, fetch_id=record.fetch_id
        )
        return Result(
            outcomes=[_outcome(record, Outcome.CLASSIFIED)],
            publications=[Publication(flow.TAGGED, record.lane, message)],
        )

    def close(self) -> None:
        pass


def _outcome(record: Article, outcome: Outcome) -> Outcomes:
    return Outcomes(
        url_id=record.url_id,
        url=record.url,
        source_id=record.source.id,
        lane=record.lane,
        fetch_id=record.fetch_id,
        stage="classify",
        outcome=outcome,
    )


class Room:
    """A bus and a state in a folder of this test's own, and a loop that runs until all is done."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder)
        self.bus: Bus = open_bus(self.settings)
        self.bus.setup()
        self.state: State = open_state(self.settings.state_url)

    def publish(self, *records: Record, lane: Lane = Lane.LIVE) -> None:
        for record in records:
            assert isinstance(record, Article)
            self.publish_raw(record.to_json(), record.article_id, record.url_id, record.fetch_id, lane)

    def publish_raw(self, value: bytes, key: str, url_id: str, fetch_id: str, lane: Lane = Lane.LIVE) -> None:
        headers = {"ce_id": f"extract:{key}", "ce_subject": url_id, "ce_fetchid": fetch_id, "ce_lane": str(lane)}
        self.bus.publish(flow.ARTICLES.kafka_topic("govwire", lane), [Message(key, value, headers)])

    def drain(self, stage: Stage[Any], bus: Bus | None = None) -> None:
        stop = threading.Event()
        loop = Loop(
            stage, bus=bus or self.bus, state=self.state, prefix="govwire", slot="test-0", stop=stop, health=Health()
        )
        thread = threading.Thread(target=loop.run)
        thread.start()
        waited = threading.Event()
        for _ in range(200):
            if self.lag() == 0:
                break
            waited.wait(0.05)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        assert self.lag() == 0, "the loop did not drain its Kafka topics"

    def lag(self) -> int:
        return sum(
            self.bus.lag(flow.CLASSIFY.group("govwire", lane), [flow.ARTICLES.kafka_topic("govwire", lane)])
            for lane in Lane
        )

    def titles(self) -> list[str]:
        return [
            Article.from_json(delivery.message.value).title
            for delivery in self.bus.scan(flow.TAGGED.kafka_topic("govwire"))
        ]

    def letters(self) -> list[Any]:
        return list(deadletters.open_letters(self.bus, self.state, "govwire"))

    def outcomes(self) -> dict[tuple[str, str | None], int]:
        with self.state.begin() as transaction:
            return {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.bus.close()
    made.state.close()


def _articles(*titles: str) -> list[Article]:
    return [
        article(article_id=f"a{number}", url_id=f"u{number}", fetch_id=f"u{number}-1", title=title)
        for number, title in enumerate(titles)
    ]


class Flaky:
    """A bus whose broker fails at its first publications: the rest is the bus itself."""

    def __init__(self, bus: Bus, failures: int) -> None:
        self._bus, self.failures = bus, failures

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokerError("broker away; waiting", retry_after_seconds=0.01)
        self._bus.publish(kafka_topic, messages)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def test_every_record_of_a_batch_is_worked_published_and_committed(room: Room) -> None:
    room.publish(*_articles("one", "two", "three"))
    room.drain(Shout())
    assert sorted(room.titles()) == ["ONE", "THREE", "TWO"]
    assert room.outcomes() == {("classified", None): 3}


def test_a_record_that_cannot_be_processed_is_a_dead_letter_and_the_batch_goes_on(room: Room) -> None:
    room.publish(*_articles("one", "poison", "three"))
    room.drain(Shout())
    assert sorted(room.titles()) == ["ONE", "THREE"]
    (letter,) = room.letters()
    assert (letter.reason, letter.stage, letter.url_id) == ("classification_failed", "classify", "u1")
    assert Article.from_json(letter.value()).title == "poison"
    assert room.outcomes() == {("classified", None): 2, ("dead", "classification_failed"): 1}
    with room.state.begin() as transaction:
        [step] = ledger.steps_of(transaction, "u1")
    assert (step.detail or "").startswith(f"letter {letter.dead_letter_id}: ClassificationError: ")


def test_an_error_nobody_foresaw_costs_one_record_and_names_its_place(room: Room) -> None:
    def burst(record: Article) -> None:
        if record.title == "burst":
            raise ZeroDivisionError("division by zero")

    room.publish(*_articles("one", "burst", "three"))
    room.drain(Shout(on_work=burst))
    assert sorted(room.titles()) == ["ONE", "THREE"]
    (letter,) = room.letters()
    assert (letter.reason, letter.error) == ("unexpected_error", "ZeroDivisionError")
    assert "burst" in letter.place


def test_broken_json_is_a_dead_letter_with_its_bytes_and_its_url_accounted_for(room: Room) -> None:
    room.publish_raw(b'{"schema": 1, "article', "a9", "u9", "u9-1")
    room.publish(*_articles("one"))
    room.drain(Shout())
    (letter,) = room.letters()
    assert (letter.reason, letter.value()) == ("not_json", b'{"schema": 1, "article')
    assert room.outcomes() == {("classified", None): 1, ("dead", "not_json"): 1}


def test_a_newer_schema_waits_as_a_dead_letter_and_is_replayed_by_itself_once_known(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = _articles("later")[0].model_copy(update={"schema_number": 2})
    room.publish(newer)
    room.drain(Shout())
    assert [letter.reason for letter in room.letters()] == ["newer_schema"]
    monkeypatch.setattr(Article, "SCHEMA", 2)
    stop_when_replayed = Shout()
    room.publish(*_articles("now"))
    room.drain(stop_when_replayed)
    room.drain(stop_when_replayed)
    assert sorted(room.titles()) == ["LATER", "NOW"]
    assert room.letters() == []


def test_a_service_that_is_away_is_waited_for_and_makes_no_dead_letter(room: Room) -> None:
    room.publish(*_articles("one", "two"))
    flaky = Flaky(room.bus, failures=3)
    room.drain(Shout(), bus=flaky)
    assert flaky.failures == 0
    assert sorted(room.titles()) == ["ONE", "TWO"]
    assert room.letters() == []


def test_offsets_are_not_committed_while_publishing_fails(room: Room) -> None:
    room.publish(*_articles("one"))
    stop = threading.Event()
    flaky = Flaky(room.bus, failures=10**6)
    loop = Loop(Shout(), bus=flaky, state=room.state, prefix="govwire", slot="test-0", stop=stop, health=Health())
    thread = threading.Thread(target=loop.run)
    thread.start()
    while flaky.failures > 10**6 - 3:
        stop.wait(0.01)
    stop.set()
    thread.join(10)
    assert room.lag() == 1
    room.drain(Shout())
    assert room.titles() == ["ONE"]


def test_history_waits_until_the_news_is_done(room: Room) -> None:
    old = article(article_id="old", url_id="old", fetch_id="old-1", title="old", lane=Lane.BACKFILL)
    room.publish(old, lane=Lane.BACKFILL)
    room.publish(*_articles(*"abcdefghijklmnopqrstuvwxyz"))
    stage = Shout()
    room.drain(stage)
    assert stage.batches[-1] == ["old"]
    (history,) = room.bus.scan(flow.TAGGED.kafka_topic("govwire", Lane.BACKFILL))
    assert Article.from_json(history.message.value).title == "OLD"


def test_a_dead_letter_replayed_twice_is_one_outcome(room: Room) -> None:
    room.publish(*_articles("poison"))
    room.drain(Shout())
    letters = room.letters()
    deadletters.replay(room.bus, room.state, letters)
    deadletters.replay(room.bus, room.state, letters)

    class Healed(Shout):
        def work(self, records: Sequence[Article]) -> Sequence[str | RecordError]:
            return [record.title for record in records]

    room.drain(Healed())
    assert room.outcomes() == {("classified", None): 1}
    assert room.letters() == []
