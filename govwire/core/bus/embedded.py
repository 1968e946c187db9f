"""The embedded bus: the same promises as Kafka's, kept by one SQLite file and the kernel's file locks.

A member owns a partition by a lock file, which the kernel frees when its process dies; the others look every half
second, so a dead member's partitions are taken over within about that time, and a late joiner gets its share.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from govwire.core import flow
from govwire.core.bus import WIRE_LIMIT_BYTES, Delivery, Message, ends_of, not_there, refuse_too_large
from govwire.core.bus.log import Log
from govwire.core.bus.places import Lock, Places
from govwire.core.errors import BrokerError, ConfigError
from govwire.core.settings import Settings

_BALANCE_SECONDS = 0.5
# How often a waiting member asks SQLite whether anything was written; one such look costs some 10 microseconds.
_LOOK_SECONDS = 0.05
# How long a slot may seem taken: others look at its lock for an instant, and a dying process takes a moment to die.
_SLOT_SECONDS = 2.0
_SCAN_PAGE = 100
# What one read may hold in memory, whatever its number of records: the 50 MiB of Kafka's fetch.max.bytes.
_READ_BYTES = 50 * 1024 * 1024
_EPOCH = datetime.fromtimestamp(0, UTC)


class EmbeddedBus:
    """The bus of one machine: `bus.db` and `locks/bus` in data_dir."""

    def __init__(self, settings: Settings) -> None:
        self._data_dir = settings.data_dir
        self._prefix = settings.bus.prefix
        self._path = settings.data_dir / "bus.db"
        self._log = Log(self._path)

    def setup(self) -> list[str]:
        """Create what is missing of the flow's Kafka topics."""
        made, problems = [], []
        for name, channel in flow.kafka_topics(self._prefix).items():
            if self._log.create(name, channel.partitions):
                made.append(f"Kafka topic {name}: {channel.partitions} partitions in {self._path}")
            elif (found := len(self._log.ends(name))) < channel.partitions:
                problems.append(f"Kafka topic {name}: {found} partitions, {channel.partitions} are needed")
        if problems:
            raise ConfigError(problems)
        return made

    def wire_limit(self, kafka_topic: str) -> int:  # noqa: ARG002 - the same for all
        """The largest message that may be published."""
        return WIRE_LIMIT_BYTES

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        """Publish all in one transaction."""
        refuse_too_large(kafka_topic, messages, WIRE_LIMIT_BYTES)
        if messages:
            self._log.append(kafka_topic, messages)

    def member(self, group: str, kafka_topics: Sequence[str], slot: str) -> "EmbeddedMember":
        """Join a group."""
        places = {name: self._places(group, name) for name in kafka_topics}
        return EmbeddedMember(self._path, group, slot, places)

    def lag(self, group: str, kafka_topics: Sequence[str]) -> int:
        """How many messages the group has not committed."""
        return sum(self._log.lag(group, name) for name in kafka_topics)

    def seek(self, group: str, kafka_topic: str, to: Literal["start", "end"] | datetime) -> None:
        """Set the committed offsets; takes the partitions itself meanwhile, so that no member can own one."""
        places = self._places(group, kafka_topic)
        locks = [places.take_partition(partition) for partition in range(places.partitions)]
        try:
            if None in locks:
                raise BrokerError(f"group {group} is reading {kafka_topic}; stop its processes before the seek")
            self._log.seek(group, kafka_topic, self._offsets(kafka_topic, to))
        finally:
            for lock in locks:
                if lock is not None:
                    lock.release()

    def scan(self, kafka_topic: str, *, after: Mapping[int, int] | None = None) -> Iterator[Delivery]:
        """Every message there now, page by page."""
        ends = self._log.ends(kafka_topic)
        if not ends:
            raise not_there(kafka_topic)
        for partition, end in enumerate(ends):
            offset = (after or {}).get(partition, -1) + 1
            while page := self._log.read(kafka_topic, partition, offset, min(_SCAN_PAGE, end - offset), _READ_BYTES):
                yield from (delivery for delivery in page if delivery.offset < end)
                offset = page[-1].offset + 1

    def trim(self, kafka_topic: str, before: datetime, groups: Sequence[str]) -> int:
        """Delete old messages that every group has passed."""
        offsets = self._log.offsets_at(kafka_topic, before)
        for group in groups:
            passed = [self._log.committed(group, kafka_topic, partition) for partition in range(len(offsets))]
            offsets = [min(pair) for pair in zip(offsets, passed, strict=True)]
        return self._log.trim(kafka_topic, offsets)

    def close(self) -> None:
        """Close the file."""
        self._log.close()

    def _offsets(self, kafka_topic: str, to: Literal["start", "end"] | datetime) -> list[int]:
        if to == "end":
            return self._log.ends(kafka_topic)
        return self._log.offsets_at(kafka_topic, _EPOCH if to == "start" else to)

    def _places(self, group: str, kafka_topic: str) -> Places:
        partitions = len(self._log.ends(kafka_topic))
        if not partitions:
            raise not_there(kafka_topic)
        return Places(self._data_dir, group, kafka_topic, partitions)


@dataclass
class _Owned:
    """A partition that this member owns: where it reads on, and where the group would go on without it."""

    lock: Lock
    position: int
    committed: int


class EmbeddedMember:
    """One process's place in a consumer group of the embedded bus. Used from one thread."""

    def __init__(self, path: Path, group: str, slot: str, places: Mapping[str, Places]) -> None:
        self._group, self._slot, self._places = group, slot, places
        self._owned: dict[tuple[str, int], _Owned] = {}
        self._presence: list[Lock] = []
        self._balance_at = 0.0
        self._turn = 0
        self._log = Log(path)
        try:
            self._presence = [self._take_place(each) for each in places.values()]
        except ConfigError:
            self.close()
            raise

    def read(self, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """The next messages."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            version = self._log.version()
            self._balance()
            deliveries = self._next(max_records)
            if deliveries or time.monotonic() >= deadline:
                return deliveries
            self._wait(version, deadline)

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Mark these as done, where their partitions are still this member's."""
        ends = {place: end for place, end in ends_of(deliveries).items() if place in self._owned}
        self._log.commit(self._group, ends)
        for place, end in ends.items():
            owned = self._owned[place]
            owned.committed = max(owned.committed, end)
            owned.position = max(owned.position, end)

    def keep_alive(self) -> None:
        """Nothing keeps a place but the process itself; partitions that are free to go are handed to those in need."""
        self._balance()

    def lag(self) -> int:
        """How many messages the whole group has not committed."""
        return sum(self._log.lag(self._group, name) for name in self._places)

    def close(self) -> None:
        """Leave the group."""
        for place in [*self._owned]:
            self._give_up(place)
        for lock in self._presence:
            lock.release()
        self._presence = []
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_place(self, places: Places) -> Lock:
        deadline = time.monotonic() + _SLOT_SECONDS
        while (lock := places.take_member(self._slot)) is None:
            if time.monotonic() >= deadline:
                raise ConfigError(
                    f"slot {self._slot} of group {self._group} is another process's; give each its own by --slot"
                )
            time.sleep(_LOOK_SECONDS)
        return lock

    def _next(self, max_records: int) -> list[Delivery]:
        # Each read begins with another partition, so that a full one cannot starve those behind it.
        places = sorted(self._owned)
        self._turn += 1
        deliveries: list[Delivery] = []
        bytes_left = _READ_BYTES
        for number in range(len(places)):
            left = max_records - len(deliveries)
            if left <= 0 or bytes_left <= 0:
                break
            place = places[(self._turn + number) % len(places)]
            page = self._log.read(*place, self._owned[place].position, left, bytes_left)
            if page:
                deliveries += page
                bytes_left -= sum(len(delivery.message.value) for delivery in page)
                self._owned[place].position = page[-1].offset + 1
        return deliveries

    def _wait(self, version: int, deadline: float) -> None:
        while time.monotonic() < min(deadline, self._balance_at) and self._log.version() == version:
            time.sleep(_LOOK_SECONDS)

    def _balance(self) -> None:
        """Give up what is over this member's share, take what is free up to it."""
        if time.monotonic() < self._balance_at:
            return
        self._balance_at = time.monotonic() + _BALANCE_SECONDS
        for kafka_topic, places in self._places.items():
            share = places.share_of(self._slot)
            mine = [place for place in self._owned if place[0] == kafka_topic]
            # What was read and not committed stays here until it is: given up now, it would be worked on twice.
            idle = [place for place in mine if self._owned[place].position == self._owned[place].committed]
            for place in idle[: max(0, len(mine) - share)]:
                self._give_up(place)
            self._take(kafka_topic, places, share - len(mine))

    def _take(self, kafka_topic: str, places: Places, wanted: int) -> None:
        for partition in range(places.partitions):
            if wanted <= 0:
                return
            place = (kafka_topic, partition)
            lock = None if place in self._owned else places.take_partition(partition)
            if lock is not None:
                committed = self._log.committed(self._group, kafka_topic, partition)
                self._owned[place] = _Owned(lock, committed, committed)
                wanted -= 1

    def _give_up(self, place: tuple[str, int]) -> None:
        self._owned.pop(place).lock.release()
