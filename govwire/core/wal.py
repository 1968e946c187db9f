"""Write-ahead logging of SQLite files: the one change that does not wait its turn by itself."""

import sqlite3
import time

# How long who writes waits for others who write, before the file counts as out of reach.
BUSY_SECONDS = 30
_PAUSE_SECONDS = 0.01


def use_wal(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """Turn a file to WAL, where it is not.

    When two processes do so to a new file at once, SQLite fails one of them without asking its busy handler; so it is
    tried again here for as long.

    Raises:
        sqlite3.Error: the file stayed locked, or cannot be used.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
