"""The bus on Kafka. At-least-once: a publish that failed half-way, and is tried again, leaves a record twice."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.errors import KafkaError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from govwire.core.bus import Delivery, Message, refuse_too_large
from govwire.core.bus.kafka import offsets, topics
from govwire.core.bus.kafka.clients import CONNECT_SECONDS, DELIVERY_SECONDS, REQUEST_SECONDS, Clients
from govwire.core.bus.kafka.member import KafkaMember, delivery_of
from govwire.core.bus.kafka.translation import translating
from govwire.core.bus.plan import plan
from govwire.core.settings import Settings

T = TypeVar("T")

_SCAN_SILENCE_SECONDS = 8.0


class KafkaBus:
    """The bus of many machines. Its clients are made when they are needed, and anew after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients = Clients(settings.bus)
        self._lock = threading.RLock()
        self._admin: KafkaAdminClient | None = None
        self._producer: KafkaProducer | None = None
        self._limits: dict[str, int] = {}

    def setup(self) -> list[str]:
        """Create what is missing of the flow's Kafka topics."""
        wanted = plan(self._settings).kafka_topics
        made = self._ask("make the Kafka topics", lambda admin: topics.make_missing(admin, wanted))
        return [f"Kafka topic {each.name}: {each.partitions} partitions" for each in wanted if each.name in made]

    def wire_limit(self, kafka_topic: str) -> int:
        """The largest message that may be published, as the broker said at the first use."""
        if kafka_topic not in self._limits:
            action = f"read the limits of {kafka_topic}"
            self._limits[kafka_topic] = self._ask(action, lambda admin: topics.wire_limit(admin, kafka_topic))
        return self._limits[kafka_topic]

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        """Publish and wait for every acknowledgement."""
        refuse_too_large(kafka_topic, messages, self.wire_limit(kafka_topic))
        if not messages:
            return
        with translating(self._clients.where, f"publish to {kafka_topic}"):
            producer = self._open_producer()
            try:
                self._send(producer, kafka_topic, messages)
            except KafkaError:
                # After one refusal every later send of the same producer fails too.
                self._limits.pop(kafka_topic, None)
                self._close_producer(producer)
                raise

    def member(self, group: str, kafka_topics: Sequence[str], slot: str) -> KafkaMember:
        """Join a group."""
        self._ask("join", lambda admin: topics.partitions_of(admin, kafka_topics))
        return KafkaMember(self._clients, self._ask, group, kafka_topics, slot)

    def lag(self, group: str, kafka_topics: Sequence[str]) -> int:
        """How many messages the group has not committed."""
        return self._ask(f"ask for the lag of {group}", lambda admin: offsets.lag(admin, group, kafka_topics))

    def seek(self, group: str, kafka_topic: str, to: Literal["start", "end"] | datetime) -> None:
        """Set the committed offsets of a group without members."""
        self._ask(f"move {group} on {kafka_topic}", lambda admin: offsets.seek(admin, group, kafka_topic, to))

    def scan(self, kafka_topic: str, *, after: Mapping[int, int] | None = None) -> Iterator[Delivery]:
        """Every message there now, by a consumer without a group."""
        places = self._ask(f"scan {kafka_topic}", lambda admin: topics.partitions_of(admin, [kafka_topic]))
        with (
            translating(self._clients.where, f"scan {kafka_topic}"),
            contextlib.closing(self._scanner(places)) as consumer,
        ):
            ends = consumer.end_offsets(places, timeout_ms=REQUEST_SECONDS * 1000)
            starts = consumer.beginning_offsets(places, timeout_ms=REQUEST_SECONDS * 1000)
            for place in places:
                consumer.seek(place, max(starts[place], (after or {}).get(place.partition, -1) + 1))
            while any(consumer.position(place, timeout_ms=0) < ends[place] for place in places):
                found = consumer.poll(timeout_ms=_SCAN_SILENCE_SECONDS * 1000)
                if not found:
                    raise errors.KafkaTimeoutError(f"nothing came for {_SCAN_SILENCE_SECONDS:g} s")
                for place, records in found.items():
                    yield from (delivery_of(record) for record in records if record.offset < ends[place])

    def trim(self, kafka_topic: str, before: datetime, groups: Sequence[str]) -> int:  # noqa: ARG002 - see below
        """Nothing: the broker deletes by retention.ms, which `setup` has set or checked."""
        return 0

    def close(self) -> None:
        """Close the clients."""
        with self._lock:
            producer = self._producer
            self._close_admin()
        if producer is not None:
            self._close_producer(producer)

    def _send(self, producer: KafkaProducer, kafka_topic: str, messages: Sequence[Message]) -> None:
        futures = []
        failure: KafkaError | None = None
        try:
            for message in messages:
                headers = [(name, value.encode()) for name, value in message.headers.items()]
                key = message.key.encode()
                futures.append(producer.send(kafka_topic, key=key, value=message.value, headers=headers))
        except KafkaError as error:
            failure = error
        # All are waited for, the failed ones too, so that nothing is on its way when the same are published again.
        for future in futures:
            try:
                future.get(timeout=DELIVERY_SECONDS + REQUEST_SECONDS)
            except KafkaError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _ask(self, action: str, question: Callable[[KafkaAdminClient], T]) -> T:
        """Ask the broker; for some seconds again where it is worth it, such as while it elects a leader."""
        again = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, KafkaError) and error.retriable),
            stop=stop_after_delay(CONNECT_SECONDS),
            wait=wait_fixed(0.2),
            reraise=True,
        )
        with translating(self._clients.where, action):
            answer: T = again(self._ask_once, question)
        return answer

    def _ask_once(self, question: Callable[[KafkaAdminClient], T]) -> T:
        with self._lock:
            self._admin = self._admin or self._clients.admin()
            try:
                return question(self._admin)
            except (KafkaError, OSError):
                self._close_admin()
                raise

    def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    def _open_producer(self) -> KafkaProducer:
        with self._lock:
            self._producer = self._producer or self._clients.producer()
            return self._producer

    def _close_producer(self, producer: KafkaProducer) -> None:
        with self._lock:
            if self._producer is producer:
                self._producer = None
        # At once, unless another thread's messages are still on their way: they end within the time of a delivery.
        for seconds in (1, DELIVERY_SECONDS):
            with contextlib.suppress(KafkaError):
                producer.close(timeout=seconds)
                return

    def _scanner(self, places: Sequence[TopicPartition]) -> KafkaConsumer:
        consumer = self._clients.consumer()
        consumer.assign(places)
        return consumer
