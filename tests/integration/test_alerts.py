"""Alerts on a real bus, state, webhook receiver and mail server: who is told what, once, and no secret to anybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alert_room import Room, hook, ids, mailbox, received, story
from govwire.core import flow
from govwire.core.envelope import ce_id
from govwire.core.records import Lane
from processors.alerts import subscribing
from processors.stages.match import MatchStage
from servers.http_receiver import HttpReceiver
from servers.process import free_port, wait_until
from servers.smtp import SmtpServer


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


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
