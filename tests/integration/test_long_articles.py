"""Whatever a text is like, classify keeps its place in the group: long ones are waited for, poison is set aside."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from govwire.core.bus import Bus, Member, open_bus
from govwire.core.bus.kafka import clients
from govwire.core.envelope import wrap
from govwire.core.errors import ClassificationError
from govwire.core.flow import ARTICLES, CLASSIFY, TAGGED
from govwire.core.metrics import Health
from govwire.core.records import Article, Labels, Tagged
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.state import State, ledger, open_state
from govwire.core.vocabulary import load_vocabulary
from processors import deadletters
from processors.stage import Loop
from processors.stages.classify import ClassifyStage
from samples import article
from servers.kafka import KafkaServer
from servers.process import wait_until

# As short as the session allows: what takes longer would cost the place in the group, were the consumer not kept alive.
POLL_SECONDS = 11.0
PARAGRAPH = (
    "Ministers met in Geneva on Thursday to discuss a treaty on artificial intelligence. “We need binding rules for "
    "frontier AI before it is too late,” said Ana Ruiz, who chairs the talks. Industry groups called it premature."
)
LAST = "“We need binding rules for frontier AI at last,” said Tom Becker."
LONG = "\n".join([*(f"{PARAGRAPH} That was on day {day}." for day in range(2_000_000 // len(PARAGRAPH))), LAST])


class Watching(ClassifyStage):
    """The classify stage, for which one text is poison; it notes how long it works, and its member's generations."""

    def __init__(self, settings: Settings, state: State, members: "Members") -> None:
        super().__init__(settings, load_vocabulary(shared("config")), state)
        self._members = members
        self.longest_seconds = 0.0
        self.generations: set[int] = set()

    def work(self, records: Sequence[Article]) -> Sequence[Labels | ClassificationError]:
        self.generations.add(self._members.live_generation())
        began = time.monotonic()
        drafts = [
            ClassificationError("cannot be read") if record.title == "poison" else draft
            for record, draft in zip(records, super().work(records), strict=True)
        ]
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
        self.generations.add(self._members.live_generation())
        return drafts


class Members:
    """The bus, whose members can be looked at while they are in use; the first is that of the news."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._members: list[Any] = []

    def member(self, group: str, kafka_topics: Sequence[str], slot: str) -> Member:
        self._members.append(self._bus.member(group, kafka_topics, slot))
        return self._members[-1]  # type: ignore[no-any-return]

    def live_generation(self) -> int:
        """How often the group has been shared out; -1 where the member has lost its place."""
        return int(self._members[0]._consumer.group_metadata().generation_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


@pytest.fixture
def settings(kafka_server: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(clients, "_POLL_SECONDS", POLL_SECONDS)
    url, prefix = f"kafka://{kafka_server.bootstrap}", f"long-{uuid4().hex[:8]}"
    return Settings.model_validate(
        {"data_dir": tmp_path, "bus": {"url": url, "prefix": prefix}, "classify": {"engine": "keyword"}}
    )


@pytest.fixture
def bus(settings: Settings) -> Iterator[Bus]:
    opened = open_bus(settings)
    opened.setup()
    yield opened
    opened.close()


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.state_url) as opened:
        yield opened


def publish(bus: Bus, prefix: str, *articles: Article) -> None:
    for each in articles:
        # One key, so that they lie in one partition and come as one batch, in this order.
        message = wrap("extract", "one key", each, lane=each.lane, url_id=each.url_id, fetch_id=each.fetch_id)
        bus.publish(ARTICLES.kafka_topic(prefix), [message])


def named(name: str, **changes: Any) -> Article:
    return article(article_id=name, url_id=name, fetch_id=f"{name}-1", **{"text": PARAGRAPH} | changes)


def test_an_article_of_two_megabytes_costs_no_place_in_the_group_and_a_poison_text_no_batch(
    settings: Settings, bus: Bus, state: State
) -> None:
    prefix = settings.bus.prefix
    publish(bus, prefix, named("first"), named("bad", title="poison"), named("long", text=LONG), named("last"))
    members, stop = Members(bus), threading.Event()
    stage = Watching(settings, state, members)
    loop = Loop(stage, bus=members, state=state, prefix=prefix, slot="t", stop=stop, health=Health())  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run)
    thread.start()
    group, kafka_topics = CLASSIFY.group(prefix), [ARTICLES.kafka_topic(prefix)]
    try:
        wait_until(lambda: bus.lag(group, kafka_topics) == 0, seconds=240, what="the batch")
    finally:
        stop.set()
        thread.join()
    assert stage.longest_seconds > POLL_SECONDS, "too quick to prove anything"
    assert len(stage.generations) == 1
    assert stage.generations != {-1}
    tagged = [Tagged.from_json(delivery.message.value) for delivery in bus.scan(TAGGED.kafka_topic(prefix))]
    labels = {each.article.article_id: each.labels for each in tagged}
    assert len(tagged) == len(labels) == 3
    assert {claim.holder for claim in labels["long"].claims if claim.evidence.start > 1_900_000} == {"Tom Becker"}
    [letter] = deadletters.open_letters(bus, state, prefix)
    assert (letter.url_id, letter.reason) == ("bad", "classification_failed")
    with state.begin() as transaction:
        outcomes = {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}
    assert outcomes == {("classified", None): 3, ("dead", "classification_failed"): 1}
