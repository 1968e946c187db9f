"""A throw-away PostgreSQL cluster, made by initdb and run in the foreground."""

import pwd
import secrets
import shutil
import signal
import subprocess
import time
from typing import Self

import psycopg

from servers.process import Server, ServerError, free_port
from servers.programs import INITDB, MissingProgramError, as_root

USERNAME = "govwire"
PASSWORD = "postgres-Secret-1"


class PostgresServer(Server):
    """A cluster on 127.0.0.1; `url` for SQLAlchemy, `create_database()` for a database of one test's own."""

    name = "postgres"
    # "Fast": ends sessions instead of waiting for them, as SIGTERM would.
    stop_signal = signal.SIGINT

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        """The maintenance database, for SQLAlchemy with psycopg."""
        return self._url("postgres")

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self._url(name)

    def start(self) -> Self:
        """Start the server; after a kill its old backends may take a moment to notice and go, which is waited for."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return super().start()
            except ServerError as error:
                if "pre-existing shared memory" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _prepare(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        if as_root():
            user = _unprivileged()
            for path in (self.folder, password_file):
                shutil.chown(path, user.pw_uid, user.pw_gid)
        login = [f"--username={USERNAME}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        locale = ["--encoding=UTF8", "--locale=C"]
        with self.log.open("ab") as log:
            subprocess.run(
                [*_demoted(), str(INITDB.require()), "-D", str(self._data), *login, *locale, "--no-sync"],
                check=True,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            # What is lost without it is lost only when the machine itself fails; a killed server loses nothing.
            "fsync": "off",
        }
        settings = [argument for key, value in options.items() for argument in ("-c", f"{key}={value}")]
        return [*_demoted(), str(INITDB.require().with_name("postgres")), "-D", str(self._data), *settings]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={USERNAME} password={PASSWORD} dbname=postgres"

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{USERNAME}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


def _unprivileged() -> pwd.struct_passwd:
    """The user that runs PostgreSQL in root's place."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _demoted() -> list[str]:
    """What to put before a command of PostgreSQL, which refuses to run as root."""
    if not as_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise MissingProgramError("setpriv is not installed; on Debian: apt-get install util-linux")
    user = _unprivileged()
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
