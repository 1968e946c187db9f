"""What a process tells Prometheus and whoever asks `/health`.

Counters are named here, once, and increased where things happen. `serve` answers `/metrics` and `/health` on a thread.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app

from govwire.core.errors import ConfigError

log = structlog.get_logger(__name__)

RECORDS = Counter("govwire_records", "Records that left a stage", ["stage", "outcome"])
DEAD_LETTERS = Counter("govwire_dead_letters", "Records set aside", ["stage", "reason"])
DROPS = Counter("govwire_drops", "Records ended by a named rule", ["stage", "reason"])
RETRIES = Counter("govwire_service_retries", "Waits for a service that was away", ["stage", "error"])
LAG = Gauge("govwire_lag", "Records of its Kafka topics that a stage has not committed", ["stage", "lane"])
BATCH_SECONDS = Histogram("govwire_batch_seconds", "Time from a batch's read to its commit", ["stage"])
FETCHES = Counter("govwire_fetches", "Requests answered", ["kind", "outcome"])
SLOTS_FIRED = Counter("govwire_slots_fired", "Crawl slots that were taken, each by one process")
SLOTS_MISSED = Counter("govwire_slots_missed", "Crawl slots that passed while nobody could fire them")
SLOT_LATE_SECONDS = Gauge("govwire_slot_late_seconds", "How long the latest slot had been due that was taken last")
NOTICES = Gauge("govwire_notices", "Open operator's notices of sources", ["kind"])
DELIVERIES = Counter("govwire_deliveries", "Attempts at sending an alert", ["outcome"])

# A stage that has not gone round its loop for this long is unhealthy: ten times the longest read.
STALE_SECONDS = 60.0


class Health:
    """Who in this process is alive: every loop reports each round, and says what it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[datetime, str | None]] = {}

    def beat(self, part: str, trouble: str | None = None) -> None:
        """`part` is alive; `trouble` is the one-line error of the service it waits for, if any."""
        with self._lock:
            self._seen[part] = (datetime.now(UTC), trouble)

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether all is well, and the state of each part."""
        now = datetime.now(UTC)
        with self._lock:
            seen = dict(self._seen)
        parts = {
            part: {
                "ok": trouble is None and (now - at).total_seconds() < STALE_SECONDS,
                "seen_at": at.isoformat(),
                "trouble": trouble,
            }
            for part, (at, trouble) in seen.items()
        }
        return all(part["ok"] for part in parts.values()), parts


class _Server(ThreadingMixIn, WSGIServer):
    """A client that hangs keeps nobody else from an answer, nor the process from ending."""

    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is the library's
        """Requests for metrics are no news."""


def serve(address: str, health: Health) -> Callable[[], None]:
    """Answer `/metrics` and `/health` at `host:port` from a thread; returns a function that stops it.

    `/health` is 200 when every part is well, else 503. Port 0 turns it off. A taken port is a warning and no failure:
    two instances on one machine are allowed.

    Raises:
        ConfigError: the address is not `host:port`.
    """
    host, port = split_address(address)
    if port == 0:
        return lambda: None
    metrics_app = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/health":
            return list(metrics_app(environ, start_response))
        well, parts = health.report()
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps({"ok": well, "parts": parts}).encode()]

    try:
        kind = _Server6 if ":" in host else _Server
        server = make_server(host, port, app, server_class=kind, handler_class=_Quiet)
    except OSError as error:
        log.warning("metrics_off", address=address, error=str(error), hint="set metrics.address to a free port")
        return lambda: None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def split_address(address: str) -> tuple[str, int]:
    """`host:port` in two.

    Raises:
        ConfigError: it is not of that form.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"metrics.address {address!r}: write 'host:port', as 127.0.0.1:9464")
    return host.strip("[]"), int(port)
