"""The past of a source that is new: its last days come in by the backfill lane while the news are crawled."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawlers.pasts import LEASE_SECONDS
from crawling import Crawl
from govwire.core.records import Lane
from govwire.core.state import pasts
from servers.process import wait_until
from servers.sites import Reply, Sites

HISTORY = {"GOVWIRE_CRAWL__HISTORY_DAYS": "30", "GOVWIRE_ALERTS__MAX_AGE_HOURS": "48"}


@pytest.fixture
def crawl(sites: Sites, tmp_path: Path) -> Iterator[Crawl]:
    place = Crawl(tmp_path, sites.port, **HISTORY)
    yield place
    place.close()


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def sitemap(sites: Sites, host: str, **ages: float) -> None:
    urls = "".join(
        f"<url><loc>{sites.url(host, f'/{name}')}</loc><lastmod>{days_ago(age)}</lastmod></url>"
        for name, age in ages.items()
    )
    sites.set(host, "/sitemap.xml", Reply(f"<urlset>{urls}</urlset>".encode(), headers={"Content-Type": "text/xml"}))
    for name in ages:
        sites.set(host, f"/{name}", f"<p>{name}</p>")


def dated(sites: Sites, **ages: float) -> str:
    """Items of a feed, which dates them so many days ago; their pages are there."""
    for name in ages:
        sites.set("one.test", f"/{name}", f"<p>{name}</p>")
    return "".join(
        f"<item><link>{sites.url('one.test', f'/{name}')}</link><pubDate>{days_ago(age)}</pubDate></item>"
        for name, age in ages.items()
    )


def brought(crawl: Crawl) -> set[str]:
    return {page.url.rpartition("/")[2] for page in crawl.pages(Lane.BACKFILL)}


def test_the_last_days_of_a_new_source_come_in_behind_the_news_once(sites: Sites, crawl: Crawl) -> None:
    sitemap(sites, "one.test", fresh=1, week=7, month=29, older=31)
    sites.set("one.test", "/now", "<p>now</p>")
    crawl.source("one", sites.feed("one.test", "/now"))
    running = crawl.start()
    wait_until(lambda: running.told("past_asked") == 1, seconds=60, what="its sitemap to be asked for")
    wait_until(lambda: brought(crawl) == {"week", "month"}, seconds=60, what="the pages of its past")
    running.stop()
    ended = running.end()
    assert ended.code == 0
    [told] = ended.events("past_asked")
    assert (told["source_id"], told["sitemaps"], told["listed"], told["new"]) == ("one", 1, 2, 2)
    assert [page.url.rpartition("/")[2] for page in crawl.pages()] == ["now"]
    with crawl.state() as state, state.begin() as transaction:
        assert pasts.take(transaction, ["one"], 9, datetime.now(UTC) + timedelta(days=9), lease_seconds=1) == []


def test_a_past_that_a_kill_cut_short_is_asked_for_again(sites: Sites, crawl: Crawl) -> None:
    sitemap(sites, "one.test", week=7)
    crawl.source("one", sites.feed("one.test"))
    slow = sites.set("one.test", "/sitemap.xml", Reply(after_seconds=30))
    running = crawl.start()
    wait_until(lambda: sites.asked_for("one.test", "/sitemap.xml") != [], seconds=60, what=f"{slow} to be asked for")
    running.kill()
    assert running.end().code == -signal.SIGKILL
    with crawl.state() as state, state.begin() as transaction:
        assert pasts.take(transaction, ["one"], 9, datetime.now(UTC), lease_seconds=1) == []
        later = datetime.now(UTC) + timedelta(seconds=2 * LEASE_SECONDS)
        assert pasts.take(transaction, ["one"], 9, later, lease_seconds=1) == ["one"]


def test_a_crawl_that_is_stopped_meanwhile_leaves_the_past_to_the_next(sites: Sites, crawl: Crawl) -> None:
    sitemap(sites, "one.test", week=7)
    crawl.source("one", sites.feed("one.test"))
    slow = sites.set("one.test", "/sitemap.xml", Reply(after_seconds=30))
    running = crawl.start()
    wait_until(lambda: sites.asked_for("one.test", "/sitemap.xml") != [], seconds=60, what=f"{slow} to be asked for")
    running.stop()
    assert running.end().code == 0
    sitemap(sites, "one.test", week=7)
    again = crawl.start()
    wait_until(lambda: again.told("past_asked") == 1, seconds=60, what="its sitemap to be asked for again")
    wait_until(lambda: brought(crawl) == {"week"}, seconds=60, what="the pages of its past")


def test_of_a_general_source_only_what_names_ai_is_brought(sites: Sites, crawl: Crawl) -> None:
    names = {"snow-tomorrow": 4, "eu-ai-act-put-off": 5, "a-chatbot-in-court": 6, "rain": 7}
    sitemap(sites, "one.test", **names)
    crawl.source("one", sites.feed("one.test"), prefilter=True)
    running = crawl.start()
    wait_until(lambda: running.told("past_asked") == 1, seconds=60, what="its sitemap to be asked for")
    wait_until(lambda: len(brought(crawl)) == 2, seconds=60, what="the pages of its past")
    assert brought(crawl) == {"eu-ai-act-put-off", "a-chatbot-in-court"}
    assert crawl.standing(sites.url("one.test", "/rain")) == ("unknown", None)


def test_what_a_feed_dates_back_is_history_or_too_old_at_every_reading(sites: Sites, crawl: Crawl) -> None:
    ages = {"now": 0, "week": 7, "older": 31}
    items = dated(sites, **ages)
    undated = f"<item><link>{sites.url('one.test', '/undated')}</link></item>"
    sites.set("one.test", "/undated", "<p>undated</p>")
    feed = sites.set("one.test", "/feed.xml", Reply(f"<rss><channel>{items}{undated}</channel></rss>".encode()))
    crawl.source("one", feed)
    crawl.once()
    first_read_at = crawl.feed(feed).first_read_at
    sites.set("one.test", "/feed.xml", Reply(f"<rss><channel>{undated}{items}</channel></rss>".encode()))
    crawl.once()
    assert {page.url.rpartition("/")[2] for page in crawl.pages()} == {"now", "undated"}
    assert brought(crawl) == {"week"}
    assert crawl.standing(sites.url("one.test", "/older")) == ("dropped", "too_old")
    assert crawl.counts() == {("fetched", None): 3, ("dropped", "too_old"): 1}
    assert crawl.feed(feed).first_read_at == first_read_at
    crawl.once(urls=[sites.url("one.test", "/older")])
    assert crawl.standing(sites.url("one.test", "/older")) == ("fetched", None)


def test_without_history_only_news_are_fetched(sites: Sites, crawl: Crawl) -> None:
    rss = f"<rss><channel>{dated(sites, week=7)}</channel></rss>"
    crawl.source("one", sites.set("one.test", "/feed.xml", Reply(rss.encode())))
    crawl.once(environment={"GOVWIRE_CRAWL__HISTORY_DAYS": "0"})
    assert crawl.standing(sites.url("one.test", "/week")) == ("dropped", "too_old")


def test_who_asks_for_a_feed_gets_all_that_it_lists(sites: Sites, crawl: Crawl) -> None:
    crawl.name("one.test")
    rss = f"<rss><channel>{dated(sites, old=400)}</channel></rss>"
    feed = sites.set("one.test", "/feed.xml", Reply(rss.encode()))
    crawl.once(feeds=[feed])
    assert [page.url for page in crawl.pages()] == [sites.url("one.test", "/old")]


def test_a_history_page_is_fetched_after_the_news(sites: Sites, crawl: Crawl) -> None:
    ages = {"older": 20, "old": 10, "now": 0}
    items = dated(sites, **ages)
    crawl.source("one", sites.set("one.test", "/feed.xml", Reply(f"<rss><channel>{items}</channel></rss>".encode())))
    crawl.once(environment={"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0.05"})
    assert [each.path for each in sites.asked if each.path[1:] in ages] == ["/now", "/old", "/older"]
