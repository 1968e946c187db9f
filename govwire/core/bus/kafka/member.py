"""A place in a consumer group of Kafka's.

The consumer inside is thrown away after an error and made anew by the next call; the slot is a static member's name,
so the group does not notice. What was read and not committed is then read again.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, Self

import structlog
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition, errors
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError
from kafka.structs import MemberState, OffsetAndMetadata

from govwire.core.bus import Delivery, Message, ends_of
from govwire.core.bus.kafka import offsets
from govwire.core.bus.kafka.clients import REQUEST_SECONDS, Clients
from govwire.core.bus.kafka.translation import translating
from govwire.core.errors import BrokerError, GovwireError

log = structlog.get_logger(__name__)

# A shorter poll could never finish a fetch.
_SHORTEST_POLL_SECONDS = 0.05
# kafka-python 3.0 forgets a place in the group that it was given between two polls, and asks for another, which the
# whole group must gather for: whoever is joining stays in polls of a second, for as long as this.
_JOIN_SECONDS = 5.0
_JOINING_POLL_SECONDS = 1.0
# How long a broker may take to say where its partitions end, before it counts as away.
_PROBE_SECONDS = 4.0
# Records wait and none comes for so long: the consumer has stalled (kafka-python issues 3106, 3131) and is made anew.
_STALLED_SECONDS = 20.0
# A group is shared out anew as soon as its busiest member has called `keep_alive`, some seconds.
_SETTLE_SECONDS = 15.0
_NO_EPOCH = -1
_LOST_PLACE = (errors.CommitFailedError, errors.RebalanceInProgressError, errors.IllegalGenerationError)


class Ask(Protocol):
    """How a member asks the broker through its bus's admin client."""

    def __call__(self, action: str, question: Callable[[KafkaAdminClient], Any]) -> Any: ...


class KafkaMember:
    """One process's place in a consumer group. Used from one thread."""

    def __init__(self, clients: Clients, ask: Ask, group: str, kafka_topics: Sequence[str], slot: str) -> None:
        self._clients, self._ask, self._group, self._kafka_topics = clients, ask, group, list(kafka_topics)
        # The broker takes letters, digits and these three.
        self._slot = re.sub(r"[^A-Za-z0-9._-]", "-", slot)
        self._consumer: KafkaConsumer | None = None
        self._generation: int | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._stalled_since: float | None = None
        with self._consuming("join"):
            pass

    def read(self, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """The next messages."""
        with self._consuming("read") as consumer:
            consumer.resume(*consumer.paused())
            found = _poll(consumer, max(timeout_seconds, _SHORTEST_POLL_SECONDS), max_records)
            if found:
                self._stalled_since = None
            else:
                self._probe(consumer)
        return [delivery_of(record) for records in found.values() for record in records]

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Mark these as done, where their partitions are still this member's."""
        if not deliveries:
            return
        ends = {TopicPartition(*place): end for place, end in ends_of(deliveries).items()}
        with self._consuming("commit") as consumer:
            deadline = time.monotonic() + _SETTLE_SECONDS
            while True:
                self._settle(consumer, deadline)
                try:
                    self._commit_owned(consumer, ends)
                except _LOST_PLACE:
                    # The group is being shared out: what is still ours afterwards can be committed then.
                    _poll_without_reading(consumer)
                else:
                    return

    def keep_alive(self) -> None:
        """Poll without reading."""
        with self._consuming("keep the place in the group") as consumer:
            _poll_without_reading(consumer)

    def lag(self) -> int:
        """How many messages the whole group has not committed."""
        action = f"ask for the lag of {self._group}"
        return int(self._ask(action, lambda admin: offsets.lag(admin, self._group, self._kafka_topics)))

    def close(self) -> None:
        """Leave the group. Static members do not leave by themselves: the broker would wait for them to come back."""
        consumer = self._consumer
        if consumer is None:
            return
        # With its id, so that a newer process under the same slot is not thrown out.
        leaving = MemberToRemove(consumer.group_metadata().member_id, self._slot)
        self._drop()
        if not leaving.member_id:
            return
        try:
            self._ask("leave the group", lambda admin: admin.remove_group_members(self._group, [leaving]))
        except GovwireError as error:
            log.warning("group_not_left", consumer_group=self._group, error=str(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _consuming(self, action: str) -> Iterator[KafkaConsumer]:
        """The consumer, made if there is none; given up when the block fails."""
        with translating(self._clients.where, f"{action} as {self._slot} of {self._group}"):
            try:
                if self._consumer is None:
                    self._consumer = self._clients.group_consumer(self._group, self._slot)
                    self._consumer.subscribe(self._kafka_topics)
                yield self._consumer
            except (KafkaError, OSError):
                self._drop()
                raise

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._generation, self._stalled_since = None, None
        if consumer is not None:
            consumer.close(timeout_ms=1000)

    def _probe(self, consumer: KafkaConsumer) -> None:
        """Nothing came: because nothing is there, because the broker is away, or because the consumer has stalled?

        `poll` tells none of these from the others.
        """
        owned = consumer.assignment()
        places = [*owned] or [TopicPartition(self._kafka_topics[0], 0)]
        ends = consumer.end_offsets(places, timeout_ms=_PROBE_SECONDS * 1000)
        waiting = any((consumer.position(place, timeout_ms=0) or 0) < ends[place] for place in owned)
        now = time.monotonic()
        self._stalled_since = (self._stalled_since or now) if waiting else None
        if self._stalled_since is not None and now - self._stalled_since > _STALLED_SECONDS:
            log.warning("consumer_stalled", consumer_group=self._group, slot=self._slot)
            self._drop()

    def _settle(self, consumer: KafkaConsumer, deadline: float) -> None:
        """Wait until the group has given its members their partitions, and learn where each of ours goes on.

        A member with a place does not poll here: while the others gather, the broker still takes its commit.
        """
        while not _has_place(consumer):
            if time.monotonic() > deadline:
                raise BrokerError(f"group {self._group} is still being shared out after {_SETTLE_SECONDS:g} s")
            _poll_without_reading(consumer)
        generation = consumer.group_metadata().generation_id
        if generation != self._generation:
            self._committed = self._ask_committed([*consumer.assignment()])
            self._generation = generation

    def _ask_committed(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        action = f"ask for the offsets of {self._group}"
        found: dict[TopicPartition, int] = self._ask(
            action, lambda admin: offsets.committed(admin, self._group, places)
        )
        return found

    def _commit_owned(self, consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        """Commit forward only: another member may have owned a partition in between, and done more."""
        owned = consumer.assignment()
        forward = {place: end for place, end in ends.items() if place in owned and end > self._committed.get(place, 0)}
        consumer.commit(
            {place: OffsetAndMetadata(end, "", _NO_EPOCH) for place, end in forward.items()},
            timeout_ms=REQUEST_SECONDS * 1000,
        )
        self._committed |= forward
        for place, end in forward.items():
            # After a rebalance reading begins at what was committed before this batch.
            if (consumer.position(place, timeout_ms=REQUEST_SECONDS * 1000) or 0) < end:
                consumer.seek(place, end)


def delivery_of(record: Any) -> Delivery:
    """A record as kafka-python gives it, as ours. What other programs wrote may lack a key or hold odd headers."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    message = Message((record.key or b"").decode(errors="replace"), record.value or b"", headers)
    published_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Delivery(message, record.topic, record.partition, record.offset, published_at)


def _poll(consumer: KafkaConsumer, seconds: float, max_records: int) -> dict[TopicPartition, list[Any]]:
    found: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=seconds * 1000, max_records=max_records)
    deadline = time.monotonic() + _JOIN_SECONDS
    while not found and not _has_place(consumer) and time.monotonic() < deadline:
        found = consumer.poll(timeout_ms=_JOINING_POLL_SECONDS * 1000, max_records=max_records)
    return found


def _poll_without_reading(consumer: KafkaConsumer) -> None:
    consumer.pause(*consumer.assignment())
    for place, records in _poll(consumer, 0, 1).items():
        # Of a partition that came with this very poll.
        consumer.seek(place, records[0].offset)


def _has_place(consumer: KafkaConsumer) -> bool:
    return bool(consumer.group_metadata().state is MemberState.STABLE)
