"""A source's past by its sitemaps: found, put on the frontier in the backfill lane, and fetched by a crawl."""

import json
from typing import Any

import pytest

from commands import govwire
from crawling import Crawl
from govwire.core.records import Lane
from govwire.core.state import ledger
from govwire.core.urls import url_id
from servers.sites import Reply, Sites

XML = {"Content-Type": "application/xml"}
DAYS = ("--since", "2026-09-01", "--until", "2026-09-30")


def serve(sites: Sites) -> None:
    """A site of several months, with a robots file that names the index of its sitemaps."""
    robots = f"User-agent: *\nDisallow: /secret\nSitemap: {sites.url('one.test', '/index.xml')}\n"
    sites.set("one.test", "/robots.txt", Reply(robots.encode()))
    named = [
        ("/news-2026-07.xml", ""),
        ("/news-2026-09.xml", ""),
        ("/other.xml", "2026-08-20"),
        ("/more.xml", "2026-10-02"),
    ]
    entries = [(path, f"<lastmod>{date}</lastmod>" if date else "") for path, date in named]
    index = "".join(f"<sitemap><loc>{sites.url('one.test', path)}</loc>{date}</sitemap>" for path, date in entries)
    sites.set("one.test", "/index.xml", Reply(f"<sitemapindex>{index}</sitemapindex>".encode(), headers=XML))
    sitemap(sites, "/news-2026-09.xml", ("/a", "2026-09-01"), ("/b", "2026-09-30T23:59:00Z"), ("/late", "2026-10-01"))
    sitemap(sites, "/more.xml", ("/c", "2026-09-15"), ("/b", "2026-09-30T23:59:00Z"), ("/early", "2026-08-31"))
    for path in ("/a", "/b", "/c"):
        sites.set("one.test", path, f"<p>{path}</p>")
    sites.feed("one.test")


def sitemap(sites: Sites, path: str, *pages: tuple[str, str]) -> None:
    urls = "".join(
        f"<url><loc>{page if '://' in page else sites.url('one.test', page)}</loc><lastmod>{date}</lastmod></url>"
        for page, date in pages
    )
    sites.set("one.test", path, Reply(f"<urlset>{urls}</urlset>".encode(), headers=XML))


def search(crawl: Crawl, *words: str, code: int = 0) -> list[dict[str, Any]]:
    done = govwire("backfill", "sitemaps", *words, "--json", **crawl.environment())
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_pages_of_the_days_are_fetched_in_the_backfill_lane(sites: Sites, crawl: Crawl) -> None:
    serve(sites)
    crawl.source("one", sites.url("one.test", "/feed.xml"))
    [past] = search(crawl, "one", *DAYS)
    assert past == {
        "source_id": "one",
        "sitemaps": 3,
        "listed": 4,
        "passed_over": 0,
        "new": 3,
        "left": 0,
        "failed": {},
        "reached": True,
    }
    assert sites.asked_for("one.test", "/news-2026-07.xml") == sites.asked_for("one.test", "/other.xml") == []
    crawl.once()
    assert {page.url for page in crawl.pages(Lane.BACKFILL)} == {
        sites.url("one.test", path) for path in ("/a", "/b", "/c")
    }
    assert crawl.pages(Lane.LIVE) == []
    [again] = search(crawl, "one", *DAYS)
    assert (again["listed"], again["new"]) == (4, 0)


def test_the_newest_pages_are_fetched_first(sites: Sites, crawl: Crawl) -> None:
    serve(sites)
    crawl.source("one", sites.url("one.test", "/feed.xml"))
    search(crawl, "one", *DAYS)
    crawl.once(environment={"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0.05"})
    asked = [each.path for each in sites.asked if each.path in {"/a", "/b", "/c"}]
    assert asked == ["/b", "/c", "/a"]


def test_sources_that_share_a_site_get_the_pages_under_their_own_home(sites: Sites, crawl: Crawl) -> None:
    pages = [(path, "2026-09-15") for path in ("/law/a", "/law/ai/b", "/sports/c")]
    sitemap(sites, "/sitemap.xml", *pages, ("http://elsewhere.test/law/d", "2026-09-15"))
    for source_id, home in (("law", "/law/"), ("ai", "/law/ai/index.html")):
        crawl.source(source_id, sites.url("one.test", home))
    past = {each["source_id"]: each for each in search(crawl, "law", "ai", *DAYS)}
    assert {source_id: (each["sitemaps"], each["new"]) for source_id, each in past.items()} == {
        "law": (1, 1),
        "ai": (1, 1),
    }
    assert sum(each["passed_over"] for each in past.values()) == 2
    assert len(sites.asked_for("one.test", "/sitemap.xml")) == 1
    with crawl.state() as state, state.begin() as transaction:
        standing = ledger.standing_of(transaction, [url_id(sites.url("one.test", path)) for path, _ in pages])
    assert {row["url"].partition("/law")[2]: row["source_id"] for row in standing.values()} == {
        "/a": "law",
        "/ai/b": "ai",
    }


def test_a_source_without_a_sitemap_is_named_and_the_exit_code_says_so(sites: Sites, crawl: Crawl) -> None:
    serve(sites)
    crawl.source("one", sites.url("one.test", "/feed.xml"))
    crawl.source("two", sites.feed("two.test"))
    done = govwire("backfill", "sitemaps", "one", "two", *DAYS, **crawl.environment())
    assert done.returncode == 1
    assert (
        done.stdout == "one: 4 pages in 3 sitemaps; 3 of them to be fetched, 0 passed over\n"
        "two: 0 pages in 0 sitemaps; 0 of them to be fetched, 0 passed over\n"
    )
    assert f"error: two: {sites.url('two.test', '/sitemap.xml')}: HTTP 404" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("on", *DAYS), "unknown source 'on'; did you mean 'one'?"),
        (("one",), "Missing option '--since'"),
        (("one", "--since", "x"), "'x' is no date"),
    ],
)
def test_wrong_usage_is_told_and_exit_2(sites: Sites, crawl: Crawl, words: tuple[str, ...], says: str) -> None:
    crawl.source("one", sites.url("one.test", "/feed.xml"))
    done = govwire("backfill", "sitemaps", *words, **crawl.environment())
    assert (done.returncode, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
