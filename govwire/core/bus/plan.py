"""What Govwire needs on a broker: Kafka topics and ACLs, for `setup`, and for another team to apply.

`plan(settings)` needs no broker. Its `lines()` are commands of Kafka's own tools; `dataclasses.asdict` gives the same
as data.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from govwire.core import flow
from govwire.core.bus import WIRE_LIMIT_BYTES
from govwire.core.settings import Settings

_DAY_MS = 24 * 60 * 60 * 1000
# The broker counts a whole batch: a message of the wire limit, and its framing.
BATCH_OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class KafkaTopic:
    """A Kafka topic as it is to be made; an existing one must offer as much."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


@dataclass(frozen=True)
class Acl:
    """What Govwire's user must be allowed to do with all names that begin with the prefix."""

    principal: str
    resource: str  # topic or group
    prefix: str
    operations: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Everything on the broker that Govwire needs."""

    kafka_topics: tuple[KafkaTopic, ...]
    acls: tuple[Acl, ...]
    bootstrap: str

    def lines(self) -> list[str]:
        """The plan as commands of kafka-topics.sh and kafka-acls.sh."""
        return [
            *(self._create(kafka_topic) for kafka_topic in self.kafka_topics),
            *(self._allow(acl) for acl in self.acls),
        ]

    def _create(self, kafka_topic: KafkaTopic) -> str:
        words = ["kafka-topics.sh", "--bootstrap-server", self.bootstrap, "--create", "--if-not-exists"]
        words += ["--topic", kafka_topic.name, "--partitions", str(kafka_topic.partitions)]
        words += ["--replication-factor", str(kafka_topic.replication_factor)]
        for name, value in kafka_topic.configs.items():
            words += ["--config", f"{name}={value}"]
        return shlex.join(words)

    def _allow(self, acl: Acl) -> str:
        words = ["kafka-acls.sh", "--bootstrap-server", self.bootstrap, "--add", "--allow-principal", acl.principal]
        for operation in acl.operations:
            words += ["--operation", operation]
        return shlex.join([*words, f"--{acl.resource}", acl.prefix, "--resource-pattern-type", "prefixed"])


def plan(settings: Settings) -> Plan:
    """What Govwire needs on the broker that the settings name."""
    kafka_topics = []
    for name, channel in flow.kafka_topics(settings.bus.prefix).items():
        days = settings.retention.pages_days if channel is flow.PAGES else settings.retention.records_days
        configs = {
            "cleanup.policy": "delete",
            "max.message.bytes": str(WIRE_LIMIT_BYTES + BATCH_OVERHEAD_BYTES),
            "retention.ms": str(int(days * _DAY_MS)),
        }
        kafka_topics.append(KafkaTopic(name, channel.partitions, settings.bus.replication_factor, configs))
    principal, prefix = f"User:{settings.bus.username or 'govwire'}", f"{settings.bus.prefix}."
    acls = (
        Acl(principal, "topic", prefix, ("Create", "Describe", "DescribeConfigs", "Read", "Write")),
        Acl(principal, "group", prefix, ("Describe", "Read")),
    )
    return Plan(tuple(kafka_topics), acls, settings.bus.url.removeprefix("kafka://"))
