"""Alerts whose channel, bus or own process fails: what is sent again, what is given up, and what nobody else feels."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from alert_room import CONFIG, Room, hook, ids, mailbox, received, story, tried
from govwire.core import faults
from govwire.core.bus import Bus, Message
from govwire.core.errors import BrokerError
from govwire.core.metrics import Health
from processors.alerts import subscribing
from servers.http_receiver import Answer, HttpReceiver
from servers.process import free_port, wait_until
from servers.smtp import SmtpServer


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


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
    with room.delivering(bus=broker, health=health):
        wait_until(lambda: not health.report()[0], seconds=10, what="the trouble shows")
        webhook.wait_for(1)
        wait_until(lambda: not room.due(), seconds=20, what="the bus gets its message")
    assert [each.message_id for each in room.announced()] == ids("hook", [1])
    assert room.log()[0]["attempts"] == 1


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
