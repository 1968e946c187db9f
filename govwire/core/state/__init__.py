"""State: the SQL database every process shares. The only door to SQLAlchemy and Alembic.

`open_state(url)` gives a `State`; its `begin()` is one transaction. The modules of this package are functions over a
`Transaction`, one module for each concept: ledger, frontier, hosts, schedule, identity, stories, outbox and more.
A stage passes the transaction on and never sees SQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import SQLAlchemyError as _SQLAlchemyError

from govwire.core.errors import ConfigError, StateError
from govwire.core.wal import BUSY_SECONDS, use_wal

Transaction = Connection

MIGRATIONS = Path(__file__).parent / "migrations"


class State:
    """The shared state of all processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One transaction: committed at the end of the block, rolled back on an error.

        What the database can never store passes as the error that it is: to wait and try again would not mend it.

        Raises:
            StateError: the database cannot be reached, or stayed locked for 30 seconds.
        """
        try:
            with self._engine.begin() as transaction:
                yield transaction
        except DataError:
            raise
        except DBAPIError as error:
            raise _away(error) from error

    def upgrade(self) -> None:
        """Bring the schema up to this program's; several processes may do it at once.

        Raises:
            StateError: the database cannot be reached.
            ConfigError: the schema is newer than this program.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            with self._engine.begin() as transaction:
                if self._engine.dialect.name == "postgresql":
                    # Two processes at first start: the second waits here, then finds the work done.
                    transaction.execute(text("SELECT pg_advisory_xact_lock(7306001)"))
                config.attributes["connection"] = transaction
                command.upgrade(config, "head")
        except DBAPIError as error:
            raise _away(error) from error
        except _SQLAlchemyError as error:
            raise _away(error) from error

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_state(url: str) -> State:
    """The state at a SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`); its schema is brought up to date.

    Raises:
        ConfigError: the URL is unusable.
        StateError: the database cannot be reached.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except ModuleNotFoundError as error:
        raise ConfigError(f"state.url: {error}; install the extra: pip install 'govwire[postgres]'") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(f"state.url: {error}; write 'sqlite:///path' or 'postgresql+psycopg://…'") from error
    except OSError as error:
        raise ConfigError(f"data_dir: {error}; name a folder that can be written") from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    state = State(engine)
    state.upgrade()
    return state


def insert_into(transaction: Transaction, table: Any) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT of the database's own dialect, so that `on_conflict_do_…` can be said of it."""
    return postgresql.insert(table) if transaction.dialect.name == "postgresql" else sqlite.insert(table)


def _away(error: _SQLAlchemyError) -> StateError:
    # A driver may spread its message over several lines; the first says what is wrong.
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = str(cause).strip().partition("\n")[0]
    return StateError(f"state: {said}; see that the database of state.url (else data_dir) is there and may be written")


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: object) -> None:
        # The driver's own transactions begin deferred, and a deferred one that turns to writing fails at once when
        # another writes; ours begin IMMEDIATE below and wait their turn.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        use_wal(connection, BUSY_SECONDS)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


__all__ = ["State", "Transaction", "insert_into", "open_state"]
