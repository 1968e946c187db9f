"""The flow's Kafka topics on a broker: made where they are missing, checked where they are not, never changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, TopicPartition, errors
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType

from govwire.core.bus import WIRE_LIMIT_BYTES, not_there
from govwire.core.bus.plan import KafkaTopic
from govwire.core.errors import ConfigError


def make_missing(admin: KafkaAdminClient, kafka_topics: Sequence[KafkaTopic]) -> list[str]:
    """Make those that are missing; returns the names of those made.

    Raises:
        ConfigError: existing ones that do not fit, all of them.
    """
    found = describe(admin, [each.name for each in kafka_topics])
    configs = _configs(admin, list(found))
    problems = [
        f"Kafka topic {each.name}: {problem}; have it changed, or take another bus.prefix"
        for each in kafka_topics
        if each.name in found
        for problem in _misfits(each, found[each.name], configs.get(each.name, {}))
    ]
    if problems:
        raise ConfigError(problems)
    missing = {each.name: each for each in kafka_topics if each.name not in found}
    return _create(admin, missing) if missing else []


def describe(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The partitions of those that are there, by name."""
    found = {}
    for kafka_topic in admin.describe_topics(list(names)):
        error = errors.for_code(kafka_topic["error_code"])
        if error is errors.UnknownTopicOrPartitionError:
            continue
        if error is not errors.NoError:
            raise error(kafka_topic["name"])
        found[kafka_topic["name"]] = kafka_topic["partitions"]
    return found


def partitions_of(admin: KafkaAdminClient, names: Sequence[str]) -> list[TopicPartition]:
    """All partitions of these Kafka topics.

    Raises:
        ConfigError: one is not there.
    """
    found = describe(admin, names)
    for name in names:
        if name not in found:
            raise not_there(name)
    return [TopicPartition(name, partition["partition_index"]) for name in names for partition in found[name]]


def wire_limit(admin: KafkaAdminClient, name: str) -> int:
    """The largest message that may be published there.

    The broker's own message.max.bytes counts only for Kafka topics without a max.message.bytes of theirs; the broker
    answers with the one that holds.

    Raises:
        ConfigError: the Kafka topic is not there, or its limit may not be read.
    """
    partitions_of(admin, [name])
    configs = _configs(admin, [name])[name]
    if "max.message.bytes" not in configs:
        raise ConfigError(f"Kafka topic {name}: its max.message.bytes may not be read; allow DescribeConfigs")
    return min(WIRE_LIMIT_BYTES, int(configs["max.message.bytes"]))


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = admin.describe_configs(resources, config_filter=ConfigFilterType.ALL) if resources else {}
    return {
        name: {key: str(config["value"]) for key, config in configs.items()}
        for name, configs in answer.get("topic", {}).items()
    }


def _misfits(wanted: KafkaTopic, partitions: Sequence[Mapping[str, Any]], configs: Mapping[str, str]) -> list[str]:
    problems = []
    if len(partitions) < wanted.partitions:
        problems.append(f"{len(partitions)} partitions, {wanted.partitions} are needed")
    replicas = min(len(partition["replica_nodes"]) for partition in partitions)
    if replicas < wanted.replication_factor:
        problems.append(f"{replicas} replicas, bus.replication_factor is {wanted.replication_factor}")
    if "compact" in configs.get("cleanup.policy", ""):
        problems.append("cleanup.policy compact would lose all but the newest record of a key")
    for key in ("max.message.bytes", "retention.ms"):
        value = int(configs.get(key, -1))
        if 0 <= value < int(wanted.configs[key]):
            problems.append(f"{key} is {value}, {wanted.configs[key]} is needed")
    return problems


def _create(admin: KafkaAdminClient, missing: Mapping[str, KafkaTopic]) -> list[str]:
    answer = admin.create_topics(
        {
            name: {
                "num_partitions": each.partitions,
                "replication_factor": each.replication_factor,
                "configs": dict(each.configs),
            }
            for name, each in missing.items()
        },
        raise_errors=False,
    )
    made = []
    for result in answer["topics"]:
        error = errors.for_code(result["error_code"])
        if error is errors.NoError:
            made.append(result["name"])
        elif error is not errors.TopicAlreadyExistsError:  # another process was quicker
            raise error(f"{result['name']}: {result['error_message']}")
    admin.wait_for_topics(list(missing))
    return made
