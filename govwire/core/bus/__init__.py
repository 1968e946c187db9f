"""The bus carries records between stages: `open_bus(settings)` gives Kafka or the embedded log behind one contract.

Promises of every backend, held by tests/contract/test_bus.py: messages of one key keep their order; a group's members
share the partitions, and a dead member's are taken over; what is not committed is delivered again; nothing is lost
that `publish` returned for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, Self

from govwire.core.errors import ConfigError, TooLargeError
from govwire.core.settings import Settings

# The largest message we publish: a page of 8 MiB that zstd cannot press, as base64 inside its JSON, fits.
WIRE_LIMIT_BYTES = 12 * 1024 * 1024


@dataclass(frozen=True)
class Message:
    """What is published: a key, the record's bytes, and the CloudEvents headers (`govwire.core.envelope`)."""

    key: str
    value: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Delivery:
    """A message as a member read it, with where it lay."""

    message: Message
    kafka_topic: str
    partition: int
    offset: int
    published_at: datetime


class Member(Protocol):
    """One process's place in a consumer group. Used from one thread."""

    def read(self, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """The next messages, in order per partition, at most `max_records`; empty when the time has passed.

        Raises:
            BrokerError: the bus cannot be reached.
        """

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Mark these, and all before them in their partitions, as done for the group.

        A commit of a partition that was lost meanwhile to another member changes nothing: it is read again there.
        """

    def keep_alive(self) -> None:
        """Keep the place in the group while a batch is in work; reads nothing."""

    def lag(self) -> int:
        """How many messages of the member's Kafka topics the whole group has not committed."""

    def close(self) -> None:
        """Leave the group; others take over at once."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Bus(Protocol):
    """Create it after the process has started (spawn, never fork). `publish` may be called from several threads."""

    def setup(self) -> list[str]:
        """Create what is missing of the flow's Kafka topics; existing ones are checked, never changed.

        Returns one line for each thing that was made.

        Raises:
            ConfigError: an existing Kafka topic does not fit (too few partitions, a smaller message size …).
            BrokerError: the bus cannot be reached.
        """

    def wire_limit(self, kafka_topic: str) -> int:
        """The largest message, in bytes, that may be published there: the smallest of all rules that apply."""

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        """Publish and return when every message is acknowledged on disk, in order per key.

        Raises:
            TooLargeError: one is over the wire limit; nothing was published.
            BrokerError: not acknowledged; some may be on the bus all the same.
        """

    def member(self, group: str, kafka_topics: Sequence[str], slot: str) -> Member:
        """Join a group. `slot` names this place in it (stage-host-number): a process that comes back under the same
        name takes its partitions back without waiting.

        Raises:
            ConfigError: a Kafka topic is not there. Where two processes use one slot, one of them gets it too: here
                at once (embedded), or the older one from its next `commit` (Kafka).
            BrokerError: the bus cannot be reached.
        """

    def lag(self, group: str, kafka_topics: Sequence[str]) -> int:
        """How many messages the group has not committed, over these Kafka topics."""

    def seek(self, group: str, kafka_topic: str, to: Literal["start", "end"] | datetime) -> None:
        """Set the committed offsets of a group that has no running member: a replay, or a skip.

        Raises:
            BrokerError: the group has running members, or the bus cannot be reached.
        """

    def scan(self, kafka_topic: str, *, after: Mapping[int, int] | None = None) -> Iterator[Delivery]:
        """Every message there now, without a group; `after` maps partitions to the last offset already known."""

    def trim(self, kafka_topic: str, before: datetime, groups: Sequence[str]) -> int:
        """Delete messages older than `before` that every group has passed; returns how many (0 where the broker's
        own retention does it)."""

    def close(self) -> None:
        """Release connections and files."""


def open_bus(settings: Settings) -> Bus:
    """The bus that the settings name; nothing is created on it before `setup`.

    Raises:
        ConfigError: the address or the credentials are unusable, or data_dir cannot be written.
        BrokerError: the file of the embedded bus cannot be opened. (A broker is first reached when it is needed.)
    """
    if settings.bus.url == "sqlite:":
        from govwire.core.bus.embedded import EmbeddedBus

        return EmbeddedBus(settings)
    from govwire.core.bus.kafka.bus import KafkaBus

    return KafkaBus(settings)


def size_of(message: Message) -> int:
    """The bytes a message takes on the wire, a little more rather than less: Kafka's framing is counted in."""
    # At most 61 bytes head a batch and 28 a record; two lengths of at most 5 bytes go before each header's parts.
    framing = 128 + 16 * len(message.headers)
    headers = sum(len(name.encode()) + len(value.encode()) for name, value in message.headers.items())
    return framing + len(message.key.encode()) + len(message.value) + headers


def refuse_too_large(kafka_topic: str, messages: Sequence[Message], limit: int) -> None:
    """Raise TooLargeError if one of the messages is over the wire limit."""
    for message in messages:
        size = size_of(message)
        if size > limit:
            raise TooLargeError(
                f"{kafka_topic}: message {message.key[:80]!r} is {size} bytes, the wire limit is {limit}; not published"
            )


def not_there(kafka_topic: str) -> ConfigError:
    """The error that tells of a Kafka topic that nobody has made."""
    return ConfigError(f"Kafka topic {kafka_topic} is not there; make it with 'govwire setup'")


def ends_of(deliveries: Sequence[Delivery]) -> dict[tuple[str, int], int]:
    """The offset behind the last of these deliveries, for each (Kafka topic, partition): what a commit commits."""
    ends: dict[tuple[str, int], int] = {}
    for delivery in deliveries:
        place = (delivery.kafka_topic, delivery.partition)
        ends[place] = max(ends.get(place, 0), delivery.offset + 1)
    return ends
