"""What only Kafka can do to the bus: log-ins, outages, refusals, other teams' Kafka topics."""

import argparse
import gc
import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from contract.bus_backends import Backend, keeping_alive, messages, numbered, read, values
from govwire.core.bus import WIRE_LIMIT_BYTES, Message
from govwire.core.bus.plan import plan
from govwire.core.errors import BrokerError, ConfigError, GovwireError, TooLargeError
from servers.faulty_proxy import FaultyProxy
from servers.kafka import KafkaServer
from servers.process import free_port, wait_until

# "Some seconds, not minutes": the longest is a publish, which waits for its batch to expire.
QUICK_SECONDS = 25.0

Connect = Callable[..., Backend]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Make a backend at an address, with settings of the bus; all are closed after the test."""
    backends: list[Backend] = []

    def make(bootstrap: str, **bus: Any) -> Backend:
        backends.append(Backend.at("kafka", f"kafka://{bootstrap}", tmp_path, **bus))
        return backends[-1]

    yield make
    for backend in backends:
        backend.stack.close()


@pytest.fixture
def proxy(kafka_server: KafkaServer) -> Iterator[FaultyProxy]:
    """What stands between the broker and those who come by its proxied address."""
    with kafka_server.proxy() as proxy:
        yield proxy


def fails(kind: type[GovwireError], action: Callable[[], object], *words: str) -> None:
    """The action fails soon, on one line that says these words."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        action()
    assert time.monotonic() - began < QUICK_SECONDS
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


# --- log-ins ---


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("security", ["sasl_plaintext", "sasl_ssl"])
def test_a_user_gets_in_with_name_and_password(
    kafka_server: KafkaServer, connect: Connect, tmp_path: Path, security: str, mechanism: str
) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(f"{kafka_server.password}\n")
    bootstrap, ca_file = kafka_server.sasl_bootstrap, None
    if security == "sasl_ssl":
        bootstrap, ca_file = kafka_server.sasl_ssl_bootstrap, kafka_server.ca_file
    backend = connect(
        bootstrap,
        security=security,
        sasl_mechanism=mechanism,
        username=kafka_server.username,
        password_file=password_file,
        ca_file=ca_file,
    )
    bus = backend.open()
    assert bus.setup()
    bus.publish(backend.alerts, messages("in"))
    member = backend.join(bus, backend.readers, "a", backend.alerts)
    found = read(member, 1)
    member.commit(found)
    assert (values(found), bus.lag(backend.readers, [backend.alerts])) == (["in"], 0)


def test_a_wrong_password_is_a_config_error_that_does_not_show_it(kafka_server: KafkaServer, connect: Connect) -> None:
    login = {"security": "sasl_plaintext", "username": kafka_server.username, "password": "wrong-Secret"}
    bus = connect(kafka_server.sasl_bootstrap, **login).open()
    with pytest.raises(ConfigError, match=r"bus\.username and the password") as caught:
        bus.setup()
    assert "wrong-Secret" not in str(caught.value)


# kafka-python leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_an_unknown_certificate_is_told_of(kafka_server: KafkaServer, connect: Connect) -> None:
    login = {"security": "sasl_ssl", "username": kafka_server.username, "password": kafka_server.password}
    fails(BrokerError, connect(kafka_server.sasl_ssl_bootstrap, **login).open().setup, "CERTIFICATE_VERIFY_FAILED")
    gc.collect()


def test_settings_that_cannot_work_are_all_told_at_once(connect: Connect, tmp_path: Path) -> None:
    backend = connect("me:secret@host", security="sasl_ssl", ca_file=tmp_path / "none.pem")
    with pytest.raises(ConfigError) as caught:
        backend.open()
    assert [problem.split(":")[0].split()[0] for problem in caught.value.problems] == [
        "bus.url",
        "bus.security",
        "bus.ca_file",
    ]


# --- outages ---


def test_a_broker_that_is_away_at_the_start_is_an_error_at_once(connect: Connect) -> None:
    backend = connect(f"localhost:{free_port()}")
    bus = backend.open()
    for action in (
        bus.setup,
        lambda: bus.publish(backend.articles, messages("lost")),
        lambda: bus.member(backend.readers, [backend.articles], "a"),
        lambda: bus.lag(backend.readers, [backend.articles]),
        lambda: next(bus.scan(backend.articles)),
    ):
        began = time.monotonic()
        fails(BrokerError, action, backend.settings.bus.url.removeprefix("kafka://"), "waiting for it")
        assert time.monotonic() - began < 7


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_the_same_bus_and_member_work_again_when_the_broker_is_back(
    kafka_server: KafkaServer, connect: Connect, proxy: FaultyProxy, fault: str
) -> None:
    backend = connect(kafka_server.proxied_bootstrap)
    bus = backend.open()
    bus.setup()
    bus.publish(backend.articles, messages(*numbered(10)))
    member = backend.join(bus, backend.readers, "a")
    member.commit(read(member, 6, at_once=6))
    uncommitted = values(read(member, 4))
    getattr(proxy, fault)()
    fails(BrokerError, lambda: read_until_it_fails(member), "read as a of", "waiting for it")
    fails(BrokerError, lambda: bus.publish(backend.articles, messages("lost?")), f"publish to {backend.articles}")
    fails(BrokerError, lambda: bus.lag(backend.readers, [backend.articles]))
    proxy.mend()
    bus.publish(backend.articles, messages(*numbered(5, "later")))
    found = [value for value in values(read(member, 9)) if value != "lost?"]
    found += [value for value in values(member.read(10, 2)) if value != "lost?"]
    assert set(found) == {*uncommitted, *numbered(5, "later")}
    member.commit(member.read(1, 0))


def read_until_it_fails(member: Any) -> None:
    """Read on; what the client had fetched before the fault may still come."""
    while True:
        member.read(10, 1)


def test_a_batch_in_work_during_an_outage_can_be_committed_afterwards(
    kafka_server: KafkaServer, connect: Connect, proxy: FaultyProxy
) -> None:
    backend = connect(kafka_server.proxied_bootstrap)
    bus = backend.open()
    bus.setup()
    bus.publish(backend.articles, messages(*numbered(10)))
    member = backend.join(bus, backend.readers, "a")
    batch = read(member, 10)
    proxy.cut()
    fails(BrokerError, lambda: member.commit(batch), "waiting for it")
    proxy.mend()
    with keeping_alive(member):
        pass
    member.commit(batch)
    assert member.lag() == 0
    bus.publish(backend.articles, messages("next"))
    assert values(read(member, 1)) == ["next"]
    assert member.read(10, 1) == []


def test_leaving_while_the_broker_is_away_is_no_error(
    kafka_server: KafkaServer, connect: Connect, proxy: FaultyProxy
) -> None:
    backend = connect(kafka_server.proxied_bootstrap)
    bus = backend.open()
    bus.setup()
    bus.publish(backend.alerts, messages("one"))
    member = backend.join(bus, backend.readers, "a", backend.alerts)
    read(member, 1)
    proxy.cut()
    began = time.monotonic()
    member.close()
    bus.close()
    assert time.monotonic() - began < QUICK_SECONDS


# --- refusals and other people's Kafka topics ---


def test_after_a_refusal_by_the_broker_the_next_publish_works(kafka_server: KafkaServer, connect: Connect) -> None:
    backend = connect(kafka_server.bootstrap)
    bus = backend.open()
    bus.setup()
    bus.publish(backend.articles, messages("before"))
    change(kafka_server, backend.articles, {"max.message.bytes": "2000"})
    # Bytes that no compression makes smaller.
    large = Message("k", os.urandom(4000), {})
    fails(TooLargeError, lambda: bus.publish(backend.articles, [large]), backend.articles)
    bus.publish(backend.articles, messages("after"))
    assert sorted(values(list(bus.scan(backend.articles)))) == ["after", "before"]
    assert bus.wire_limit(backend.articles) == 2000


def change(server: KafkaServer, kafka_topic: str, configs: dict[str, str]) -> None:
    """Change a Kafka topic behind Govwire's back."""
    place = ConfigResource(ConfigResourceType.TOPIC, kafka_topic)
    with server.admin() as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, kafka_topic, configs)])

        def holds() -> bool:
            found = admin.describe_configs([place])["topic"][kafka_topic]
            return all(found.get(name, {}).get("value") == value for name, value in configs.items())

        wait_until(holds)


def test_every_misfit_of_existing_kafka_topics_is_told(kafka_server: KafkaServer, connect: Connect) -> None:
    backend = connect(kafka_server.bootstrap)
    backend.open().setup()
    change(kafka_server, backend.articles, {"cleanup.policy": "compact", "max.message.bytes": "1000000"})
    change(kafka_server, backend.alerts, {"retention.ms": "60000"})
    with pytest.raises(ConfigError) as caught:
        backend.open().setup()
    assert len(caught.value.problems) == 3
    for name, word in (
        (backend.articles, "compact"),
        (backend.articles, "max.message.bytes is 1000000"),
        (backend.alerts, "retention.ms is 60000"),
    ):
        assert any(name in problem and word in problem for problem in caught.value.problems)


def test_records_of_other_programs_are_read_as_they_are(kafka_server: KafkaServer, connect: Connect) -> None:
    backend = connect(kafka_server.bootstrap)
    bus = backend.open()
    bus.setup()
    producer = KafkaProducer(bootstrap_servers=kafka_server.bootstrap)
    producer.send(backend.alerts, value=b"\x00\xff", headers=[("odd", b"\xff")]).get(timeout=10)
    producer.send(backend.alerts, key=b"\xff").get(timeout=10)
    producer.close()
    found = [delivery.message for delivery in bus.scan(backend.alerts)]
    assert found == [Message("", b"\x00\xff", {"odd": "\ufffd"}), Message("\ufffd", b"", {})]


def test_what_is_printed_for_another_team_is_all_that_setup_needs(kafka_server: KafkaServer, connect: Connect) -> None:
    backend = connect(kafka_server.bootstrap)
    lines = plan(backend.settings).lines()
    command = argparse.ArgumentParser()
    for option in ("--topic", "--bootstrap-server"):
        command.add_argument(option)
    for option in ("--partitions", "--replication-factor"):
        command.add_argument(option, type=int)
    for option in ("--create", "--if-not-exists"):
        command.add_argument(option, action="store_true", required=True)
    command.add_argument("--config", action="append")
    wanted = [command.parse_args(shlex.split(line)[1:]) for line in lines if line.startswith("kafka-topics.sh ")]
    assert {each.bootstrap_server for each in wanted} == {kafka_server.bootstrap}
    described = {
        each.topic: {
            "num_partitions": each.partitions,
            "replication_factor": each.replication_factor,
            "configs": dict(config.split("=") for config in each.config),
        }
        for each in wanted
    }
    with kafka_server.admin() as admin:
        admin.create_topics(described, wait_for_metadata=True)
    bus = backend.open()
    assert bus.setup() == []
    assert bus.wire_limit(backend.articles) == WIRE_LIMIT_BYTES
    acls = [shlex.split(line) for line in lines if line.startswith("kafka-acls.sh ")]
    assert len(lines) == len(wanted) + len(acls)
    for words in acls:
        assert f"{backend.settings.bus.prefix}." in words
        assert words[-2:] == ["--resource-pattern-type", "prefixed"]
