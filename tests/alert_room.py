"""Bus and state of a test's own with the two stages of alerts, what is told in it, and what came in at the far ends."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from govwire.core import flow
from govwire.core.bus import Bus, Message, open_bus
from govwire.core.envelope import wrap
from govwire.core.metrics import Health
from govwire.core.records import AlertMessage, Lane, Tagged
from govwire.core.settings import AlertSettings, Settings
from govwire.core.state import State, ledger, open_state, outbox
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.alerts import subscribing
from processors.alerts.message import NEW_STORY, message_id
from processors.alerts.subscribing import Wanted
from processors.stage import Loop
from processors.stages.deliver import DeliverLoop
from processors.stages.match import MatchStage
from samples import article, tagged
from servers.http_receiver import HttpReceiver
from servers.process import wait_until
from servers.smtp import SmtpServer

CONFIG = Path(__file__).parents[1] / "config"


def story(number: int, *, copy: int = 0, revision: int = 1, hours_ago: float = 1, **changes: Any) -> Tagged:
    """An article of its own, or another copy or revision of the story of that number."""
    seen_at = datetime.now(UTC) - timedelta(hours=hours_ago)
    url_id = f"url-{number}-{copy}"
    values = {
        "article_id": f"article-{number}-{copy}",
        "url_id": url_id,
        "fetch_id": f"{url_id}-{revision}",
        "revision": revision,
        "url": f"https://wire.example/{number}/{copy}",
        "requested_url": f"https://wire.example/{number}/{copy}",
        "title": f"Talks on binding rules, day {number}",
        "story_id": f"story-{number}",
        "first_seen_at": seen_at,
        "fetched_at": seen_at,
    }
    return tagged(article=article(**(values | changes)))


def ids(subscription: str, numbers: Sequence[int]) -> list[str]:
    return sorted(message_id(subscription, f"story-{number}", NEW_STORY) for number in numbers)


class Room:
    """Bus and state in a folder of this test's own, with the two stages of alerts on them."""

    def __init__(self, folder: Path, **alerts: Any) -> None:
        self.settings = Settings(data_dir=folder, alerts=AlertSettings(**({"retry_base_seconds": 0.2} | alerts)))
        self.vocabulary: Vocabulary = load_vocabulary(CONFIG)
        self.bus: Bus = open_bus(self.settings)
        self.bus.setup()
        self.state: State = open_state(self.settings.state_url)

    def close(self) -> None:
        self.bus.close()
        self.state.close()

    def subscribe(self, name: str, channel: str, query: str = "title:binding") -> None:
        wanted = Wanted(name=name, query=query, channel=channel)
        assert subscribing.add(self.state, [wanted], self.vocabulary) == [name]

    def match(self, *articles: Tagged, lane: Lane = Lane.LIVE) -> None:
        """Put articles on the bus, and let the match stage read all there is."""
        self.bus.publish(flow.TAGGED.kafka_topic("govwire", lane), [_event(each, lane) for each in articles])
        stop = threading.Event()
        loop = Loop(
            MatchStage(self.settings, self.vocabulary, self.state),
            bus=self.bus,
            state=self.state,
            prefix="govwire",
            slot="test-0",
            stop=stop,
            health=Health(),
        )
        with _running(loop.run, stop):
            wait_until(lambda: not self._lag(), seconds=20, what="match reads all there is")

    def _lag(self) -> int:
        return self.bus.lag(flow.MATCH.group("govwire"), [flow.TAGGED.kafka_topic("govwire")])

    @contextmanager
    def delivering(self, *, bus: Bus | None = None, health: Health | None = None) -> Iterator[None]:
        """Deliver beside the block."""
        stop = threading.Event()
        loop = DeliverLoop(self.settings, bus=bus or self.bus, state=self.state, stop=stop, health=health or Health())
        with _running(loop.run, stop):
            yield

    def deliver(self) -> None:
        """Deliver until nothing is due now."""
        with self.delivering():
            wait_until(lambda: not self.due(), seconds=20, what="deliver sends all there is")

    def due(self) -> int:
        with self.state.begin() as transaction:
            return outbox.due(transaction, datetime.now(UTC))

    def log(self, **filters: Any) -> list[dict[str, Any]]:
        with self.state.begin() as transaction:
            return outbox.log(transaction, **filters)

    def wait_for(self, status: str, count: int = 1, *, seconds: float = 20) -> list[dict[str, Any]]:
        wait_until(
            lambda: len(self.log(status=status)) >= count, seconds=seconds, what=f"{count} messages are {status}"
        )
        return self.log(status=status)

    def detail(self, number: int, copy: int = 0) -> str | None:
        """What the ledger says of match for that article."""
        with self.state.begin() as transaction:
            (step,) = ledger.steps_of(transaction, f"url-{number}-{copy}")
        assert (step.stage, step.outcome) == ("match", "matched")
        return step.detail

    def announced(self) -> list[AlertMessage]:
        """What lies on the Kafka topic of alerts."""
        return [
            AlertMessage.from_json(each.message.value) for each in self.bus.scan(flow.ALERTS.kafka_topic("govwire"))
        ]


@contextmanager
def _running(run: Any, stop: threading.Event) -> Iterator[None]:
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert not failed, failed


def _event(each: Tagged, lane: Lane) -> Message:
    of = each.article
    return wrap("classify", of.article_id, each, lane=lane, url_id=of.url_id, fetch_id=of.fetch_id)


def hook(webhook: HttpReceiver, rest: str = "") -> str:
    return f"json://127.0.0.1:{webhook.port}/hook{rest}"


def mailbox(smtp_server: SmtpServer) -> str:
    return f"mailto://127.0.0.1:{smtp_server.port}?from=govwire@wire.example&to=desk@paper.example"


def received(webhook: HttpReceiver) -> list[str]:
    """The message ids that came in, each as often as it came."""
    return sorted(request.json()["message_id"] for request in webhook.requests)


def tried(room: Room, subscription: str) -> int:
    """How many of a subscription's messages were tried."""
    return sum(1 for entry in room.log(subscription=subscription) if entry["attempts"])
