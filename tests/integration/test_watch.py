"""Sources that fall silent, fail or empty themselves: noticed once, told to the operator, and over by themselves."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import Running, free_ports, govwire, metrics
from crawling import Crawl
from govwire.core.contract import FAILING_AFTER
from govwire.core.source import Contract, Source
from govwire.core.state import contracts, frontier, sources
from govwire.core.state.frontier import Found
from govwire.core.state.notices import Settled
from govwire.core.state.sources import Shown
from govwire.core.vocabulary import load_vocabulary
from govwire.run.watch import LEARNED_FOR, look_after
from servers.http_receiver import HttpReceiver
from servers.process import wait_until
from servers.sites import Reply, Sites

DAY = timedelta(days=1)
# Two readings of a feed, right after one another, are farther apart.
NO_TIME_HOURS = 1e-5


class Desk:
    """Two sources on a site, crawled by hand."""

    def __init__(self, sites: Sites, folder: Path) -> None:
        self.sites = sites
        self.crawl = Crawl(folder, sites.port)
        self.crawl.source("one", sites.feed("one.test", "/a"))
        self.crawl.source("two", sites.feed("two.test", "/a"))

    def contract(self, source_id: str, silence_hours: float) -> None:
        with (self.crawl.config / "sources" / f"{source_id}.toml").open("a") as file:
            file.write(f"\n[contract]\nsilence_hours = {silence_hours:.6f}\n")

    def read(self, *, code: int = 0) -> None:
        assert self.crawl.once(source_ids=("one", "two")).code == code

    def look(self, at: datetime | None = None) -> Settled:
        with self.crawl.state() as state:
            return look_after(state, load_vocabulary(self.crawl.config).sources, at or datetime.now(UTC))

    def says(self, *words: object, code: int = 0) -> str:
        done = govwire(*words, **self.crawl.environment())
        assert done.returncode == code, done.stderr
        return str(done.stdout)

    def marks(self) -> dict[str, Any]:
        rows = map(json.loads, self.says("sources", "list", "--json").splitlines())
        return {row["id"]: row["notice"] for row in rows}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Sites() as sites:
        made = Desk(sites, tmp_path)
        yield made
        made.crawl.close()


def kinds(settled: Settled) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    opened, closed = ([(each.source_id, each.kind) for each in part] for part in (settled.opened, settled.closed))
    return opened, closed


def test_a_source_that_falls_silent_is_noticed_and_told_until_it_brings_something(
    desk: Desk, webhook: HttpReceiver, tmp_path: Path
) -> None:
    desk.contract("one", NO_TIME_HOURS)
    desk.read()
    assert kinds(desk.look()) == ([], [])
    desk.read()
    assert kinds(desk.look()) == ([("one", "quiet")], [])
    assert kinds(desk.look()) == ([], [])
    assert desk.marks() == {"one": "quiet", "two": None}
    assert "notices    1 open\n  one: quiet since" in desk.says("status")
    [told] = [json.loads(line) for line in desk.says("status", "--json").splitlines()]
    assert [notice["kind"] for notice in told["notices"]] == ["quiet"]

    channel = {
        "GOVWIRE_NOTICES__CHANNEL": f"json://127.0.0.1:{webhook.port}/operator",
        "GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0",
    }
    (tmp_path / "deliver").mkdir()
    deliver = Running(tmp_path / "deliver", "process", "deliver", **(desk.crawl.environment() | channel))
    try:
        [opening] = webhook.wait_for(1, seconds=30)
        assert opening.json()["title"] == "[govwire] sources: 1 in trouble"
        assert "one: quiet since" in opening.json()["message"]
        desk.sites.feed("one.test", "/b", "/a")
        desk.read()
        assert kinds(desk.look()) == ([], [("one", "quiet")])
        [_, closing] = webhook.wait_for(2, seconds=30)
        assert closing.json()["title"] == "[govwire] sources: 1 recovered"
        assert closing.json()["message"].startswith("Recovered: one: quiet since")
        deliver.wait_for("notices_told")
    finally:
        assert deliver.end(signal.SIGTERM) == 0, deliver.log
    assert desk.marks() == {"one": None, "two": None}
    assert "notices    0 open" in desk.says("status")


def test_a_source_that_cannot_be_read_is_noticed_after_hours_in_which_others_could(desk: Desk) -> None:
    desk.read()
    desk.sites.set("one.test", "/feed.xml", Reply(b"broken", 404))
    desk.read()
    desk.read()
    assert kinds(desk.look()) == ([], [])
    with desk.crawl.state() as state, state.begin() as transaction:
        # Hours later, as far as the other one knows.
        later = datetime.now(UTC) + FAILING_AFTER
        url = desk.sites.url("two.test", "/feed.xml")
        unchanged: dict[str, Any] = {"etag": None, "last_modified": None, "body_hash": "h", "new_items": 0}
        sources.feed_read(transaction, url, "two", later, **unchanged)
    found = desk.look()
    assert kinds(found) == ([("one", "failing")], [])
    assert "HTTP 404" in found.opened[0].detail
    desk.sites.feed("one.test", "/a")
    desk.read()
    assert kinds(desk.look()) == ([], [("one", "failing")])


def test_a_feed_that_empties_itself_is_noticed(desk: Desk) -> None:
    desk.sites.feed("one.test")
    desk.read()
    found = desk.look()
    assert kinds(found) == ([("one", "empty")], [])
    assert found.opened[0].detail == "it reads well and lists nothing"


def test_a_network_that_is_down_blames_no_source_and_the_doctor_says_so(desk: Desk) -> None:
    for host in ("one.test", "two.test"):
        desk.sites.set(host, "/feed.xml", Reply(b"broken", 500))
    desk.read()
    with desk.crawl.state() as state, state.begin() as transaction:
        for host in ("one", "two"):
            url = desk.sites.url(f"{host}.test", "/feed.xml")
            sources.feed_failed(transaction, url, host, datetime.now(UTC) + FAILING_AFTER, "dns_error")
    assert kinds(desk.look()) == ([("*", "unreachable")], [])
    agent = {"GOVWIRE_USER_AGENT": "me (+https://me.example/)"}
    done = govwire("doctor", "--json", **(desk.crawl.environment() | agent))
    checks = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}
    assert not checks["sources"]["ok"]
    assert "all sources: unreachable since" in checks["sources"]["told"]
    assert checks["notices"]["ok"]


def test_a_source_that_is_taken_out_of_the_config_is_in_no_trouble(desk: Desk) -> None:
    desk.sites.feed("one.test")
    desk.read()
    desk.look()
    (desk.crawl.config / "sources" / "one.toml").unlink()
    assert kinds(desk.look()) == ([], [("one", "empty")])


def _source(source_id: str) -> Source:
    return Source.model_validate(
        {"id": source_id, "name": source_id, "home": "https://wire.example/", "kind": "press", "country": "INT"}
        | {"language": "en", "rights": "full", "feeds": (f"https://{source_id}.example/feed",)}
    )


def test_contracts_are_learned_from_what_came_and_stand_while_a_source_is_in_trouble(desk: Desk) -> None:
    """Two months, one reading a day; then the source dies, and a third month passes."""
    begin = datetime(2026, 9, 1, 8, tzinfo=UTC)
    watched = {"wire": _source("wire"), "young": _source("young")}

    def read(state: Any, source_id: str, day: int, items: int) -> None:
        with state.begin() as transaction:
            at = begin + day * DAY
            found = [Found(f"https://{source_id}.example/{day}/{number}", source_id) for number in range(items)]
            added = frontier.add(transaction, found, at)
            sources.feed_read(
                transaction,
                watched[source_id].feeds[0],
                source_id,
                at,
                etag=None,
                last_modified=None,
                body_hash=None,
                new_items=added.new,
                shown=Shown(20, None, at),
            )

    opened = []
    with desk.crawl.state() as state:
        for day in range(90):
            read(state, "wire", day, 4 if day < 60 else 0)
            if day >= 80:
                read(state, "young", day, 3)
            opened += look_after(state, watched, begin + day * DAY + LEARNED_FOR / 2).opened
        with state.begin() as transaction:
            learned = contracts.learned(transaction)
    assert learned["wire"].contract == Contract(per_day=4, silence_hours=48)
    assert (learned["young"].contract, learned["young"].arrivals) == (Contract(), 10)
    assert [(each.source_id, each.kind, each.opened_at - begin) for each in opened] == [
        ("wire", "quiet", 62 * DAY + LEARNED_FOR / 2)
    ]


def test_the_process_that_crawls_keeps_watch_and_tells_prometheus(desk: Desk, tmp_path: Path) -> None:
    desk.sites.feed("one.test")
    port = free_ports(1)
    (tmp_path / "watch").mkdir()
    environment = desk.crawl.environment() | {"GOVWIRE_METRICS__ADDRESS": f"127.0.0.1:{port}"}
    crawl = Running(tmp_path / "watch", "process", "crawl", **environment)
    try:
        crawl.wait_for("source_in_trouble")
        assert '"kind": "empty"' in crawl.log
        wait_until(lambda: 'govwire_notices{kind="empty"} 1.0' in metrics(port), what="the gauge")
    finally:
        assert crawl.end(signal.SIGTERM) == 0, crawl.log
