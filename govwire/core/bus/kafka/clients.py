"""How clients of the broker are made: addresses, login, TLS and time limits in one place.

A client is made by the process that uses it, after its start, and thrown away after an error: a fresh one knows no old
leaders, no dead coordinator and no failed batches.
"""

import logging
import socket
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, SaslAuthenticationFailedError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from govwire.core.bus import WIRE_LIMIT_BYTES
from govwire.core.bus.plan import BATCH_OVERHEAD_BYTES
from govwire.core.errors import ConfigError
from govwire.core.settings import BusSettings

C = TypeVar("C", KafkaAdminClient, KafkaConsumer, KafkaProducer)

CONNECT_SECONDS = 5.0
# A stage must learn within seconds that the broker is away; a page of 12 MiB takes one on a slow office network.
REQUEST_SECONDS = 8.0
DELIVERY_SECONDS = 12.0
# A dead member is missed after this (T: 10 s instead of the default 45); its own slot comes back at once.
SESSION_SECONDS = 10.0
_HEARTBEAT_SECONDS = 1.0
# The longest a busy member may hold up the others of its group; `keep_alive` comes every few seconds.
_POLL_SECONDS = 60.0
# Records of one publish go out together; the wait is small beside the broker's answer.
_LINGER_MS = 5
_BATCH_BYTES = 128 * 1024


class Clients:
    """Makes clients of the broker that the settings name."""

    def __init__(self, settings: BusSettings) -> None:
        """Check the settings, without a connection.

        Raises:
            ConfigError: every mistake in them.
        """
        problems: list[str] = []
        self._addresses = _addresses(settings, problems)
        self.where = ",".join(f"{host}:{port}" for host, port in self._addresses)
        self._common = {
            "bootstrap_servers": self.where.split(","),
            "client_id": "govwire",
            "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            "reconnect_backoff_max_ms": 1000,
            "security_protocol": settings.security.upper(),
            **_login(settings, problems),
            **_tls(settings, problems),
        }
        if problems:
            raise ConfigError(problems)
        # What goes wrong reaches the caller as an error; the client's own lines about it, many a second, are noise.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def admin(self) -> KafkaAdminClient:
        """A client that asks and creates. Raises KafkaError or OSError, as all here do."""
        return self._open(KafkaAdminClient)

    def producer(self) -> KafkaProducer:
        """An idempotent producer: no message is lost, doubled or reordered by its own retries."""
        return self._open(
            KafkaProducer,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            linger_ms=_LINGER_MS,
            batch_size=_BATCH_BYTES,
            max_request_size=WIRE_LIMIT_BYTES + BATCH_OVERHEAD_BYTES,
            max_block_ms=int(REQUEST_SECONDS * 1000),
            delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def consumer(self, **settings: Any) -> KafkaConsumer:
        """A consumer that commits only when told to."""
        return self._open(
            KafkaConsumer,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **settings,
        )

    def group_consumer(self, group: str, slot: str) -> KafkaConsumer:
        """A consumer with a place in a group; static, so that a process that comes back finds its partitions."""
        return self.consumer(
            group_id=group,
            group_instance_id=slot,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(_HEARTBEAT_SECONDS * 1000),
            max_poll_interval_ms=int(_POLL_SECONDS * 1000),
            partition_assignment_strategy=[RangePartitionAssignor],
        )

    def _open(self, kind: type[C], **settings: Any) -> C:
        self._reach()
        opened: list[KafkaNetClient] = []

        def connect(**given: Any) -> KafkaNetClient:
            net = NetworkSelector(**given)
            opened.append(KafkaNetClient(net, _Connections(net, **given)))
            return opened[-1]

        try:
            return kind(**self._common, kafka_client=connect, **settings)
        except BaseException as error:
            # A client that fails while it is made leaves its thread and sockets behind.
            causes = [client._manager.failure for client in opened if client._manager.failure]  # noqa: SLF001
            for client in opened:
                client.close()
            if causes and isinstance(error, KafkaTimeoutError):
                raise causes[0] from error
            raise

    def _reach(self) -> None:
        """Fail at once, and with the cause, where nobody listens: the client would only say "timed out"."""
        failure: OSError | None = None
        for address in self._addresses:
            try:
                socket.create_connection(address, timeout=CONNECT_SECONDS).close()
            except OSError as error:
                failure = error
            else:
                return
        if failure is not None:
            raise failure


class _Connections(KafkaConnectionManager):  # type: ignore[misc] # the library has no types
    """Remembers why the last connection failed: of a refused login the library would only say "timed out"."""

    failure: KafkaError | None = None

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        connection = super().get_connection(*arguments, **options)
        connection.init_future.add_errback(self._remember, connection)
        return connection

    def _remember(self, connection: Any, error: KafkaError) -> None:
        # A broker that has told its version and hangs up has refused the login. It says so before, but the library
        # drops what it reads together with the end of a connection.
        in_login = connection.sasl_enabled and connection.broker_version_data is not None
        if in_login and isinstance(error, KafkaConnectionError):
            error = SaslAuthenticationFailedError("the broker hung up during the login")
        # The last attempt is cut off by the client's own deadline: a refusal before it is still what is wrong.
        if not isinstance(self.failure, SaslAuthenticationFailedError):
            self.failure = error


def _addresses(settings: BusSettings, problems: list[str]) -> list[tuple[str, int]]:
    addresses = []
    for part in settings.url.removeprefix("kafka://").rstrip("/").split(","):
        host, colon, port = part.strip().rpartition(":")
        if not colon:
            host, port = port, "9092"
        if not host or "@" in host or not port.isdecimal():
            problems.append("bus.url: write 'kafka://host:9092,host2:9092'; a login goes into bus.username")
            return []
        addresses.append((host, int(port)))
    return addresses


def _login(settings: BusSettings, problems: list[str]) -> dict[str, Any]:
    if not settings.security.startswith("sasl"):
        return {}
    password = settings.password.get_secret_value() if settings.password else None
    if settings.password_file is not None:
        try:
            password = settings.password_file.read_text().strip()
        except OSError as error:
            problems.append(f"bus.password_file: {error}")
    if not settings.username or not password:
        problems.append(f"bus.security {settings.security} needs bus.username and bus.password or bus.password_file")
    return {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.username,
        "sasl_plain_password": password,
    }


def _tls(settings: BusSettings, problems: list[str]) -> dict[str, Any]:
    if not settings.security.endswith("ssl"):
        return {}
    files = {
        "ca_file": ("ssl_cafile", settings.ca_file),
        "certificate_file": ("ssl_certfile", settings.certificate_file),
        "key_file": ("ssl_keyfile", settings.key_file),
    }
    problems += [
        f"bus.{name}: {path}: no such file"
        for name, (_, path) in files.items()
        if path is not None and not path.is_file()
    ]
    return {option: str(path) for option, path in files.values() if path is not None}
