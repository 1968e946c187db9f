"""Asking for a few addresses outside the frontier: a process of its own, as guarded and polite as a crawl."""

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crawlers.answers import Answer, Question
from crawlers.asking import ask
from crawling import Crawl
from govwire.core.settings import load_settings
from govwire.core.state import exchanges, open_state
from servers.process import wait_until
from servers.sites import Asked, Reply, Sites

_processes = multiprocessing.get_context("forkserver")


def _ask(environment: dict[str, str], out: str, urls: list[str], links: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    settings, told, stop = load_settings(), [], threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def follow(answer: Answer) -> Iterator[Question]:
        response = answer.response
        told.append(
            {
                "url": answer.question.url,
                "status": response.status if response else 0,
                "body": response.text if response else "",
                "error": str(answer.error or ""),
                "moved_to": answer.moved_to,
            }
        )
        if answer.question.url in links:
            yield Question(links[answer.question.url], "one", "page")

    with open_state(settings.state_url) as state:
        ask(settings, state, [Question(url, "one") for url in urls], follow, stop)
    Path(out).write_text(json.dumps(told))
    sys.exit(3 if stop.is_set() else 0)


class Asking:
    """Questions that are asked in a process of their own."""

    def __init__(self, crawl: Crawl, folder: Path, *urls: str, links: dict[str, str] | None = None) -> None:
        self._out = folder / "told.json"
        self._process = _processes.Process(
            target=_ask, args=(crawl.environment(), str(self._out), list(urls), links or {})
        )
        self._process.start()

    def stop(self) -> None:
        """Tell it to end."""
        self._process.terminate()

    def end(self, seconds: float = 60) -> int:
        """Its exit code."""
        self._process.join(seconds)
        code = self._process.exitcode
        self._process.kill()
        assert code is not None, "it does not end"
        return code

    def told(self) -> dict[str, dict[str, Any]]:
        """What was answered, by the address that was asked for."""
        assert self.end() == 0
        return {each["url"]: each for each in json.loads(self._out.read_text())}


@pytest.fixture
def crawl(sites: Sites, tmp_path: Path) -> Crawl:
    place = Crawl(tmp_path, sites.port, GOVWIRE_USER_AGENT="test (+https://one.test/)")
    place.name("one.test", "two.test")
    return place


def test_answers_come_with_what_they_lead_to_and_every_address_once(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    first, second = sites.set("one.test", "/a", "first"), sites.set("two.test", "/b", "second")
    told = Asking(crawl, tmp_path, first, links={first: second, second: first}).told()
    assert {url: each["body"] for url, each in told.items()} == {first: "first", second: "second"}
    assert len(sites.asked_for("one.test", "/a")) == 1
    [asked] = sites.asked_for("one.test", "/a")
    assert "application/rss+xml" in asked.headers["accept"]
    [asked] = sites.asked_for("two.test", "/b")
    assert asked.headers["accept"].startswith("text/html")


def test_robots_files_the_guard_and_the_pace_of_a_crawl_hold(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    sites.set("one.test", "/robots.txt", Reply(b"User-agent: *\nDisallow: /private\nCrawl-delay: 1\n"))
    pages = [sites.set("one.test", f"/{name}", name) for name in ("a", "b", "private")]
    told = Asking(crawl, tmp_path, *pages, "http://10.0.0.1/").told()
    assert "forbids /private" in told[pages[2]]["error"]
    assert "address_refused" in told["http://10.0.0.1/"]["error"]
    assert not sites.asked_for("one.test", "/private")
    times = sorted(each.at for each in sites.asked if each.path in {"/a", "/b"})
    assert times[1] - times[0] >= 0.95
    with crawl.state() as state, state.begin() as transaction:
        noted = {each.url: each for each in exchanges.of_source(transaction, "one", 10)}
    assert "robots: not sent" in noted[pages[2]].honoured
    assert noted[pages[0]].status == 200


def test_only_permanent_redirects_say_that_an_address_has_moved(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    end = sites.set("two.test", "/end", "end")
    found = sites.set("two.test", "/found", Reply(status=302, headers={"Location": end}))
    moved = sites.set("one.test", "/moved", Reply(status=301, headers={"Location": found}))
    told = Asking(crawl, tmp_path, moved, found).told()
    assert told[moved]["moved_to"] == found
    assert told[found]["moved_to"] is None
    assert told[moved]["body"] == told[found]["body"] == "end"


def test_a_stop_ends_it_whatever_is_under_way(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    slow = sites.set("127.0.0.1", "/slow", Reply(after_seconds=60))
    asking = Asking(crawl, tmp_path, slow)
    wait_until(lambda: sites.asked_for("127.0.0.1", "/slow"), seconds=30, what="the page to be asked for")
    asking.stop()
    assert asking.end(10) == 3


def test_hosts_are_asked_side_by_side(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def together(asked: Asked) -> Reply:
        both.wait()
        return Reply(asked.host.encode())

    urls = [sites.set(host, "/", together) for host in ("one.test", "two.test")]
    assert {each["body"] for each in Asking(crawl, tmp_path, *urls).told().values()} == {"one.test", "two.test"}
