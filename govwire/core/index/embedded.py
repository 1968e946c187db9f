"""The embedded index: one SQLite file with FTS5, written and searched by several processes and threads.

Every write is one transaction, on disk when it returns; a search reads one state of the file.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from govwire.core.errors import ConfigError, SearchError
from govwire.core.index import (
    MAX_BUCKETS,
    Bucket,
    Document,
    Hit,
    Hits,
    Interval,
    Kind,
    Refusal,
    cursor_after,
    facet_path,
    place_of,
)
from govwire.core.index.documents import TOKEN_FIELDS
from govwire.core.index.sql_query import condition
from govwire.core.index.sql_tables import LAYOUT, TABLES, delete, put, stored
from govwire.core.query import Query
from govwire.core.settings import Settings
from govwire.core.wal import BUSY_SECONDS, use_wal

_INTERVALS: Mapping[Interval, str] = {
    "day": "date(d.sort_at)",
    # Weeks begin on Monday, as ISO 8601 has it.
    "week": "date(d.sort_at, '-6 days', 'weekday 1')",
    "month": "date(d.sort_at, 'start of month')",
}


class EmbeddedIndex:
    """The index in data_dir/index.db."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.data_dir / "index.db"
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"data_dir: {error}; name a folder that can be written") from error
        self.setup()

    def setup(self) -> list[str]:
        """Make the tables where they are missing."""
        with self._writing() as connection:
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            if layout == LAYOUT:
                return []
            if layout:
                raise ConfigError(
                    f"index: {self._path} has layout {layout}, this program {LAYOUT}; move the file away and replay"
                )
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        return [f"index {self._path}"]

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        try:
            with self._reading() as connection:
                rows = connection.execute("PRAGMA quick_check(5)").fetchall()
        except SearchError as error:
            return [str(error)]
        found = [" ".join(row[0].split()) for row in rows if row[0] != "ok"]
        return [f"index {self._path}: {problem}; move the file away and replay" for problem in found]

    def put(self, kind: Kind, documents: Sequence[Document]) -> list[Refusal]:
        """Store many in one transaction; a stale version is done, and no refusal."""
        with self._writing() as connection:
            return put(connection, kind, documents)

    def replace_claims(self, article_id: str, version: int, documents: Sequence[Document]) -> list[Refusal]:
        """Store an article's flat claims, and delete those it no longer has, in one transaction."""
        with self._writing() as connection:
            newer = connection.execute(
                "SELECT 1 FROM documents WHERE article_id = ? AND version > ?", (article_id, version)
            ).fetchone()
            if newer:
                return []
            for row in connection.execute(
                "SELECT * FROM documents WHERE kind = 'claims' AND article_id = ?", (article_id,)
            ).fetchall():
                delete(connection, row)
            return put(connection, "claims", documents)

    def get(self, kind: Kind, document_id: str) -> Hit | None:
        """One document, whole."""
        with self._reading() as connection:
            row = stored(connection, kind, document_id)
        if row is None:
            return None
        return Hit(row["id"], row["version"], {**json.loads(row["body"]), **{name: row[name] for name in TOKEN_FIELDS}})

    def search(
        self,
        query: Query,
        *,
        kind: Kind = "articles",
        limit: int = 20,
        after: str | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """The newest documents that match, all read from one state of the file."""
        for name in facets:
            facet_path(kind, name)
        wanted = condition(query)
        matching, parameters = f"d.kind = ? AND ({wanted.text})", (kind, *wanted.parameters)
        page, place = matching, parameters
        if after is not None:
            sort_at, document_id = place_of(after)
            page = f"{matching} AND (d.sort_at < ? OR d.sort_at = ? AND d.id > ?)"
            place = (*parameters, sort_at, sort_at, document_id)
        with self._reading() as connection:
            total = connection.execute(f"SELECT count(*) FROM documents d WHERE {matching}", parameters).fetchone()[0]
            rows = connection.execute(
                "SELECT d.id, d.version, d.sort_at, d.body FROM documents d"
                f" WHERE {page} ORDER BY d.sort_at DESC, d.id LIMIT ?",
                (*place, limit + 1),
            ).fetchall()
            counts = {name: _count(connection, name, matching, parameters) for name in facets}
        hits = [Hit(row["id"], row["version"], json.loads(row["body"])) for row in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit and limit else None
        return Hits(total, hits, counts, cursor_after(last["sort_at"], last["id"]) if last else None)

    def histogram(self, query: Query, *, kind: Kind = "articles", interval: Interval = "day") -> list[Bucket]:
        """Matches per interval of UTC, oldest first, empty intervals left out."""
        wanted = condition(query)
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_INTERVALS[interval]} AS begins, count(*) FROM documents d"
                f" WHERE d.kind = ? AND ({wanted.text}) GROUP BY begins ORDER BY begins",
                (kind, *wanted.parameters),
            ).fetchall()
        return [Bucket(begins, count) for begins, count in rows]

    def delete(self, kind: Kind, document_ids: Sequence[str], *, up_to: int | None = None) -> int:
        """Delete for good, those of a version over `up_to` excepted; returns how many were there."""
        with self._writing() as connection:
            there = [row for each in document_ids if (row := stored(connection, kind, each)) is not None]
            rows = [row for row in there if up_to is None or row["version"] <= up_to]
            for row in rows:
                delete(connection, row)
        return len(rows)

    def refresh(self) -> None:
        """Nothing to do: what is committed is seen."""

    def newest_at(self) -> datetime | None:
        """When the newest article was first seen."""
        with self._reading() as connection:
            newest = connection.execute("SELECT max(first_seen_at) FROM documents WHERE kind = 'articles'").fetchone()
        return datetime.fromisoformat(newest[0]) if newest[0] else None

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Each thread uses its own; closed from whichever thread closes the index.
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            use_wal(connection, BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._connection()
            connection.execute(f"BEGIN {kind}")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise SearchError(f"index: {self._path}: {error}; see that the file can be written and is whole") from error


def _count(connection: sqlite3.Connection, name: str, matching: str, parameters: tuple[str, ...]) -> list[Bucket]:
    rows = connection.execute(
        "SELECT f.value, count(*) AS found FROM facts f JOIN documents d ON d.number = f.document"
        f" WHERE f.field = ? AND {matching} GROUP BY f.value ORDER BY found DESC, f.value LIMIT ?",
        (name, *parameters, MAX_BUCKETS),
    ).fetchall()
    return [Bucket(value, found) for value, found in rows]
