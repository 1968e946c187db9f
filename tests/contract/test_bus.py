"""The contract of the bus, the same cases on the embedded one and on Kafka."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.bus_backends import (
    Backend,
    MemberProcess,
    go_round,
    keeping_alive,
    messages,
    numbered,
    read,
    read_nothing,
    values,
)
from govwire.core import flow
from govwire.core.bus import WIRE_LIMIT_BYTES, Bus, Member, Message, size_of
from govwire.core.errors import BrokerError, ConfigError, TooLargeError
from servers.process import wait_until


@pytest.fixture(params=["embedded", "kafka"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each backend in turn, with Kafka topics of the test's own."""
    url = "sqlite:"
    if request.param == "kafka":
        url = f"kafka://{request.getfixturevalue('kafka_server').bootstrap}"
    backend = Backend.at(request.param, url, tmp_path)
    with backend.stack:
        yield backend


@pytest.fixture
def bus(backend: Backend) -> Bus:
    """A bus with its Kafka topics made."""
    bus = backend.open()
    bus.setup()
    return bus


# --- what is published is read, in order, intact ---


def test_messages_of_one_key_keep_their_order(backend: Backend, bus: Bus) -> None:
    for round_ in range(5):
        bus.publish(
            backend.articles,
            [message for key in "abc" for message in messages(*numbered(10, f"{key}{round_}"), key=key)],
        )
    found = read(backend.join(bus, backend.readers, "a"), 150)
    for key in "abc":
        of_key = [delivery for delivery in found if delivery.message.key == key]
        assert values(of_key) == [value for round_ in range(5) for value in numbered(10, f"{key}{round_}")]
        assert len({delivery.partition for delivery in of_key}) == 1


_header_names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
_wild = st.builds(
    Message,
    key=st.text(max_size=50),
    value=st.binary(max_size=2000),
    headers=st.dictionaries(_header_names, st.text(max_size=50), max_size=5),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(_wild, min_size=1, max_size=8))
def test_keys_values_and_headers_come_back_as_they_were(backend: Backend, bus: Bus, sent: list[Message]) -> None:
    known = {delivery.partition: delivery.offset for delivery in bus.scan(backend.articles)}
    bus.publish(backend.articles, sent)
    found = [delivery.message for delivery in bus.scan(backend.articles, after=known)]
    assert sorted(found, key=repr) == sorted(sent, key=repr)


def test_a_read_gives_at_most_as_many_as_asked_for_and_tells_where_and_when_each_lay(
    backend: Backend, bus: Bus
) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    bus.publish(backend.articles, messages(*numbered(12)))
    member = backend.join(bus, backend.readers, "a")
    found = [*read(member, 5, at_once=5), *read(member, 7, at_once=5)]
    assert {delivery.kafka_topic for delivery in found} == {backend.articles}
    assert len({(delivery.partition, delivery.offset) for delivery in found}) == 12
    assert all(before <= delivery.published_at <= datetime.now(UTC) for delivery in found)


# --- groups and members ---


def test_groups_are_independent_of_each_other(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(5)))
    first = backend.join(bus, backend.group("first"), "a")
    first.commit(read(first, 5))
    assert sorted(values(read(backend.join(bus, backend.group("second"), "a"), 5))) == numbered(5)
    assert (
        bus.lag(backend.group("first"), [backend.articles]),
        bus.lag(backend.group("second"), [backend.articles]),
    ) == (0, 5)


def test_two_members_share_the_partitions_and_all_is_read_once(backend: Backend, bus: Bus) -> None:
    members = _sharing_members(backend, bus)
    bus.publish(backend.articles, messages(*numbered(80)))
    found = go_round(members, lambda found: sum(map(len, found.values())) >= 80)
    assert sorted([*found["one"], *found["two"]]) == numbered(80)
    assert min(len(share) for share in found.values()) >= 20
    assert bus.lag(backend.readers, [backend.articles]) == 0


def test_a_member_that_leaves_hands_over_at_once(backend: Backend, bus: Bus) -> None:
    members = _sharing_members(backend, bus)
    members["one"].close()
    bus.publish(backend.articles, messages(*numbered(30)))
    assert sorted(values(read(members["two"], 30, seconds=6))) == numbered(30)


def _sharing_members(backend: Backend, bus: Bus) -> dict[str, Member]:
    """Members one and two, which both have partitions."""
    members = {slot: backend.join(backend.open(), backend.readers, slot) for slot in ("one", "two")}
    sent = iter(numbered(1000, "early"))

    def both_read(found: dict[str, list[str]]) -> bool:
        bus.publish(backend.articles, messages(*(next(sent) for _ in range(10))))
        return all(found.values())

    go_round(members, both_read)
    go_round(members, lambda _: bus.lag(backend.readers, [backend.articles]) == 0)
    return members


def test_a_killed_members_partitions_are_taken_over_by_the_others(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(10)))
    with MemberProcess(backend, backend.readers, "one", commits=False) as process:
        assert sorted(process.read(10)) == numbered(10)
        two = backend.join(bus, backend.readers, "two")
        process.kill()
        # Kafka misses a member after the session timeout of 10 s, the embedded bus as soon as it looks.
        assert sorted(values(read(two, 10, seconds=3 if backend.name == "embedded" else 20))) == numbered(10)


def test_a_killed_member_that_comes_back_goes_on_at_once_behind_its_last_commit(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(10, "done")))
    with MemberProcess(backend, backend.readers, "one", commits=True) as process:
        assert sorted(process.read(10)) == numbered(10, "done")
        process.kill()
        bus.publish(backend.articles, messages(*numbered(5, "new")))
        again = backend.join(bus, backend.readers, "one")
        assert sorted(values(read(again, 5, seconds=5))) == numbered(5, "new")
        read_nothing(again)


def test_two_members_under_one_slot_are_an_error_of_one_of_them(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.alerts, messages("one", "two"))
    first = backend.join(bus, backend.readers, "a", backend.alerts)
    found = read(first, 2)

    def use_slot_twice() -> None:
        second = backend.join(backend.open(), backend.readers, "a", backend.alerts)
        read(second, 2)
        first.commit(found)

    with pytest.raises(ConfigError, match=r"slot.*--slot"):
        use_slot_twice()


# --- commits ---


def test_what_was_not_committed_is_delivered_again(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(6)))
    with bus.member(backend.readers, [backend.articles], "a") as member:
        assert sorted(values(read(member, 6))) == numbered(6)
        read_nothing(member)
    assert sorted(values(read(backend.join(bus, backend.readers, "a"), 6))) == numbered(6)


def test_a_part_of_a_batch_can_be_committed_and_never_moves_back(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.alerts, messages(*numbered(10)))
    member = backend.join(bus, backend.readers, "a", backend.alerts)
    found = read(member, 10)
    for delivery in found[:6]:
        member.commit([delivery])
    member.commit(found[:2])
    assert (member.lag(), bus.lag(backend.readers, [backend.alerts])) == (4, 4)
    member.commit([])
    member.close()
    again = backend.join(bus, backend.readers, "a", backend.alerts)
    assert values(read(again, 4)) == numbered(10)[6:]


def test_a_commit_of_what_another_member_has_taken_over_changes_nothing(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(20, "old")))
    one = backend.join(bus, backend.readers, "one")
    batch = read(one, 20)
    two = backend.join(backend.open(), backend.readers, "two")
    with keeping_alive(one):
        taken_over = two.read(50, 3)
        # Kafka shares at once; the embedded bus leaves a partition to its member until the batch is committed.
        assert bool(taken_over) == (backend.name == "kafka")
        bus.publish(backend.articles, messages(*numbered(20, "new")))
        taken_over += two.read(50, 1)
        two.commit(taken_over)
    one.commit(batch)
    rest = go_round({"one": one, "two": two}, lambda _: bus.lag(backend.readers, [backend.articles]) == 0)
    again = [*rest["one"], *rest["two"]]
    assert not set(again) & {*numbered(20, "old"), *values(taken_over)}
    assert {*again, *values(taken_over), *values(batch)} == {*numbered(20, "old"), *numbered(20, "new")}


# --- lag, seek, scan, trim ---


def test_lag_counts_what_the_group_has_not_committed(backend: Backend, bus: Bus) -> None:
    assert bus.lag(backend.readers, [backend.articles, backend.alerts]) == 0
    bus.publish(backend.articles, messages(*numbered(7)))
    bus.publish(backend.alerts, messages(*numbered(3)))
    assert bus.lag(backend.readers, [backend.articles, backend.alerts]) == 10
    member = backend.join(bus, backend.readers, "a", backend.articles, backend.alerts)
    member.commit(read(member, 10))
    assert (member.lag(), bus.lag(backend.readers, [backend.articles, backend.alerts])) == (0, 0)


def test_seek_replays_and_skips_for_a_group_at_rest(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(4, "old")))
    moment = datetime.now(UTC) + timedelta(milliseconds=20)
    wait_until(lambda: datetime.now(UTC) > moment + timedelta(milliseconds=20))
    bus.publish(backend.articles, messages(*numbered(4, "new")))
    for to, expected in (
        ("end", []),
        ("start", [*numbered(4, "new"), *numbered(4, "old")]),
        (moment, numbered(4, "new")),
        (datetime.now(UTC) + timedelta(hours=1), []),
        (datetime(1970, 1, 2, tzinfo=UTC), [*numbered(4, "new"), *numbered(4, "old")]),
    ):
        bus.seek(backend.readers, backend.articles, to)
        assert bus.lag(backend.readers, [backend.articles]) == len(expected)
        with bus.member(backend.readers, [backend.articles], "a") as member:
            found = read(member, len(expected))
            member.commit(found)
            assert sorted(values(found)) == expected


def test_seek_is_refused_while_members_run(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, messages(*numbered(2)))
    with bus.member(backend.readers, [backend.articles], "a") as member:
        member.commit(read(member, 2))
        with pytest.raises(BrokerError, match="readers is reading"):
            bus.seek(backend.readers, backend.articles, "start")
    bus.seek(backend.readers, backend.articles, "start")
    assert bus.lag(backend.readers, [backend.articles]) == 2


def test_scan_shows_everything_without_a_group(backend: Backend, bus: Bus) -> None:
    assert list(bus.scan(backend.articles)) == []
    bus.publish(backend.articles, messages(*numbered(250)))
    found = list(bus.scan(backend.articles))
    assert sorted(values(found)) == numbered(250)
    known = {delivery.partition: delivery.offset for delivery in found}
    bus.publish(backend.articles, messages("later"))
    assert values(list(bus.scan(backend.articles, after=known))) == ["later"]
    assert bus.lag(backend.readers, [backend.articles]) == 251


def test_trim_keeps_what_a_group_has_not_passed(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.alerts, messages(*numbered(10)))
    with bus.member(backend.group("slow"), [backend.alerts], "a") as slow:
        slow.commit(read(slow, 4, at_once=4))
    later = datetime.now(UTC) + timedelta(hours=1)
    bus.seek(backend.group("fast"), backend.alerts, "end")
    deleted = bus.trim(backend.alerts, later, [backend.group("slow"), backend.group("fast")])
    # Kafka's own retention deletes there.
    assert deleted == (0 if backend.name == "kafka" else 4)
    assert bus.trim(backend.alerts, datetime.now(UTC) - timedelta(hours=1), [backend.group("fast")]) == 0
    assert values(list(bus.scan(backend.alerts)))[-6:] == numbered(10)[4:]
    assert bus.lag(backend.group("slow"), [backend.alerts]) == 6
    bus.publish(backend.alerts, messages("next"))
    assert values(read(backend.join(bus, backend.group("slow"), "a", backend.alerts), 7)) == [*numbered(10)[4:], "next"]


# --- publishing ---


def test_a_message_over_the_wire_limit_is_refused_before_anything_is_published(backend: Backend, bus: Bus) -> None:
    limit = bus.wire_limit(backend.articles)
    assert limit == WIRE_LIMIT_BYTES
    empty = Message("k", b"", {"ce_id": "large"})
    # Bytes that no compression makes smaller.
    largest = Message("k", os.urandom(limit - size_of(empty)), {"ce_id": "large"})
    over = Message("k", largest.value + b"!", {"ce_id": "large"})
    with pytest.raises(TooLargeError, match=rf"{backend.articles}.*{limit + 1} bytes.*{limit}"):
        bus.publish(backend.articles, [*messages("small"), over])
    assert bus.lag(backend.readers, [backend.articles]) == 0
    bus.publish(backend.articles, [*messages("small", key="k"), largest])
    found = read(backend.join(bus, backend.readers, "a"), 2)
    assert [len(delivery.message.value) for delivery in found] == [5, len(largest.value)]
    assert found[1].message == largest


def test_threads_may_publish_at_once(backend: Backend, bus: Bus) -> None:
    names = "abcd"
    with ThreadPoolExecutor(len(names)) as pool:
        for name in names:
            for number in range(0, 20, 5):
                batch = messages(*numbered(20, name)[number : number + 5])
                pool.submit(bus.publish, backend.articles, batch)
    expected = [value for name in names for value in numbered(20, name)]
    assert sorted(values(list(bus.scan(backend.articles)))) == expected


def test_publishing_nothing_does_nothing(backend: Backend, bus: Bus) -> None:
    bus.publish(backend.articles, [])
    assert list(bus.scan(backend.articles)) == []


# --- the Kafka topics ---


def test_setup_makes_what_is_missing_and_says_so_once(backend: Backend) -> None:
    bus = backend.open()
    made = bus.setup()
    assert len(made) == len(flow.kafka_topics(backend.settings.bus.prefix))
    assert any(backend.articles in line and "8" in line for line in made)
    assert bus.setup() == []


def test_a_kafka_topic_that_does_not_fit_is_a_config_error(backend: Backend) -> None:
    backend.make_small(backend.articles)
    with pytest.raises(ConfigError) as caught:
        backend.open().setup()
    assert any(
        backend.articles in problem and "2 partitions, 8 are needed" in problem for problem in caught.value.problems
    )


def test_a_kafka_topic_that_is_not_there_is_a_config_error(backend: Backend) -> None:
    bus = backend.open()
    with pytest.raises(ConfigError, match="govwire setup"):
        bus.publish(backend.articles, messages("lost"))
    with pytest.raises(ConfigError, match="govwire setup"):
        bus.member(backend.readers, [backend.articles], "a")
    with pytest.raises(ConfigError, match="govwire setup"):
        list(bus.scan(backend.articles))
    with pytest.raises(ConfigError, match="govwire setup"):
        bus.seek(backend.readers, backend.articles, "start")
