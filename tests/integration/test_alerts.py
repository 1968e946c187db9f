"""Alerts on a real bus, state, webhook receiver and mail server: who is told what, once, and what of failures."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from govwire.core import faults, flow
from govwire.core.bus import Bus, Message, open_bus
from govwire.core.envelope import ce_id, wrap
from govwire.core.errors import BrokerError
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
from servers.http_receiver import Answer, HttpReceiver
from servers.process import free_port, wait_until
from servers.smtp import SmtpServer

CONFIG = Path(__file__).parents[2] / "config"


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


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


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


# one message for each story


def test_each_subscription_gets_one_message_for_each_story_that_matches(
    room: Room, webhook: HttpReceiver, smtp_server: SmtpServer
) -> None:
    room.subscribe("hook", hook(webhook))
    room.subscribe("post", mailbox(smtp_server), 'stance.binding_regulation:favor title:"day 2"')
    room.match(story(1), story(1, copy=1), story(2), story(3, title="Another matter"))
    room.match(story(1, copy=2), story(2, revision=2))
    room.deliver()
    assert received(webhook) == ids("hook", [1, 2])
    (mail,) = smtp_server.mails
    (mail_id,) = ids("post", [2])
    assert mail.message["Subject"] == "[post] Talks on binding rules, day 2"
    assert mail_id in mail.message.get_content().splitlines()[-1]
    assert "https://wire.example/2/0" in mail.message.get_content()
    assert (mail.recipients, mail.message.get_content_type()) == (["desk@paper.example"], "text/plain")
    assert [entry["status"] for entry in room.log()] == ["sent"] * 3
    assert (room.detail(1), room.detail(1, copy=1), room.detail(3)) == (
        "hook",
        "hook (story told before)",
        "no subscription",
    )


def test_the_kafka_topic_of_alerts_gets_every_message_too(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook))
    room.match(story(1), story(2))
    room.deliver()
    room.deliver()
    announced = room.announced()
    assert sorted(each.message_id for each in announced) == ids("hook", [1, 2])
    (delivery, _) = room.bus.scan(flow.ALERTS.kafka_topic("govwire"))
    assert delivery.message.key == announced[0].message_id
    assert delivery.message.headers["ce_id"] == ce_id("deliver", announced[0])


def test_a_webhook_gets_the_facts_in_fields_of_their_own(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook, "?:team=policy"))
    room.match(story(1))
    room.deliver()
    (request,) = webhook.requests
    body = request.json()
    assert body["title"] == "[hook] Talks on binding rules, day 1"
    assert {name: body[name] for name in ("subscription", "kind", "story_id", "article_id", "url", "team")} == {
        "subscription": "hook",
        "kind": "new_story",
        "story_id": "story-1",
        "article_id": "article-1-0",
        "url": "https://wire.example/1/0",
        "team": "policy",
    }


def test_what_was_matched_is_no_news_to_a_later_subscription(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("early", hook(webhook))
    room.match(story(1))
    room.subscribe("late", hook(webhook))
    relabelled = story(1)
    relabelled = relabelled.model_copy(update={"labels": relabelled.labels.model_copy(update={"epoch": 2})})
    room.match(story(1), relabelled)  # delivered again, and labelled again
    room.match(story(2))
    room.deliver()
    assert received(webhook) == sorted([*ids("early", [1, 2]), *ids("late", [2])])


def test_old_articles_are_suppressed_and_say_why(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook))
    room.match(story(1, hours_ago=49), story(2, hours_ago=47))
    room.deliver()
    assert received(webhook) == ids("hook", [2])
    (entry,) = room.log(status="suppressed")
    assert (entry["reason"], entry["message_id"]) == ("too_old", *ids("hook", [1]))
    assert room.detail(1) == "hook (too_old)"
    assert len(room.announced()) == 1


def test_history_fires_nothing(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook))
    room.match(story(1), lane=Lane.BACKFILL)
    room.match(story(2))
    assert [entry["message_id"] for entry in room.log()] == ids("hook", [2])


def test_a_paused_subscription_is_not_told_later_of_what_passed(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook))
    subscribing.pause(room.state, "hook", paused=True)
    room.match(story(1))
    subscribing.pause(room.state, "hook", paused=False)
    room.match(story(2))
    room.deliver()
    assert received(webhook) == ids("hook", [2])


def test_a_subscription_that_was_removed_meanwhile_is_owed_nothing(room: Room) -> None:
    room.subscribe("gone", "json://127.0.0.1/")
    room.subscribe("there", "json://127.0.0.1/")
    stage = MatchStage(room.settings, room.vocabulary, room.state)
    drafts = stage.work([story(1)])
    subscribing.remove(room.state, "gone")
    with room.state.begin() as transaction:
        (result,) = stage.settle(transaction, [story(1)], drafts)
    assert [outcome.detail for outcome in result.outcomes] == ["there"]
    assert [entry["subscription"] for entry in room.log()] == ["there"]


def test_two_deliverers_send_each_message_once(room: Room, webhook: HttpReceiver) -> None:
    for number in range(10):
        room.subscribe(f"n{number}", hook(webhook, f"/{number}"))
    room.match(*(story(number) for number in range(3)))
    with room.delivering(), room.delivering():
        room.wait_for("sent", 30)
    assert received(webhook) == sorted(each for number in range(10) for each in ids(f"n{number}", range(3)))


# failures


def test_a_message_that_was_not_taken_is_sent_again_under_its_id(room: Room, webhook: HttpReceiver) -> None:
    webhook.answer(503, 429, 401)
    room.subscribe("hook", hook(webhook))
    room.match(story(1))
    with room.delivering():
        (entry,) = room.wait_for("sent")
    assert received(webhook) == ids("hook", [1]) * 4
    assert entry["attempts"] == 4
    assert len(room.announced()) == 1


def test_a_refusal_for_good_is_kept_until_somebody_asks_for_it_again(room: Room, webhook: HttpReceiver) -> None:
    webhook.answer(410)
    room.subscribe("hook", hook(webhook))
    room.match(story(1))
    room.deliver()
    (entry,) = room.log()
    assert (entry["status"], entry["reason"], entry["attempts"]) == ("failed", "refused", 1)
    assert entry["detail"] == f"json://127.0.0.1:{webhook.port}/***: HTTP 410"
    assert subscribing.retry(room.state, [entry["message_id"]]) == 1
    room.deliver()
    assert received(webhook) == ids("hook", [1]) * 2
    assert [entry["status"] for entry in room.log()] == ["sent"]


def test_what_an_article_says_is_not_taken_for_an_answer(room: Room) -> None:
    room.subscribe("dead", f"json://127.0.0.1:{free_port()}/")
    room.match(story(1, title="binding error=404 Socket Exception: (550, b'no')"))
    with room.delivering():
        wait_until(lambda: tried(room, "dead") == 1, what="it was tried")
    (entry,) = room.log()
    assert entry["status"] == "pending"
    assert "A Connection error occurred" in entry["detail"]


def test_a_mail_server_that_refuses_for_now_is_asked_again_and_one_that_refuses_for_good_is_not(
    room: Room, smtp_server: SmtpServer
) -> None:
    smtp_server.refuse("451 try later", "535 wrong password", "550 no such user here")
    room.subscribe("post", mailbox(smtp_server))
    room.match(story(1))
    with room.delivering():
        (entry,) = room.wait_for("failed")
    assert (entry["reason"], entry["attempts"]) == ("refused", 3)
    assert entry["detail"] == f"mailto://127.0.0.1:{smtp_server.port}/***: SMTP 550"
    assert smtp_server.mails == []


def test_a_message_that_cannot_be_sent_for_too_long_is_given_up(tmp_path: Path, webhook: HttpReceiver) -> None:
    room = Room(tmp_path, give_up_after_hours=0.5 / 3600)
    webhook.answer(*[503] * 50)
    room.subscribe("hook", hook(webhook))
    room.match(story(1))
    with room.delivering():
        (entry,) = room.wait_for("failed")
    assert (entry["reason"], entry["detail"]) == ("gave_up", f"json://127.0.0.1:{webhook.port}/***: HTTP 503")
    room.close()


def test_a_redirect_is_not_followed(room: Room, webhook: HttpReceiver) -> None:
    webhook.answer(Answer(302, headers={"Location": "/elsewhere"}))
    room.subscribe("hook", hook(webhook))
    room.match(story(1))
    with room.delivering():
        room.wait_for("sent")
    assert [request.path for request in webhook.requests] == ["/hook", "/hook"]


def test_a_channel_that_may_fail_by_its_address_has_failed_all_the_same(room: Room, webhook: HttpReceiver) -> None:
    webhook.answer(400)
    room.subscribe("hook", hook(webhook, "?optional=yes&retry=3"))
    room.match(story(1))
    with room.delivering():
        room.wait_for("failed")
    assert len(webhook.requests) == 1


def test_channels_that_are_dead_or_hang_hold_up_no_other(
    room: Room, webhook: HttpReceiver, smtp_server: SmtpServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never says a word
        room.subscribe("dead", f"json://127.0.0.1:{free_port()}/")
        room.subscribe("hanging", f"json://127.0.0.1:{silent.getsockname()[1]}/")
        room.subscribe("hook", hook(webhook))
        room.subscribe("post", mailbox(smtp_server))
        room.match(*(story(number) for number in range(20)))
        with room.delivering():
            webhook.wait_for(20, seconds=12)
            smtp_server.wait_for(20, seconds=12)
            wait_until(lambda: tried(room, "dead") >= 2, seconds=12, what="the dead one was tried")
            silent.close()
    assert received(webhook) == ids("hook", range(20))
    assert {entry["status"] for entry in room.log(subscription="dead")} == {"pending"}
    assert tried(room, "hanging") <= 1  # one message at a time, however many wait


class DeadBroker:
    """The real bus, whose broker does not answer `failures` times."""

    def __init__(self, bus: Bus, failures: int) -> None:
        self._bus, self.failures = bus, failures

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokerError("kafka://127.0.0.1:9: nobody answers; waiting")
        self._bus.publish(kafka_topic, messages)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def test_a_bus_that_is_away_holds_up_no_channel_and_gets_its_messages_later(room: Room, webhook: HttpReceiver) -> None:
    room.subscribe("hook", hook(webhook))
    room.match(story(1))
    broker, health = DeadBroker(room.bus, 2), Health()
    with room.delivering(bus=broker, health=health):  # type: ignore[arg-type]
        wait_until(lambda: not health.report()[0], seconds=10, what="the trouble shows")
        webhook.wait_for(1)
        wait_until(lambda: not room.due(), seconds=20, what="the bus gets its message")
    assert [each.message_id for each in room.announced()] == ids("hook", [1])
    assert room.log()[0]["attempts"] == 1


# secrets


def test_a_secret_of_the_environment_reaches_the_channel_and_nothing_else(
    room: Room, webhook: HttpReceiver, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "s3cret/t?ken")
    monkeypatch.setenv("HOOK_KEY", "k3y-of-mine")
    monkeypatch.setenv("DEAD_TOKEN", "t0ken-of-a-dead-one")
    room.subscribe("hook", hook(webhook, "/${HOOK_TOKEN}?+X-Key=${HOOK_KEY}"))
    port = free_port()
    room.subscribe("dead", f"json://user:${{DEAD_TOKEN}}@127.0.0.1:{port}/pl4in-secret?+X-Key=h3ader-secret")
    room.subscribe("unset", "json://127.0.0.1/${NOT_SET_ANYWHERE}")
    webhook.answer(500)
    room.match(story(1))
    with room.delivering():
        room.wait_for("sent")
        wait_until(lambda: all(entry["attempts"] for entry in room.log()), seconds=10, what="all were tried")
    assert webhook.requests[-1].path == "/hook/s3cret/t%3Fken"
    assert webhook.requests[-1].headers["x-key"] == "k3y-of-mine"
    details = {entry["subscription"]: entry["detail"] for entry in room.log()}
    assert "NOT_SET_ANYWHERE" in details["unset"]
    shown = "".join((*map(str, room.log()), *map(str, subscribing.listed(room.state)), *capfd.readouterr()))
    assert shown.count(f"json://***@127.0.0.1:{port}/***") >= 3  # the log of the process, of alerts, and the list
    for secret in ("s3cret", "k3y-of-mine", "t0ken-of-a-dead-one", "pl4in-secret", "h3ader-secret"):
        assert secret not in shown
    assert {row["name"]: row["channel"] for row in subscribing.listed(room.state)} == {
        "hook": f"json://127.0.0.1:{webhook.port}/***",
        "dead": f"json://***@127.0.0.1:{port}/***",
        "unset": "json://127.0.0.1/***",
    }


# kills


@pytest.mark.parametrize("fault", [point for point in faults.POINTS if point.startswith("deliver.")])
def test_after_a_kill_no_message_is_missing_and_a_repeat_carries_the_same_id(
    room: Room, webhook: HttpReceiver, smtp_server: SmtpServer, fault: str
) -> None:
    room.subscribe("hook", hook(webhook))
    room.subscribe("post", mailbox(smtp_server))
    room.match(*(story(number) for number in range(4)))
    killed = _process(room, f"{fault}:3")
    assert killed.wait(60) == -signal.SIGKILL, f"{fault} was never passed:\n{_said(room)}"
    process = _process(room)
    try:
        room.wait_for("sent", 8, seconds=45)
    finally:
        process.terminate()
        assert process.wait(30) == 0, _said(room)
    mailed = [mail.message.get_content().split()[-1] for mail in smtp_server.mails]
    assert set(received(webhook)) == set(ids("hook", range(4)))
    assert set(mailed) == set(ids("post", range(4)))
    repeats = len(webhook.requests) + len(mailed) - 8
    # What was sent and not marked comes again; besides it, what the other channel was sending at the time.
    assert repeats >= 1 if fault == "deliver.sent" else repeats <= 2
    assert {entry["status"] for entry in room.log()} == {"sent"}


def _process(room: Room, fault: str | None = None) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "GOVWIRE_DATA_DIR": str(room.settings.data_dir),
        "GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0",
        "GOVWIRE_CONFIG": str(CONFIG),
        **({"GOVWIRE_FAULT": fault} if fault else {}),
    }
    command = [sys.executable, "-c", "from govwire.cli import main; main()", "process", "deliver"]
    with (room.settings.data_dir / "log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def _said(room: Room) -> str:
    return (room.settings.data_dir / "log").read_text()[-6000:]
