"""A whole house of a test's own: bus, state and index, with the stages as a child process that can be killed."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from govwire.core import flow, urls
from govwire.core.bus import Bus, open_bus
from govwire.core.envelope import wrap
from govwire.core.index import Index, open_index
from govwire.core.query import parse
from govwire.core.records import Lane, Page
from govwire.core.settings import Settings, load_settings
from govwire.core.state import State, ledger, open_state
from govwire.core.state.ledger import Outcome, Outcomes
from samples import page
from servers.process import wait_until

STAGES = ("extract", "classify", "index", "match")

_STORY = """<html lang="en"><head><title>Lawmakers weigh AI rules, part {number}</title>
<meta property="article:published_time" content="2026-11-20T08:{number:02}:00Z"></head><body><article>
<h1>Lawmakers weigh AI rules, part {number}</h1>
<p>Lawmakers in region {number} debated a bill on artificial intelligence that would make safety tests binding law.</p>
<p>“We need binding regulation of artificial intelligence before the next model,” said Ana Ruiz{number}.</p>
{paragraphs}</article></body></html>"""
_WORDS = [
    "committee",
    "harbour",
    "winter",
    "council",
    "teacher",
    "bridge",
    "market",
    "village",
    "engine",
    "river",
    "lawyer",
    "minister",
    "garden",
    "railway",
    "doctor",
    "island",
    "factory",
    "museum",
    "farmer",
    "captain",
    "library",
    "signal",
    "valley",
    "orchestra",
    "budget",
    "forest",
    "treaty",
    "printer",
    "kitchen",
    "pilot",
]


def _paragraphs(number: int) -> str:
    """Text of a story's own, so that no two are taken for copies of one another."""
    chance = random.Random(number)
    sentences = [" ".join(chance.choices(_WORDS, k=12)).capitalize() + "." for _ in range(12)]
    return "".join(f"<p>{' '.join(sentences[at : at + 3])}</p>" for at in range(0, 12, 3))


def story_page(number: int) -> Page:
    """A page with a relevant article, a different one for each number."""
    url = story_url(number)
    url_id = urls.url_id(url)
    fetched_at = datetime.now(UTC) - timedelta(minutes=number)
    return page(
        body=_STORY.format(number=number, paragraphs=_paragraphs(number)).encode(),
        url=url,
        final_url=url,
        url_id=url_id,
        fetch_id=urls.fetch_id(url_id, fetched_at),
        fetched_at=fetched_at,
        first_seen_at=fetched_at,
        entry=None,
    )


def story_url(number: int) -> str:
    """Where the story of that number stands."""
    return f"https://wire.example/story-{number}"


class House:
    """The parent reads and writes over `settings`; the stages run with `through` laid over them (a proxy's address)."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, through: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._environment = {
            "GOVWIRE_DATA_DIR": str(folder),
            # The baseline engine: these tests are about the way, not about the labels.
            "GOVWIRE_CLASSIFY__ENGINE": "keyword",
            "GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0",
            "GOVWIRE_EXTRACT__WORKERS": "1",
            **(environment or {}),
        }
        self._through = dict(through or {})
        self.settings: Settings = _settings(self._environment)
        self.bus: Bus = open_bus(self.settings)
        self.bus.setup()
        self.state: State = open_state(self.settings.state_url)
        self.index: Index = open_index(self.settings)
        self.index.setup()

    def close(self) -> None:
        """Release what the parent holds."""
        self.index.close()
        self.bus.close()
        self.state.close()

    def publish(self, pages: Sequence[Page]) -> None:
        """Put pages on the bus as the crawl does."""
        with self.state.begin() as transaction:
            ledger.record(transaction, [_fetched(each) for each in pages], datetime.now(UTC))
        messages = [
            wrap("crawl", each.url_id, each, lane=Lane.LIVE, url_id=each.url_id, fetch_id=each.fetch_id)
            for each in pages
        ]
        self.bus.publish(flow.PAGES.kafka_topic(self.settings.bus.prefix), messages)

    def start(self, *, fault: str | None = None, stages: Sequence[str] = STAGES) -> "subprocess.Popen[bytes]":
        """The stages as one child process."""
        environment = os.environ | self._environment | self._through | ({"GOVWIRE_FAULT": fault} if fault else {})
        command = [sys.executable, "-c", "from govwire.cli import main; main()", "process", *stages]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask the stages to end: they end cleanly, or by the signal itself where they had not begun yet."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in {0, -signal.SIGTERM}, self.log()

    def log(self) -> str:
        """The end of what the stages said."""
        return (self.folder / "log").read_text()[-6000:]

    def wait_for_drain(self, seconds: float = 60) -> None:
        """Until no stage has anything left to read."""
        wait_until(self._is_drained, seconds=seconds, what=f"the stages to drain:\n{self.log()}")

    @contextmanager
    def running(self) -> "Iterator[subprocess.Popen[bytes]]":
        """The stages, stopped at the end of the block whatever happens in it."""
        process = self.start()
        try:
            yield process
        finally:
            self.stop(process)

    def run_to_the_end(self) -> None:
        """Start the stages, wait until all is drained, stop them."""
        with self.running():
            self.wait_for_drain()

    def found(self) -> "list[Mapping[str, Any]]":
        """Every article that can be found."""
        self.index.refresh()
        found = self.index.search(parse("", datetime.now(UTC)), limit=1000)
        assert found.total == len(found.hits)
        return [hit.body for hit in found.hits]

    def indexed_urls(self) -> list[str]:
        """The addresses of what can be found, each as often as it is there."""
        return sorted(body["url"] for body in self.found())

    def outcomes(self) -> dict[tuple[str, str | None], int]:
        """The ledger's books: URLs by outcome and reason."""
        with self.state.begin() as transaction:
            return {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}

    def _is_drained(self) -> bool:
        prefix = self.settings.bus.prefix
        steps = [flow.STEPS[name] for name in STAGES]
        return not any(
            self.bus.lag(step.group(prefix, lane), [step.reads.kafka_topic(prefix, lane)])
            for step in steps
            if step.reads
            for lane in step.lanes
        )


def _settings(environment: Mapping[str, str]) -> Settings:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        return load_settings()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _fetched(each: Page) -> Outcomes:
    return Outcomes(
        url_id=each.url_id,
        url=each.url,
        source_id=each.source.id,
        lane=Lane.LIVE,
        fetch_id=each.fetch_id,
        stage="crawl",
        outcome=Outcome.FETCHED,
    )
