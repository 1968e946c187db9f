"""A group's offsets, asked of the broker and set there without a consumer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from kafka import KafkaAdminClient, TopicPartition, errors
from kafka.admin import OffsetSpec, OffsetTimestamp

from govwire.core.bus.kafka.topics import partitions_of
from govwire.core.errors import BrokerError

To = Literal["start", "end"] | datetime


def committed(admin: KafkaAdminClient, group: str, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Where the group goes on; partitions in which it has committed nothing yet are left out."""
    found = admin.list_group_offsets({group: list(places)})[group]
    return {place: at.offset for place, at in found.items() if at.offset >= 0}


def lag(admin: KafkaAdminClient, group: str, kafka_topics: Sequence[str]) -> int:
    """How many messages the group has not committed; those that retention has deleted do not count."""
    places = partitions_of(admin, kafka_topics)
    done = committed(admin, group, places)
    starts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return sum(max(0, ends[place].offset - max(starts[place].offset, done.get(place, 0))) for place in places)


def seek(admin: KafkaAdminClient, group: str, kafka_topic: str, to: To) -> None:
    """Set the committed offsets of a group.

    Raises:
        BrokerError: it has members.
    """
    state = admin.describe_groups([group])[group]["group_state"]
    if state not in {"Empty", "Dead", ""}:
        raise BrokerError(f"group {group} is reading {kafka_topic} ({state}); stop its processes before the seek")
    specs = dict.fromkeys(partitions_of(admin, [kafka_topic]), _spec(to))
    for result in admin.reset_group_offsets(group, specs).values():
        if result["error"] is not errors.NoError:
            raise result["error"](group)


def _spec(to: To) -> OffsetSpec | OffsetTimestamp:
    if isinstance(to, datetime):
        return OffsetTimestamp(int(to.timestamp() * 1000))
    return OffsetSpec.EARLIEST if to == "start" else OffsetSpec.LATEST
