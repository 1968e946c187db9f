"""The passage cache: what the encoder made of a passage, kept so that copies and new revisions are not read again.

Correctness never depends on it: whatever is wrong with its file (locked, full, damaged, of another layout), a passage
is simply read anew, and an entry is given back only if its checksum holds. Several processes share one file.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import structlog

from govwire.core.wal import use_wal

log = structlog.get_logger(__name__)

T = TypeVar("T")

# As `classify.cache_entries` says where nothing else is set.
DEFAULT_ENTRIES = 50_000
# A passage is read anew in less time than it is worth waiting for another process.
BUSY_SECONDS = 0.5
# After an error the file is left alone for a while, so that a lock that stays costs one wait a minute.
OFF_SECONDS = 60.0
# How much the file may run over before the oldest go: counting them at every entry would cost more than it keeps.
_SLACK = 100

# Numbers that only rise say which is oldest; several processes share them.
_TABLE = """
    CREATE TABLE IF NOT EXISTS passages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace TEXT NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        checksum BLOB NOT NULL,
        UNIQUE (namespace, key)
    )
"""
# What another process or a full disk causes, and passes; everything else is a file that is no cache of ours.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}


class PassageCache:
    """Bytes by key for one classifier; the oldest go first. May be used from several threads and processes."""

    def __init__(self, path: Path | None, namespace: str, entries: int = DEFAULT_ENTRIES) -> None:
        """A cache in that file, or in memory where `path` is None; 0 entries: keep nothing.

        `namespace` is the classifier's digest: entries of other classifiers are swept away.
        """
        self._path, self._namespace, self._entries = path, namespace, entries
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._off_until = float("-inf") if entries else float("inf")
        self._puts = 0

    def get(self, key: bytes) -> bytes | None:
        """What was put under a key; None where it is not there, or cannot be had just now."""

        def find(connection: sqlite3.Connection) -> bytes | None:
            found = connection.execute(
                "SELECT value, checksum FROM passages WHERE namespace = ? AND key = ?", (self._namespace, key)
            ).fetchone()
            if found is None or not isinstance(found[0], bytes) or found[1] != _checksum(key, found[0]):
                return None
            return found[0]

        return self._do(find)

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value, if that can be done just now."""

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO passages (namespace, key, value, checksum) VALUES (?, ?, ?, ?)",
                (self._namespace, key, value, _checksum(key, value)),
            )
            self._puts += 1
            if self._puts % max(1, self._entries // _SLACK) == 0:
                _drop_oldest(connection, self._entries)

        self._do(keep)

    def close(self) -> None:
        """Release the file; nothing is kept or found any more."""
        with self._lock:
            self._off_until = float("inf")
            self._disconnect()

    def _do(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        with self._lock:
            if time.monotonic() < self._off_until:
                return None
            try:
                if self._connection is None:
                    self._connection = self._connect()
                return action(self._connection)
            except sqlite3.Error as error:
                log.warning("passage_cache_off", path=str(self._path), seconds=OFF_SECONDS, error=str(error))
                self._off_until = time.monotonic() + OFF_SECONDS
                if not _passes(error):
                    self._disconnect()
                    self._put_aside()
                return None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _put_aside(self) -> None:
        """Make room for a new file; the old one is kept beside it, for who wants to know."""
        if self._path is None:
            return
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.broken"))
            for suffix in ("-wal", "-shm"):
                self._path.with_name(f"{self._path.name}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            log.warning("passage_cache_stays_broken", path=str(self._path), error=str(error))
        else:
            self._off_until = float("-inf")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # Losing the newest entries in a power cut costs nothing but reading them again.
            use_wal(connection, BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(_TABLE)
            connection.execute("DELETE FROM passages WHERE namespace <> ?", (self._namespace,))
            _drop_oldest(connection, self._entries)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _checksum(key: bytes, value: bytes) -> bytes:
    digest = blake2b(key, digest_size=8)
    digest.update(value)
    return digest.digest()


def _drop_oldest(connection: sqlite3.Connection, entries: int) -> None:
    connection.execute(
        "DELETE FROM passages WHERE number <= (SELECT number FROM passages ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (entries,),
    )


def _passes(error: sqlite3.Error) -> bool:
    # The low byte is the kind, the rest its detail. Errors of the module itself carry no code.
    return (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF in _PASSING
