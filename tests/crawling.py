"""A crawl process as a test starts it, and what it left behind."""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crawlers.runner import run_crawl
from govwire.core import logs
from govwire.core.bus import Bus, open_bus
from govwire.core.errors import GovwireError
from govwire.core.flow import ARTICLES, EXTRACT, PAGES
from govwire.core.metrics import Health
from govwire.core.records import Article, Lane, Page
from govwire.core.settings import Settings, find_config, load_settings
from govwire.core.state import State, ledger, open_state
from govwire.core.state.sources import FeedRow, feed_rows
from govwire.core.urls import url_id
from govwire.core.vocabulary import load_vocabulary
from processors.stage import Loop
from servers.process import wait_until

REPOSITORY = Path(__file__).resolve().parent.parent
# Each crawl is a process of its own, forked from one that has imported everything and done nothing: importing takes
# longer than most of the crawls.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["crawling", "crawlers.manners", "crawlers.pipelines"])


def _crawl(environment: Mapping[str, str], output: str, log: str, arguments: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((output, sys.stdout), (log, sys.stderr)):
        with open(path, "w") as file:  # noqa: PTH123
            os.dup2(file.fileno(), stream.fileno())
    _write_down_connections(Path(log).with_suffix(".connections"))
    warnings.filterwarnings("error", category=DeprecationWarning, module="crawlers")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load_settings()
    logs.configure(settings)
    try:
        report = run_crawl(settings, load_vocabulary(find_config()), stop, **arguments)
    except GovwireError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(dict(report.failed_feeds)))


def _write_down_connections(path: Path) -> None:
    """Write down every address that this process connects to from now on, whichever part of it does."""
    lines = path.open("a", buffering=1)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            lines.write(f"{arguments[1][0]} {arguments[1][1]}\n")

    sys.addaudithook(hook)


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
        shutil.copytree(REPOSITORY / "config" / "terms", self.config / "terms")
        self._names: dict[str, str] = {}
        self._running: list[Running] = []
        self._environment = {
            "GOVWIRE_CONFIG": str(self.config),
            "GOVWIRE_DATA_DIR": str(self.data_dir),
            "GOVWIRE_FETCH__ALLOW": json.dumps([f"127.0.0.0/8:{port}"]),
            "GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0",
            "GOVWIRE_CRAWL__RETRY_BASE_SECONDS": "3600",
            # Tests name days as they like: nothing is history here, unless a test is about it.
            "GOVWIRE_CRAWL__HISTORY_DAYS": "0",
            "GOVWIRE_ALERTS__MAX_AGE_HOURS": "1000000",
            "GOVWIRE_RETENTION__MIN_FREE_BYTES": "0",
            "GOVWIRE_LOG_FORMAT": "json",
            **environment,
        }

    def source(
        self,
        source_id: str,
        *feeds: str,
        sitemaps: Sequence[str] = (),
        listings: Sequence[tuple[str, str]] = (),
        kind: str = "press",
        prefilter: bool = False,
        every_minutes: float = 30,
    ) -> None:
        """Watch a source by its feeds, sitemaps and listing pages (address, selector); their names lie on loopback."""
        ways = [*feeds, *sitemaps, *(url for url, _ in listings)]
        for way in ways:
            self.name(way.split("/")[2].partition(":")[0])
        tables = ", ".join(f"{{url = {json.dumps(url)}, links = {json.dumps(links)}}}" for url, links in listings)
        (self.config / "sources" / f"{source_id}.toml").write_text(
            f'name = "{source_id}"\nhome = "{ways[0]}"\nkind = "{kind}"\ncountry = "INT"\nlanguage = "en"\n'
            f'rights = "full"\nfeeds = {json.dumps(feeds)}\nsitemaps = {json.dumps(sitemaps)}\nlistings = [{tables}]\n'
            f"prefilter = {json.dumps(prefilter)}\nevery_minutes = {every_minutes}\n"
        )

    def name(self, *hosts: str, address: str = "127.0.0.1") -> None:
        """Let host names lie on loopback, or at another address."""
        self._names.update(dict.fromkeys(hosts, address))

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("GOVWIRE_")}
        resolve = json.dumps([f"{name}:{address}" for name, address in sorted(self._names.items())])
        return own | self._environment | {"GOVWIRE_FETCH__RESOLVE": resolve} | more

    def start(self, *, environment: Mapping[str, str] | None = None, **arguments: Any) -> "Running":
        """A crawl process that is running."""
        own = self.environment(**environment or {})
        running = Running(self.config.parent / f"crawl-{len(self._running)}", own, arguments)
        self._running.append(running)
        return running

    def close(self) -> None:
        """End what a failed test left running."""
        for running in self._running:
            running.close()

    def once(self, *, environment: Mapping[str, str] | None = None, **arguments: Any) -> "Ended":
        """A crawl with `once`, to its end."""
        return self.start(environment=environment, once=True, **arguments).end()

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

    def extracted(self) -> list[Article]:
        """Every article that the extract stage finds on the pages."""
        from processors.stages.extract import ExtractStage

        stop, kafka_topic = threading.Event(), PAGES.kafka_topic("govwire")
        with self.bus() as bus, self.state() as state:
            stage = ExtractStage(load_settings({"data_dir": self.data_dir}), state)
            loop = Loop(stage, bus=bus, state=state, prefix="govwire", slot="t", stop=stop, health=Health())
            running = threading.Thread(target=loop.run)
            running.start()
            try:
                with self.bus() as own:
                    group = EXTRACT.group("govwire")
                    wait_until(lambda: own.lag(group, [kafka_topic]) == 0, seconds=200, what="the pages are read")
            finally:
                stop.set()
                running.join()
            return [Article.from_json(each.message.value) for each in bus.scan(ARTICLES.kafka_topic("govwire"))]

    def standing(self, url: str) -> tuple[str, str | None]:
        """Outcome and reason at which a URL stands."""
        return self.standings([url])[url]

    def standings(self, urls: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """Outcome and reason at which each of these URLs stands."""
        with self.state() as state, state.begin() as transaction:
            rows = ledger.standing_of(transaction, map(url_id, urls))
        found = {url: rows.get(url_id(url)) for url in urls}
        return {url: (row["outcome"], row["reason"]) if row else ("unknown", None) for url, row in found.items()}

    def counts(self) -> dict[tuple[str, str | None], int]:
        """How many URLs stand where."""
        with self.state() as state, state.begin() as transaction:
            assert ledger.unaccounted(transaction) == []
            return {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}

    def feed(self, url: str) -> FeedRow:
        """What is known of a feed."""
        with self.state() as state, state.begin() as transaction:
            return next(row for row in feed_rows(transaction) if row.url == url)


class Running:
    """A crawl process from its start to its end."""

    def __init__(self, path: Path, environment: Mapping[str, str], arguments: Mapping[str, Any]) -> None:
        self._output, self._log = path.with_suffix(".out"), path.with_suffix(".log")
        given = (environment, str(self._output), str(self._log), arguments)
        self._process = _processes.Process(target=_crawl, args=given, daemon=True)
        self._process.start()

    def stop(self) -> None:
        """Tell it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text() if self._log.exists() else ""

    def told(self, event: str) -> int:
        """How often it has logged an event so far."""
        return len(events(self.log(), event))

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself within a time."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def end(self, seconds: float = 60) -> "Ended":
        """Wait for its end."""
        if not self.ends_within(seconds):
            self._process.kill()
            raise AssertionError(f"the crawl did not end\n{self.log()}")
        code = self._process.exitcode
        assert code is not None
        connections = self._log.with_suffix(".connections").read_text().split("\n")
        return Ended(code, self._output.read_text(), self.log(), {line for line in connections if line})

    def close(self) -> None:
        """End it, if it has not ended by itself."""
        self._process.kill()
        self._process.join()
        self._process.close()


class Ended:
    """A crawl process that has ended."""

    def __init__(self, code: int, out: str, log: str, connections: set[str]) -> None:
        self.code, self.out, self.log = code, out, log
        self.connections = connections  # address and port of all that it connected to

    @property
    def failed_feeds(self) -> dict[str, str]:
        """The feeds that could not be read, with the reason."""
        assert self.code == 0, self.log
        failed: dict[str, str] = json.loads(self.out)
        return failed

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines of one event."""
        return events(self.log, name)


def events(log: str, name: str) -> list[dict[str, Any]]:
    """The lines of one event; a line that is still being written does not count."""
    whole = (line for line in log.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n"))
    return [line for line in map(json.loads, whole) if line["event"] == name]
