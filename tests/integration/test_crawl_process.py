"""A crawl process: killed, stopped, held back, and refused."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawling import Crawl
from govwire.core import faults
from govwire.core.bus import Message
from govwire.core.errors import ConfigError
from govwire.core.flow import EXTRACT, PAGES
from govwire.core.records import Lane
from govwire.core.state import frontier
from servers.process import wait_until
from servers.sites import Reply, Sites

PATHS = [f"/{number}" for number in range(12)]
CRAWL_POINTS = [point for point in faults.POINTS if point.startswith("crawl.")]


@pytest.fixture
def crawl(sites: Sites, tmp_path: Path) -> Iterator[Crawl]:
    place = Crawl(tmp_path, sites.port)
    for path in PATHS:
        sites.set("one.test", path, f"<p>{path}</p>")
    place.source("one", sites.feed("one.test", *PATHS))
    yield place
    place.close()


def test_there_are_fault_points_to_die_at() -> None:
    assert CRAWL_POINTS == ["crawl.leased", "crawl.fetched", "crawl.published", "crawl.recorded"]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("point", CRAWL_POINTS)
def test_a_crawl_killed_anywhere_loses_no_url(sites: Sites, crawl: Crawl, point: str, times: int) -> None:
    few = {"GOVWIRE_CRAWL__CONCURRENCY": "2"}
    killed = crawl.once(environment=few | {"GOVWIRE_FAULT": f"{point}:{times}"})
    assert killed.code == -signal.SIGKILL
    assert crawl.once(environment=few).code == 0
    published = Counter(page.url for page in crawl.pages())
    assert published.keys() == {sites.url("one.test", path) for path in PATHS}
    # What was published and not recorded is published again, and nothing else is.
    assert sum(published.values()) <= len(PATHS) + 4
    if point != "crawl.published":
        assert set(published.values()) == {1}
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_a_feed_whose_reading_was_killed_is_read_whole_again(sites: Sites, crawl: Crawl) -> None:
    killed = crawl.once(environment={"GOVWIRE_FAULT": "crawl.fetched"})
    assert killed.code == -signal.SIGKILL
    assert crawl.counts() == {}
    crawl.once()
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_two_processes_share_the_urls(sites: Sites, crawl: Crawl) -> None:
    few = {"GOVWIRE_CRAWL__CONCURRENCY": "2"}
    processes = [crawl.start(once=True, environment=few) for _ in range(2)]
    assert [process.end().code for process in processes] == [0, 0]
    assert Counter(page.url for page in crawl.pages()) == Counter(sites.url("one.test", path) for path in PATHS)
    assert [len(sites.asked_for("one.test", path)) for path in PATHS] == [1] * len(PATHS)


def test_a_running_crawl_reads_its_sources_again_and_stops_when_told(sites: Sites, crawl: Crawl) -> None:
    crawl.source("one", sites.url("one.test", "/feed.xml"), every_minutes=0.02)
    process = crawl.start()
    wait_until(lambda: _published(crawl) == len(PATHS), seconds=30, what="the pages arrive")
    sites.set("one.test", "/new", "<p>new</p>")
    sites.feed("one.test", "/new", *PATHS)
    wait_until(lambda: len(crawl.pages()) == len(PATHS) + 1, seconds=30, what="the new page arrives")
    process.stop()
    ended = process.end(20)
    assert ended.code == 0, ended.log
    assert ended.failed_feeds == {}
    assert crawl.counts() == {("fetched", None): len(PATHS) + 1}


def test_a_crawl_stopped_in_the_middle_gives_back_what_it_holds(sites: Sites, crawl: Crawl) -> None:
    process = crawl.start(once=True, environment={"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "1"})
    wait_until(lambda: len(sites.asked) >= 3, seconds=30, what="a page is asked for")
    process.stop()
    assert process.end(20).code == 0
    counts = crawl.counts()
    assert sum(counts.values()) == len(PATHS)
    assert counts.get(("waiting", "new"), 0) >= 10
    with crawl.state() as state, state.begin() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM frontier WHERE lease_owner IS NOT NULL").scalar() == 0
    assert crawl.once().code == 0
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_a_site_that_takes_its_time_does_not_hold_a_stopped_crawl(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/0", Reply(after_seconds=60))
    # Due again while the process ends.
    crawl.source("one", sites.url("one.test", "/feed.xml"), every_minutes=0.1)
    process = crawl.start()
    wait_until(lambda: _published(crawl) == len(PATHS) - 1, seconds=30, what="the other pages arrive")
    process.stop()
    ended = process.end(15)
    assert ended.code == 0, ended.log
    assert not any('"level": "error"' in line for line in ended.log.splitlines()), ended.log
    assert crawl.counts() == {("waiting", "new"): 1, ("fetched", None): len(PATHS) - 1}
    with crawl.state() as state, state.begin() as transaction:
        query = "SELECT checked_at >= fired_at OR asked_at <= ? FROM sources JOIN feeds USING (source_id)"
        assert transaction.exec_driver_sql(query, (f"{datetime.now(UTC):%F %T}",)).scalar(), "a slot was taken in vain"
    sites.set("one.test", "/0", "<p>0</p>")
    crawl.once()
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_a_crawl_that_had_a_name_resolved_ends_when_stopped(sites: Sites, crawl: Crawl) -> None:
    slow = sites.set("127.0.0.1", "/slow", Reply(after_seconds=60))  # an address, which the system resolves in a thread
    process = crawl.start(urls=[slow])
    wait_until(lambda: sites.asked_for("127.0.0.1", "/slow"), seconds=30, what="the page to be asked for")
    process.stop()
    assert process.end(15).code == 0


def test_a_lease_that_runs_out_during_a_fetch_does_not_make_a_second_one(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/0", Reply(b"<p>0</p>", after_seconds=3))
    process = crawl.start(once=True)
    wait_until(lambda: len(sites.asked_for("one.test", "/0")) == 1, seconds=30, what="the slow page is asked for")
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql("UPDATE frontier SET lease_until = '2026-01-01' WHERE lease_owner IS NOT NULL")
    assert process.end().code == 0
    assert [len(sites.asked_for("one.test", path)) for path in PATHS] == [1] * len(PATHS)
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_an_error_that_nobody_foresaw_ends_the_crawl_with_its_cause(crawl: Crawl) -> None:
    with crawl.state() as state, state.begin() as transaction:
        frontier.add(transaction, [frontier.Found(url=_urls(crawl)[0], source_id="one")], datetime.now(UTC))
        transaction.exec_driver_sql("""UPDATE frontier SET entry = '{"title": 1}'""")
    ended = crawl.once()
    assert ended.code == 1
    assert ended.log.splitlines()[-1].startswith("ServiceError: crawl: ValidationError")


def _published(crawl: Crawl) -> int:
    try:
        return len(crawl.pages())
    except ConfigError:
        return 0  # the process has not made the Kafka topics yet


def _fill(crawl: Crawl, count: int) -> None:
    with crawl.bus() as bus:
        bus.setup()
        kafka_topic = PAGES.kafka_topic("govwire")
        bus.publish(kafka_topic, [Message(str(number), b"{}", {}) for number in range(count)])


def _empty(crawl: Crawl) -> None:
    with crawl.bus() as bus:
        bus.seek(EXTRACT.group("govwire"), PAGES.kafka_topic("govwire"), "end")


def test_nothing_is_leased_while_too_many_pages_wait(sites: Sites, crawl: Crawl) -> None:
    _fill(crawl, 20)
    process = crawl.start(once=True, environment={"GOVWIRE_CRAWL__MAX_LAG": "10"})
    wait_until(lambda: crawl.counts() == {("waiting", "new"): len(PATHS)}, seconds=30, what="the feed is read")
    wait_until(lambda: process.told("crawl_paused") == 1, seconds=30, what="the crawl is paused")
    assert not process.ends_within(1)
    assert {each.path for each in sites.asked} == {"/robots.txt", "/feed.xml"}
    _empty(crawl)
    ended = process.end()
    assert ended.code == 0, ended.log
    assert len(ended.events("crawl_paused")) == len(ended.events("crawl_resumed")) == 1
    assert crawl.counts() == {("fetched", None): len(PATHS)}


def test_a_database_that_stays_away_is_told_in_one_line_and_waited_for(crawl: Crawl) -> None:
    process = crawl.start(environment={"GOVWIRE_STATE__URL": "postgresql://nobody@127.0.0.1:1/none"})
    wait_until(lambda: process.told("service_away") >= 2, seconds=30, what="it is told twice that the database is away")
    process.stop()
    ended = process.end(10)
    assert ended.code == 0, ended.log


def test_a_full_disk_ends_a_single_crawl_with_one_line(crawl: Crawl) -> None:
    ended = crawl.once(environment={"GOVWIRE_RETENTION__MIN_FREE_BYTES": str(2**60)})
    assert ended.code == 1
    assert "retention.min_free_bytes" in ended.log.splitlines()[-1]
    assert crawl.pages() == []
    assert crawl.counts().keys() <= {("waiting", "new")}


def test_a_crawl_beyond_loopback_without_contact_is_refused_before_anything_is_sent(crawl: Crawl) -> None:
    (crawl.config / "sources" / "far.toml").write_text(
        (crawl.config / "sources" / "one.toml").read_text().replace("one.test", "far.example")
    )
    ended = crawl.once()
    assert ended.code == 1
    assert ended.log.splitlines()[-1].startswith("ConfigError: user_agent: not set")
    assert "GOVWIRE_USER_AGENT" in ended.log
    ended = crawl.once(environment={"GOVWIRE_USER_AGENT": "nobody"})
    assert "names no contact" in ended.log.splitlines()[-1]


def test_rules_that_cannot_be_read_are_told_all_at_once(crawl: Crawl) -> None:
    wrong = {"GOVWIRE_FETCH__ALLOW": json.dumps(["127.0.0.1", "nonsense:80"])}
    ended = crawl.once(environment=wrong)
    assert ended.code == 1
    assert ended.log.splitlines()[-1].count("fetch.allow") == 2


def test_a_page_over_the_wire_limit_is_dropped_and_the_rest_is_published(sites: Sites, crawl: Crawl) -> None:
    # Random bytes do not compress: 11 MiB of them are 15 MB in the record.
    sites.set("one.test", "/0", Reply(b"<p>" + os.urandom(11 * 2**20), headers={"Content-Type": "text/html"}))
    ended = crawl.once(environment={"GOVWIRE_FETCH__MAX_BYTES": str(20 * 2**20)})
    assert ended.code == 0, ended.log
    assert crawl.standing(sites.url("one.test", "/0")) == ("dropped", "too_large")
    assert crawl.counts() == {("fetched", None): len(PATHS) - 1, ("dropped", "too_large"): 1}


def test_pages_of_one_lane_go_to_its_own_kafka_topic(crawl: Crawl) -> None:
    with crawl.state() as state, state.begin() as transaction:
        found = frontier.Found(url="http://one.test:1/nowhere", source_id="one", lane=Lane.BACKFILL)
        history = frontier.Found(url=next(iter(_urls(crawl))), source_id="one", lane=Lane.BACKFILL)
        frontier.add(transaction, [found, history], datetime.now(UTC))
    crawl.once()
    assert [page.lane for page in crawl.pages(Lane.BACKFILL)] == [Lane.BACKFILL]
    assert len(crawl.pages()) == len(PATHS) - 1


def _urls(crawl: Crawl) -> list[str]:
    feed = (crawl.config / "sources" / "one.toml").read_text().split('feeds = ["')[1].split('"')[0]
    return [feed.replace("/feed.xml", path) for path in PATHS]
