"""What the state promises the alerts: subscriptions, outbox and deliveries, alike on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from govwire.core.records import AlertMessage, Lane
from govwire.core.state import State, deliveries, ledger, open_state, outbox, stories, subscriptions
from govwire.core.state.deliveries import GAVE_UP, REFUSED, Taken
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.state.outbox import Owed
from govwire.core.state.stories import Teller
from govwire.core.state.subscriptions import Subscription
from processors.alerts.message import message_id
from state_databases import DATABASES, NOW, after, empty_database

LEASE = 15.0


@pytest.fixture(params=DATABASES)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    """A state with three subscriptions; two of them share a channel."""
    with open_state(state_url) as opened:
        with opened.begin() as transaction:
            for name, channel in (
                ("acts", "json://one.example/"),
                ("eu", "json://one.example/"),
                ("un", "json://two/"),
            ):
                subscriptions.add(transaction, Subscription(name, "topic:x", channel, NOW))
        yield opened


def message(subscription: str, story_id: str, **changes: Any) -> AlertMessage:
    values = {
        "message_id": message_id(subscription, story_id, "new_story"),
        "subscription": subscription,
        "kind": "new_story",
        "story_id": story_id,
        "article_id": f"article-of-{story_id}",
        "title": f"治理 {story_id}",
        "url": f"https://wire.example/{story_id}",
        "source_name": "The Wire",
        "subject": "A subject",
        "body": "A body",
    }
    return AlertMessage(**(values | changes))


def owe(state: State, *owed: tuple[str, str], at: datetime = NOW, suppressed: str | None = None) -> set[str]:
    with state.begin() as transaction:
        return outbox.owe(transaction, [Owed(message(*each), suppressed=suppressed) for each in owed], at)


def take(state: State, owner: str = "a", limit: int = 10, at: datetime = NOW) -> list[Taken]:
    with state.begin() as transaction:
        return deliveries.take(transaction, owner, limit, at, LEASE)


def take_one(state: State, owner: str = "a", at: datetime = NOW) -> Taken:
    (taken,) = take(state, owner, at=at)
    return taken


def sent(state: State, taken: Taken, at: datetime = NOW) -> None:
    with state.begin() as transaction:
        deliveries.sent(transaction, taken, at)


def postponed(state: State, taken: Taken, at: datetime, owner: str = "a") -> float:
    """Seconds until it is due again."""
    with state.begin() as transaction:
        again_at = deliveries.postponed(
            transaction, taken, owner, at, "json://one.example/***: HTTP 503", base_seconds=30, ceiling_seconds=3600
        )
    return (again_at - at).total_seconds()


def failed(state: State, taken: Taken, reason: str, at: datetime = NOW, owner: str = "a") -> None:
    with state.begin() as transaction:
        deliveries.failed(transaction, taken, owner, at, reason=reason, detail="HTTP 404")


def statuses(state: State) -> dict[str, int]:
    with state.begin() as transaction:
        return outbox.pending(transaction)


def due(state: State, at: datetime = NOW) -> int:
    """How many could be sent, once all are announced."""
    with state.begin() as transaction:
        outbox.announced(transaction, [each.message_id for each in outbox.unannounced(transaction, 1000)], at)
        return outbox.due(transaction, at)


def log(state: State, **filters: Any) -> list[dict[str, Any]]:
    with state.begin() as transaction:
        return outbox.log(transaction, **filters)


# what is owed


def test_a_message_owed_again_changes_nothing(state: State) -> None:
    assert owe(state, ("acts", "s1"), ("un", "s1")) == {
        message_id("acts", "s1", "new_story"),
        message_id("un", "s1", "new_story"),
    }
    assert owe(state, ("acts", "s1"), ("acts", "s2"), at=after(9)) == {message_id("acts", "s2", "new_story")}
    sent(state, next(each for each in take(state) if each.message.subscription == "acts"), after(10))
    assert owe(state, ("acts", "s1"), at=after(11)) == set()
    assert statuses(state) == {"pending": 2, "sent": 1}


def test_two_messages_in_one_transaction_for_one_story_are_one(state: State) -> None:
    assert len(owe(state, ("acts", "s1"), ("acts", "s1"))) == 1


def test_a_message_is_unique_by_its_key_and_not_by_its_id_alone(state: State) -> None:
    owe(state, ("acts", "s1"))
    with state.begin() as transaction:
        other_id = Owed(message("acts", "s1", message_id="another"))
        other_about = Owed(message("acts", "s1", message_id="third"), about="holder|target|favor")
        assert outbox.owe(transaction, [other_id, other_about], NOW) == {"third"}


def test_a_story_that_became_part_of_another_is_not_told_again(state: State) -> None:
    def assign(article_id: str, *bands: str) -> str:
        teller = Teller(article_id, NOW, NOW, bands, f"{article_id}.example")
        with state.begin() as transaction:
            stories.announce(transaction, [teller])
        with state.begin() as transaction:
            return stories.assign_stories(transaction, [teller], 1, 1)[article_id]

    first, second = assign("a1", "b1"), assign("a2", "b2")
    owe(state, ("acts", second))
    assert assign("a3", "b1", "b2") == first  # the bridge: `second` is an alias of `first` from now on
    assert owe(state, ("acts", first), ("un", first)) == {message_id("un", first, "new_story")}


def test_what_is_suppressed_is_kept_with_its_reason_and_never_sent(state: State) -> None:
    owe(state, ("acts", "s1"), suppressed="too_old")
    assert take(state, at=after(10**6)) == []
    with state.begin() as transaction:
        assert outbox.unannounced(transaction, 10) == []
        assert outbox.due(transaction, after(10**6)) == 0
    assert [(each["status"], each["reason"]) for each in log(state)] == [("suppressed", "too_old")]
    assert owe(state, ("acts", "s1")) == set()


def test_the_newest_fetch_that_match_is_done_with_is_known(state: State) -> None:
    def record(url_id: str, fetch_id: str, stage: str, outcome: Outcome) -> None:
        item = Outcomes(url_id, f"https://wire.example/{url_id}", "wire", Lane.LIVE, fetch_id, stage, outcome)
        with state.begin() as transaction:
            ledger.record(transaction, [item], NOW)

    record("u1", "u1-1", "match", Outcome.MATCHED)
    record("u1", "u1-2", "match", Outcome.MATCHED)
    record("u2", "u2-1", "index", Outcome.INDEXED)
    record("u3", "u3-1", "match", Outcome.DEAD)
    with state.begin() as transaction:
        assert outbox.matched_fetches(transaction, {"u1", "u2", "u3", "u4"}) == {"u1": "u1-2"}


# taking


def test_a_message_comes_back_as_it_was_owed(state: State) -> None:
    owe(state, ("acts", "s1"))
    taken = take_one(state)
    assert taken == Taken(message("acts", "s1"), "json://one.example/", 0, NOW)


def test_a_taken_message_is_nobody_elses_until_the_lease_runs_out(state: State) -> None:
    owe(state, ("acts", "s1"))
    assert len(take(state, "a")) == 1
    assert take(state, "b", at=after(LEASE - 1)) == []
    assert len(take(state, "b", at=after(LEASE))) == 1


def test_a_renewed_lease_is_kept(state: State) -> None:
    owe(state, ("acts", "s1"))
    take_one(state)
    with state.begin() as transaction:
        deliveries.renew(transaction, "a", after(10), LEASE)
        deliveries.renew(transaction, "b", after(100), LEASE)
    assert take(state, "b", at=after(10 + LEASE - 1)) == []
    assert len(take(state, "b", at=after(10 + LEASE))) == 1


def test_of_each_channel_one_message_is_out_at_a_time(state: State) -> None:
    owe(state, ("acts", "s1"), ("eu", "s1"), ("un", "s1"))
    owe(state, ("un", "s2"), at=after(1))
    taken = take(state, at=after(2))
    assert sorted(each.channel for each in taken) == ["json://one.example/", "json://two/"]
    assert take(state, "b", at=after(2)) == []
    sent(state, next(each for each in taken if each.channel == "json://two/"), after(3))
    (following,) = take(state, "b", at=after(3))
    assert following.message.story_id == "s2"


def test_processes_that_take_at_once_share_the_messages(state: State, state_url: str) -> None:
    with state.begin() as transaction:
        for number in range(40):
            subscriptions.add(transaction, Subscription(f"n{number}", "", f"json://host{number}/", NOW))
    owe(state, *((f"n{number}", "s1") for number in range(40)))
    start = threading.Barrier(4)

    def work(owner: str) -> list[str]:
        with open_state(state_url) as own:
            start.wait()
            return [each.message.message_id for _ in range(10) for each in take(own, owner, limit=3)]

    with ThreadPoolExecutor(4) as pool:
        ids = [each for part in pool.map(work, "abcd") for each in part]
    ids += [each.message.message_id for each in take(state, "e", limit=40)]
    assert len(ids) == len(set(ids)) == 40


def test_a_paused_subscription_keeps_its_messages_back(state: State) -> None:
    owe(state, ("acts", "s1"))
    with state.begin() as transaction:
        assert subscriptions.set_paused(transaction, "acts", paused=True)
    assert (take(state), due(state)) == ([], 0)
    with state.begin() as transaction:
        assert subscriptions.set_paused(transaction, "acts", paused=False)
    assert due(state) == 1
    assert len(take(state)) == 1


# how it ends


def test_a_sent_message_is_sent_even_where_the_lease_was_lost(state: State) -> None:
    owe(state, ("acts", "s1"))
    old = take_one(state)
    assert take(state, "b", at=after(LEASE)) == [old]
    sent(state, old, after(LEASE + 1))
    assert statuses(state) == {"sent": 1}
    assert take(state, at=after(10**6)) == []
    (entry,) = log(state)
    assert (entry["attempts"], entry["sent_at"], entry["attempted_at"]) == (1, after(LEASE + 1), after(LEASE + 1))


def test_failures_wait_longer_each_time_up_to_the_ceiling(state: State) -> None:
    owe(state, ("acts", "s1"))
    at, waits = NOW, []
    for _ in range(9):
        waits.append(postponed(state, take_one(state, at=at), at))
        at += timedelta(seconds=waits[-1])
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    (entry,) = log(state)
    assert (entry["status"], entry["attempts"]) == ("pending", 9)
    assert entry["detail"] == "json://one.example/***: HTTP 503"


def test_a_channel_that_failed_is_asked_for_none_of_its_messages_meanwhile(state: State) -> None:
    owe(state, ("acts", "s1"), ("eu", "s1"), ("un", "s1"), ("un", "s2"))
    dead, alive = sorted(take(state), key=lambda taken: taken.channel)
    assert postponed(state, dead, NOW) == 30
    sent(state, alive)
    assert [each.channel for each in take(state, at=after(29))] == ["json://two/"]
    assert due(state, after(29)) == 1
    assert [each.channel for each in take(state, at=after(30))] == ["json://one.example/"]


def test_a_dead_channel_is_asked_more_and_more_rarely_whichever_message_is_tried(state: State) -> None:
    owe(state, *(("acts", f"s{number}") for number in range(4)))
    at, tried, waits = NOW, set(), []
    for _ in range(4):
        taken = take_one(state, at=at)
        tried.add(taken.message.story_id)
        waits.append(postponed(state, taken, at))
        at += timedelta(seconds=waits[-1])
    assert waits == [30, 60, 120, 240]
    assert tried == {"s0", "s1", "s2", "s3"}
    taken = take_one(state, at=at)
    sent(state, taken, at)
    following = take_one(state, at=at)
    assert postponed(state, following, at) == 60  # its own second failure; the channel's first in a row


def test_a_message_that_a_channel_cannot_take_does_not_hold_up_the_others(state: State) -> None:
    owe(state, ("acts", "poison"))
    owe(state, ("acts", "s1"), ("acts", "s2"), at=after(1))
    assert take_one(state, at=after(1)).message.story_id == "poison"
    postponed(state, Taken(message("acts", "poison"), "json://one.example/", 0, NOW), after(1))
    for _ in range(2):
        taken = take_one(state, at=after(31))
        assert taken.message.story_id != "poison"
        sent(state, taken, after(31))


def test_a_failure_of_a_lost_lease_is_recorded_and_changes_nothing(state: State) -> None:
    owe(state, ("acts", "s1"))
    old = take_one(state, "a")
    new = take_one(state, "b", at=after(LEASE))
    failed(state, old, REFUSED, after(LEASE + 1), owner="a")
    postponed(state, old, after(LEASE + 1), owner="a")
    assert statuses(state) == {"pending": 1}
    sent(state, new, after(LEASE + 2))
    assert statuses(state) == {"sent": 1}


@pytest.mark.parametrize("reason", [REFUSED, GAVE_UP])
def test_what_failed_for_good_is_kept_and_comes_back_when_asked_for(state: State, reason: str) -> None:
    owe(state, ("acts", "s1"))
    taken = take_one(state)
    failed(state, taken, reason, after(1))
    assert take(state, at=after(10**6)) == []
    assert [(each["status"], each["reason"], each["detail"]) for each in log(state)] == [("failed", reason, "HTTP 404")]
    with state.begin() as transaction:
        assert outbox.retry(transaction, [taken.message.message_id, "unknown"], after(900)) == 1
        assert outbox.retry(transaction, [taken.message.message_id], after(900)) == 0
    assert take(state, at=after(899)) == []
    again = take_one(state, at=after(900))
    assert (again.message, again.attempts, again.owed_since) == (taken.message, 0, after(900))


# the Kafka topic of alerts


def test_each_message_is_announced_once_whatever_became_of_it(state: State) -> None:
    owe(state, ("acts", "s1"))
    owe(state, ("un", "s1"), at=after(1))
    failed(state, take_one(state), REFUSED)
    with state.begin() as transaction:
        assert outbox.due(transaction, NOW) == 2
        waiting = outbox.unannounced(transaction, 10)
        assert [each.subscription for each in waiting] == ["acts", "un"]
        outbox.announced(transaction, [waiting[0].message_id], after(2))
        assert [each.subscription for each in outbox.unannounced(transaction, 10)] == ["un"]
        outbox.announced(transaction, [waiting[1].message_id], after(2))
        assert outbox.due(transaction, NOW) == 0
        assert outbox.due(transaction, after(1)) == 1


# telling


def test_the_log_is_newest_first_and_filtered(state: State) -> None:
    owe(state, ("acts", "s1"), at=after(1))
    owe(state, ("un", "s2"), at=after(2))
    sent(state, take(state, at=after(2), limit=1)[0], after(3))
    assert [each["title"] for each in log(state)] == ["治理 s2", "治理 s1"]
    assert [each["title"] for each in log(state, limit=1)] == ["治理 s2"]
    assert [each["subscription"] for each in log(state, subscription="acts")] == ["acts"]
    assert [each["subscription"] for each in log(state, status="sent")] == ["acts"]
    with state.begin() as transaction:
        (entry,) = outbox.of_article(transaction, "article-of-s2")
    assert (entry["subscription"], entry["status"], entry["message_id"]) == (
        "un",
        "pending",
        message_id("un", "s2", "new_story"),
    )


def test_a_removed_subscription_takes_its_messages_and_their_attempts_along(state: State) -> None:
    owe(state, ("acts", "s1"), ("un", "s1"))
    for taken in take(state):
        sent(state, taken)
    with state.begin() as transaction:
        assert subscriptions.remove(transaction, "acts")
        assert not subscriptions.remove(transaction, "acts")
        assert [each.name for each in subscriptions.every(transaction)] == ["eu", "un"]
    assert [each["subscription"] for each in log(state)] == ["un"]
    with state.begin() as transaction:
        assert subscriptions.add(transaction, Subscription("acts", "", "json://one.example/", after(5)))
    assert len(owe(state, ("acts", "s1"), at=after(6))) == 1
    (entry,) = log(state, subscription="acts")
    assert (entry["attempts"], entry["attempted_at"]) == (0, None)


def test_a_name_is_given_once(state: State) -> None:
    with state.begin() as transaction:
        assert not subscriptions.add(transaction, Subscription("acts", "other", "json://three/", NOW))
        assert [each.query for each in subscriptions.every(transaction)] == ["topic:x"] * 3
