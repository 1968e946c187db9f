"""A crawl process as a test starts it, and what it left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from govwire.core.bus import Bus, open_bus
from govwire.core.flow import PAGES
from govwire.core.records import Lane, Page
from govwire.core.settings import Settings
from govwire.core.state import State, ledger, open_state
from govwire.core.state.sources import FeedRow, feed_rows
from govwire.core.urls import url_id

PROGRAM = """
import json, signal, sys, threading
from crawlers.runner import run_crawl
from govwire.core import logs
from govwire.core.errors import GovwireError
from govwire.core.settings import find_config, load_settings
from govwire.core.vocabulary import load_vocabulary

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
settings = load_settings()
logs.configure(settings)
try:
    report = run_crawl(settings, load_vocabulary(find_config()), stop, **json.loads(sys.argv[1]))
except GovwireError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(dict(report.failed_feeds)))
"""
REPOSITORY = Path(__file__).resolve().parent.parent


class Crawl:
    """A place of its own for a crawl: config, data_dir, environment."""

    def __init__(self, folder: Path, port: int, **environment: str) -> None:
        self.config, self.data_dir = folder / "config", folder / "data"
        (self.config / "sources").mkdir(parents=True)
        self.data_dir.mkdir()
        (self.config / "settings.toml").touch()
        for name in (REPOSITORY / "config").glob("*.toml"):
            if name.name != "settings.toml":
                (self.config / name.name).write_bytes(name.read_bytes())
        self._names: set[str] = set()
        self._processes: list[subprocess.Popen[str]] = []
        self._environment = {
            "GOVWIRE_CONFIG": str(self.config),
            "GOVWIRE_DATA_DIR": str(self.data_dir),
            "GOVWIRE_FETCH__ALLOW": json.dumps([f"127.0.0.0/8:{port}"]),
            "GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0",
            "GOVWIRE_CRAWL__RETRY_BASE_SECONDS": "3600",
            "GOVWIRE_RETENTION__MIN_FREE_BYTES": "0",
            "GOVWIRE_LOG_FORMAT": "json",
            **environment,
        }

    def source(self, source_id: str, *feeds: str, every_minutes: float = 30) -> None:
        """Watch a source; its host names lie on loopback."""
        for feed in feeds:
            self.name(feed.split("/")[2].partition(":")[0])
        (self.config / "sources" / f"{source_id}.toml").write_text(
            f'name = "{source_id}"\nhome = "{feeds[0]}"\nkind = "press"\ncountry = "INT"\nlanguage = "en"\n'
            f'rights = "full"\nfeeds = {json.dumps(feeds)}\nevery_minutes = {every_minutes}\n'
        )

    def name(self, *hosts: str) -> None:
        """Let host names lie on loopback."""
        self._names.update(hosts)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("GOVWIRE_")}
        resolve = json.dumps([f"{name}:127.0.0.1" for name in sorted(self._names)])
        return own | self._environment | {"GOVWIRE_FETCH__RESOLVE": resolve} | more

    def start(self, *, environment: dict[str, str] | None = None, **arguments: Any) -> subprocess.Popen[str]:
        """A crawl process that is running."""
        process = subprocess.Popen(
            [sys.executable, "-W", "error::DeprecationWarning:crawlers", "-c", PROGRAM, json.dumps(arguments)],
            env=self.environment(**environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._processes:
            process.kill()
            process.communicate()

    def once(self, *, environment: dict[str, str] | None = None, **arguments: Any) -> "Ended":
        """A crawl with `once`, to its end."""
        return self.end_of(self.start(environment=environment, once=True, **arguments))

    def end_of(self, process: subprocess.Popen[str], seconds: float = 60) -> "Ended":
        """What a process printed until its end."""
        try:
            out, log = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, log = process.communicate()
            raise AssertionError(f"the crawl did not end\n{log}") from None
        return Ended(process.returncode, out, log)

    @contextmanager
    def bus(self) -> Iterator[Bus]:
        """The bus of this place."""
        bus = open_bus(Settings(data_dir=self.data_dir))
        try:
            yield bus
        finally:
            bus.close()

    @contextmanager
    def state(self) -> Iterator[State]:
        """The state of this place."""
        with open_state(f"sqlite:///{self.data_dir / 'state.db'}") as state:
            yield state

    def pages(self, lane: Lane = Lane.LIVE) -> list[Page]:
        """Every page on the bus."""
        with self.bus() as bus:
            return [Page.from_json(each.message.value) for each in bus.scan(PAGES.kafka_topic("govwire", lane))]

    def standing(self, url: str) -> tuple[str, str | None]:
        """Outcome and reason at which a URL stands."""
        with self.state() as state, state.begin() as transaction:
            row = ledger.standing_of(transaction, [url_id(url)]).get(url_id(url))
        return (row["outcome"], row["reason"]) if row else ("unknown", None)

    def counts(self) -> dict[tuple[str, str | None], int]:
        """How many URLs stand where."""
        with self.state() as state, state.begin() as transaction:
            assert ledger.unaccounted(transaction) == []
            return {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}

    def feed(self, url: str) -> FeedRow:
        """What is known of a feed."""
        with self.state() as state, state.begin() as transaction:
            return next(row for row in feed_rows(transaction) if row.url == url)


class Ended:
    """A crawl process that has ended."""

    def __init__(self, code: int, out: str, log: str) -> None:
        self.code, self.out, self.log = code, out, log

    @property
    def failed_feeds(self) -> dict[str, str]:
        """The feeds that could not be read, with the reason."""
        assert self.code == 0, self.log
        failed: dict[str, str] = json.loads(self.out)
        return failed

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines of one event."""
        lines = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == name]
