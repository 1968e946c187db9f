"""The schedule of a running crawl: slots, back-off, what is asked for, and what a killed or stopped process held."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawling import Crawl
from govwire.core.state import schedule
from govwire.core.state.schedule import Standing
from servers.process import wait_until
from servers.sites import Reply, Sites


@pytest.fixture
def crawl(sites: Sites, tmp_path: Path) -> Iterator[Crawl]:
    place = Crawl(tmp_path, sites.port)
    sites.set("one.test", "/a", "<p>a</p>")
    place.source("one", sites.feed("one.test", "/a"))
    yield place
    place.close()


def _standing(crawl: Crawl) -> Standing:
    with crawl.state() as state, state.begin() as transaction:
        return schedule.standing(transaction)["one"]


def _readings(sites: Sites) -> int:
    return len(sites.asked_for("one.test", "/feed.xml"))


def test_a_feed_that_fails_is_passed_over_for_a_while_and_never_given_up(sites: Sites, crawl: Crawl) -> None:
    crawl.source("one", sites.set("one.test", "/feed.xml", Reply(b"out", 500)), every_minutes=0.02)
    for _ in range(3):
        crawl.once()
    fired = _standing(crawl).slots_fired
    process = crawl.start()
    wait_until(lambda: _standing(crawl).slots_fired > fired, seconds=30, what="a slot is fired")
    assert _readings(sites) == 3
    wait_until(lambda: _readings(sites) == 4, seconds=30, what="the feed is asked for again")
    process.stop()
    assert process.end().code == 0
    assert crawl.feed(sites.url("one.test", "/feed.xml")).failures == 4


def test_what_a_killed_process_took_and_did_not_read_is_read_by_another_though_its_slot_was_fired(
    sites: Sites, crawl: Crawl
) -> None:
    assert crawl.start(environment={"GOVWIRE_FAULT": "crawl.fetched"}).end().code == -signal.SIGKILL
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql("UPDATE sources SET held_until = '2026-01-01' WHERE held_until IS NOT NULL")
    process = crawl.start()
    wait_until(lambda: crawl.counts() == {("fetched", None): 1}, seconds=30, what="the page arrives")
    process.stop()
    assert process.end().code == 0
    assert (_standing(crawl).slots_fired, _standing(crawl).slots_missed, _readings(sites)) == (1, 0, 2)


def test_what_a_stopped_process_was_still_reading_is_read_by_the_next_at_once(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/feed.xml", Reply(b"", after_seconds=60))
    process = crawl.start()
    wait_until(lambda: _readings(sites) == 1, seconds=30, what="the feed is asked for")
    process.stop()
    assert process.end(20).code == 0
    sites.feed("one.test", "/a")
    process = crawl.start()
    wait_until(lambda: crawl.counts() == {("fetched", None): 1}, seconds=30, what="the page arrives")
    process.stop()
    assert process.end().code == 0
    assert (_standing(crawl).slots_fired, _standing(crawl).slots_missed) == (1, 0)


def test_a_source_that_is_asked_for_is_read_now_by_whoever_crawls(sites: Sites, crawl: Crawl) -> None:
    process = crawl.start()
    wait_until(lambda: crawl.counts() == {("fetched", None): 1}, seconds=30, what="the page arrives")
    planned = _standing(crawl).next_due_at
    sites.set("one.test", "/b", "<p>b</p>")
    sites.feed("one.test", "/b", "/a")
    with crawl.state() as state, state.begin() as transaction:
        schedule.ask(transaction, ["one"], datetime.now(UTC))
    wait_until(lambda: crawl.counts() == {("fetched", None): 2}, seconds=30, what="the new page arrives")
    process.stop()
    assert process.end().code == 0
    assert (_standing(crawl).next_due_at, _standing(crawl).slots_fired) == (planned, 1)


def test_many_feeds_of_one_host_hold_up_no_other(sites: Sites, crawl: Crawl) -> None:
    many = [sites.set("many.test", f"/{number}.xml", Reply(b"<rss><channel/></rss>")) for number in range(6)]
    crawl.source("many", *many)
    ended = crawl.once(environment={"GOVWIRE_CRAWL__CONCURRENCY": "2", "GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0.5"})
    assert ended.code == 0, ended.log
    order = [each.host for each in sites.asked if each.path.endswith(".xml")]
    assert order.count("many.test") == 6
    assert order.index("one.test") <= 2
