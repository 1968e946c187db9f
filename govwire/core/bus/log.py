"""The log of the embedded bus: one SQLite file, read and written by several processes and threads.

Only SQL lives here; who may read which partition is decided in `embedded`. A write is one transaction that is on disk
when it returns; a read is one short statement, so that no reader ever keeps the file from being checkpointed.
"""

import json
import sqlite3
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from govwire.core.bus import Delivery, Message, not_there
from govwire.core.errors import BrokerError, ConfigError
from govwire.core.wal import BUSY_SECONDS, use_wal

_TABLES = (
    """CREATE TABLE IF NOT EXISTS partitions (
        id INTEGER PRIMARY KEY,
        kafka_topic TEXT NOT NULL,
        partition INTEGER NOT NULL,
        next_offset INTEGER NOT NULL DEFAULT 0,
        UNIQUE (kafka_topic, partition)
    )""",
    """CREATE TABLE IF NOT EXISTS records (
        partition_id INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        published_ms INTEGER NOT NULL,
        key TEXT NOT NULL,
        headers TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (partition_id, offset)
    )""",
    """CREATE TABLE IF NOT EXISTS commits (
        consumer_group TEXT NOT NULL,
        partition_id INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        PRIMARY KEY (consumer_group, partition_id)
    ) WITHOUT ROWID""",
)
# The write-ahead file is cut back to this after a burst of large pages.
_WAL_BYTES = 64 * 1024 * 1024


class Log:
    """One connection to the file. Threads may share it; each member has its own, so that it learns of others' writes.

    Every method raises BrokerError when the file cannot be used, or stayed locked for 30 seconds.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and make it where it is missing.

        Raises:
            ConfigError: its folder cannot be written.
        """
        self._path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"data_dir: {error}; name a folder that can be written") from error
        with self._translating():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            use_wal(self._connection, BUSY_SECONDS)
            for pragma in ("synchronous=FULL", f"journal_size_limit={_WAL_BYTES}"):
                self._connection.execute(f"PRAGMA {pragma}")
        with self._writing() as connection:
            for table in _TABLES:
                connection.execute(table)

    def create(self, kafka_topic: str, partitions: int) -> bool:
        """Make a Kafka topic where it is missing; whether it was."""
        rows = [(kafka_topic, partition) for partition in range(partitions)]
        with self._writing() as connection:
            missing = not connection.execute(
                "SELECT 1 FROM partitions WHERE kafka_topic = ?", (kafka_topic,)
            ).fetchall()
            if missing:
                connection.executemany("INSERT INTO partitions (kafka_topic, partition) VALUES (?, ?)", rows)
        return missing

    def append(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        """Append in order, all or none; on disk when it returns.

        Raises:
            ConfigError: the Kafka topic is not there.
        """
        now_ms = to_ms(datetime.now(UTC))
        with self._writing() as connection:
            query = "SELECT id, next_offset FROM partitions WHERE kafka_topic = ? ORDER BY partition"
            rows = connection.execute(query, (kafka_topic,)).fetchall()
            if not rows:
                raise not_there(kafka_topic)
            by_partition: dict[int, list[Message]] = defaultdict(list)
            for message in messages:
                # A hash that is the same in every process and on every machine, unlike Python's own.
                by_partition[zlib.crc32(message.key.encode()) % len(rows)].append(message)
            for partition, group in by_partition.items():
                partition_id, offset = rows[partition]
                connection.executemany(
                    "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (partition_id, offset + number, now_ms, message.key, _pack(message.headers), message.value)
                        for number, message in enumerate(group)
                    ],
                )
                connection.execute(
                    "UPDATE partitions SET next_offset = ? WHERE id = ?", (offset + len(group), partition_id)
                )

    def read(self, kafka_topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> list[Delivery]:
        """The records from an offset on, at most `max_records`, and none after `max_bytes` are reached."""
        query = """
            SELECT offset, published_ms, key, headers, value FROM records
            WHERE partition_id = (SELECT id FROM partitions WHERE kafka_topic = ? AND partition = ?) AND offset >= ?
            ORDER BY offset LIMIT ?
        """
        deliveries: list[Delivery] = []
        with self._translating(), closing(self._connection.cursor()) as cursor:
            for row in cursor.execute(query, (kafka_topic, partition, offset, max_records)):
                message = Message(row[2], row[4], json.loads(row[3]))
                published_at = datetime.fromtimestamp(row[1] / 1000, UTC)
                deliveries.append(Delivery(message, kafka_topic, partition, row[0], published_at))
                max_bytes -= len(message.value)
                if max_bytes <= 0:
                    break
        return deliveries

    def ends(self, kafka_topic: str) -> list[int]:
        """The offset behind the last record, partition by partition."""
        query = "SELECT next_offset FROM partitions WHERE kafka_topic = ? ORDER BY partition"
        return [row[0] for row in self._rows(query, (kafka_topic,))]

    def committed(self, group: str, kafka_topic: str, partition: int) -> int:
        """Where the group goes on in a partition."""
        query = """
            SELECT offset FROM commits JOIN partitions ON id = partition_id
            WHERE consumer_group = ? AND kafka_topic = ? AND partition = ?
        """
        rows = self._rows(query, (group, kafka_topic, partition))
        return int(rows[0][0]) if rows else 0

    def commit(self, group: str, ends: Mapping[tuple[str, int], int]) -> None:
        """Move a group's offsets forward, never back."""
        with self._writing() as connection:
            connection.executemany(
                """
                INSERT INTO commits SELECT ?, id, ? FROM partitions WHERE kafka_topic = ? AND partition = ?
                ON CONFLICT DO UPDATE SET offset = max(offset, excluded.offset)
                """,
                [(group, end, kafka_topic, partition) for (kafka_topic, partition), end in ends.items()],
            )

    def seek(self, group: str, kafka_topic: str, offsets: Sequence[int]) -> None:
        """Set a group's offsets, partition by partition."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO commits "
                "SELECT ?, id, ? FROM partitions WHERE kafka_topic = ? AND partition = ?",
                [(group, offset, kafka_topic, partition) for partition, offset in enumerate(offsets)],
            )

    def lag(self, group: str, kafka_topic: str) -> int:
        """How many records the group has not committed."""
        query = """
            SELECT sum(next_offset - max(
                coalesce((SELECT offset FROM commits WHERE consumer_group = ? AND partition_id = id), 0),
                coalesce((SELECT min(offset) FROM records WHERE partition_id = id), next_offset)
            )) FROM partitions WHERE kafka_topic = ?
        """
        return int(self._rows(query, (group, kafka_topic))[0][0] or 0)

    def offsets_at(self, kafka_topic: str, time: datetime) -> list[int]:
        """The oldest record that is not older than `time`, or where the next will lie, partition by partition."""
        query = """
            SELECT coalesce(
                (SELECT offset FROM records WHERE partition_id = id AND published_ms >= ? ORDER BY offset LIMIT 1),
                next_offset
            ) FROM partitions WHERE kafka_topic = ? ORDER BY partition
        """
        return [row[0] for row in self._rows(query, (to_ms(time), kafka_topic))]

    def trim(self, kafka_topic: str, offsets: Sequence[int]) -> int:
        """Delete the records before these offsets, partition by partition; returns how many."""
        query = """
            DELETE FROM records
            WHERE partition_id = (SELECT id FROM partitions WHERE kafka_topic = ? AND partition = ?) AND offset < ?
        """
        deleted = 0
        for partition, offset in enumerate(offsets):
            with self._writing() as connection:
                deleted += connection.execute(query, (kafka_topic, partition, offset)).rowcount
        return deleted

    def version(self) -> int:
        """A number that changes whenever another connection has written."""
        return int(self._rows("PRAGMA data_version", ())[0][0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._translating():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._translating():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """One thread at a time, and SQLite's errors as ours."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise BrokerError(f"bus: {self._path}: {error}; see that the disk has room, waiting for it") from error


def to_ms(time: datetime) -> int:
    """Milliseconds since 1970, as both backends keep times."""
    return int(time.timestamp() * 1000)


def _pack(headers: Mapping[str, str]) -> str:
    return json.dumps(dict(headers), ensure_ascii=False)
