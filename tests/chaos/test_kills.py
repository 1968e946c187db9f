"""A stage killed with SIGKILL at each of its fault points, and started again: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from samples import page
from servers.process import wait_until

from govwire.core import flow, urls
from govwire.core.bus import Bus, open_bus
from govwire.core.envelope import wrap
from govwire.core.faults import POINTS
from govwire.core.index import Index, open_index
from govwire.core.query import parse
from govwire.core.records import Lane, Page
from govwire.core.settings import Settings
from govwire.core.state import State, ledger, open_state, outbox
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.vocabulary import load_vocabulary
from processors.alerts import subscribing

STAGES = ("extract", "classify", "index", "match")
FAULTS = [point for point in POINTS if point.split(".")[0] in STAGES]
PAGES = 12

STORY = """<html lang="en"><head><title>Lawmakers weigh AI rules, part {number}</title>
<meta property="article:published_time" content="2026-11-20T08:{number:02}:00Z"></head><body><article>
<h1>Lawmakers weigh AI rules, part {number}</h1>
<p>Lawmakers in region {number} debated a bill on artificial intelligence that would make safety tests binding law.</p>
<p>“We need binding regulation of artificial intelligence before the next model is released,” said Ana Ruiz{number},
who chairs committee {number} of the assembly and has pressed for an AI act since the year {year}.</p>
<p>Companies in district {number} answered that voluntary commitments on AI safety suffice, and the regulator of the
region, which oversees {count} firms, will report on the law by the end of session {number}.</p></article></body></html>"""


def _page(number: int) -> Page:
    url = f"https://wire.example/story-{number}"
    url_id = urls.url_id(url)
    fetched_at = datetime.now(UTC) - timedelta(minutes=number)
    body = STORY.format(number=number, year=1990 + number, count=17 * number + 3).encode()
    return page(
        body=body,
        url=url,
        final_url=url,
        url_id=url_id,
        fetch_id=urls.fetch_id(url_id, fetched_at),
        fetched_at=fetched_at,
        first_seen_at=fetched_at,
        entry=None,
    )


class House:
    """Bus, state and index in a folder of this test's own, with pages waiting and a subscription on all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder)
        self.bus: Bus = open_bus(self.settings)
        self.bus.setup()
        self.state: State = open_state(self.settings.state_url)
        self.index: Index = open_index(self.settings)
        self.index.setup()
        vocabulary = load_vocabulary(Path("config"))
        wanted = subscribing.Wanted(name="all", query="", channel="json://127.0.0.1:9/")
        subscribing.add(self.state, [wanted], vocabulary)
        self.publish([_page(number) for number in range(PAGES)])

    def publish(self, pages: list[Page]) -> None:
        with self.state.begin() as transaction:
            ledger.record(transaction, [_fetched(each) for each in pages], datetime.now(UTC))
        messages = [
            wrap("crawl", each.url_id, each, lane=Lane.LIVE, url_id=each.url_id, fetch_id=each.fetch_id)
            for each in pages
        ]
        self.bus.publish(flow.PAGES.kafka_topic("govwire"), messages)

    def start(self, fault: str | None) -> subprocess.Popen[bytes]:
        settings = {
            "GOVWIRE_DATA_DIR": str(self.folder),
            "GOVWIRE_CLASSIFY__ENGINE": "keyword",
            "GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0",
            "GOVWIRE_EXTRACT__WORKERS": "1",
        } | ({"GOVWIRE_FAULT": fault} if fault else {})
        command = [sys.executable, "-c", "from govwire.cli import main; main()", "process", *STAGES]
        log = (self.folder / "log").open("ab")
        return subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)

    def log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    def is_drained(self) -> bool:
        steps = [flow.STEPS[name] for name in STAGES]
        return not any(self.bus.lag(step.group("govwire"), [step.reads.kafka_topic("govwire")]) for step in steps)  # type: ignore[union-attr]

    def run_to_the_end(self) -> None:
        process = self.start(None)
        try:
            wait_until(self.is_drained, seconds=60, what=f"the stages to drain:\n{self.log()}")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, self.log()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.index.close()
    made.bus.close()
    made.state.close()


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


def _indexed(house: House) -> list[str]:
    house.index.refresh()
    found = house.index.search(parse("", datetime.now(UTC)), limit=1000)
    assert found.total == len(found.hits)
    return sorted(hit.body["url"] for hit in found.hits)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kill_at_a_fault_point_loses_nothing_and_doubles_nothing(house: House, fault: str) -> None:
    process = house.start(fault)
    assert process.wait(60) == -signal.SIGKILL, f"{fault} was never passed:\n{house.log()}"
    house.run_to_the_end()
    assert _indexed(house) == sorted(f"https://wire.example/story-{number}" for number in range(PAGES))
    with house.state.begin() as transaction:
        counts = {(count.outcome, count.reason): count.urls for count in ledger.counts(transaction)}
        owed = outbox.pending(transaction)
    assert counts == {("indexed", None): PAGES}
    assert owed == {"pending": PAGES}
