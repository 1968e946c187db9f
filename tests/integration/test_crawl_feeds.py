"""From a feed to pages on the bus, on real HTTP."""

import json

from crawling import Crawl
from servers.sites import Asked, Reply, Sites, http_date

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>a</title>{}</feed>'
ENTRY = '<entry><id>urn:1</id><title>One</title><link href="{}"/><updated>{}</updated></entry>'


def test_rss_atom_and_json_feed_become_pages(sites: Sites, crawl: Crawl) -> None:
    sites.set("rss.test", "/a", "<p>治理</p>")
    sites.set("atom.test", "/a?id=1", "<p>one</p>")
    sites.set("json.test", "/a", "<p>json</p>")
    crawl.source("rss", sites.feed("rss.test", "/a"))
    entry = ENTRY.format(sites.url("atom.test", "/a?id=1"), "2026-11-23T09:00:00Z")
    crawl.source("atom", sites.set("atom.test", "/atom", Reply(ATOM.format(entry).encode())))
    items = [{"id": "1", "url": sites.url("json.test", "/a"), "title": "J"}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "j", "items": items}
    crawl.source("json", sites.set("json.test", "/feed.json", Reply(json.dumps(feed).encode())))
    assert crawl.once().failed_feeds == {}
    pages = {page.source.id: page for page in crawl.pages()}
    assert {page.body() for page in pages.values()} == {"<p>治理</p>".encode(), b"<p>one</p>", b"<p>json</p>"}
    assert pages["atom"].url == pages["atom"].final_url == sites.url("atom.test", "/a?id=1")
    assert pages["atom"].entry is not None
    assert pages["atom"].entry.title == "One"
    assert pages["atom"].status == 200
    assert pages["atom"].header("content-type") == "text/html; charset=utf-8"
    assert pages["atom"].first_seen_at <= pages["atom"].fetched_at
    assert crawl.counts() == {("fetched", None): 3}


def test_a_second_crawl_fetches_nothing_that_it_has(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/a", "<p>a</p>")
    crawl.source("one", sites.feed("one.test", "/a"))
    crawl.once()
    sites.set("one.test", "/b", "<p>b</p>")
    sites.feed("one.test", "/a", "/b")
    crawl.once()
    assert len(sites.asked_for("one.test", "/a")) == 1
    assert {page.url for page in crawl.pages()} == {sites.url("one.test", "/a"), sites.url("one.test", "/b")}
    assert len(sites.asked_for("one.test", "/robots.txt")) == 1


def test_a_feed_is_asked_for_conditionally_and_unchanged_counts_as_read(sites: Sites, crawl: Crawl) -> None:
    written = http_date(-3600)

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == 'W/"7"' and asked.headers.get("if-modified-since") == written:
            return Reply(status=304)
        return Reply(ATOM.format("").encode(), headers={"ETag": 'W/"7"', "Last-Modified": written})

    feed = sites.set("one.test", "/feed", answer)
    crawl.source("one", feed)
    assert crawl.once().failed_feeds == {}
    first = crawl.feed(feed)
    assert crawl.once().failed_feeds == {}
    second = crawl.feed(feed)
    assert (first.etag, first.last_modified) == (second.etag, second.last_modified) == ('W/"7"', written)
    assert first.succeeded_at is not None
    assert second.succeeded_at is not None
    assert first.succeeded_at < second.succeeded_at
    assert second.body_hash == first.body_hash
    assert "if-none-match" not in sites.asked_for("one.test", "/feed")[0].headers


def test_a_feed_that_cannot_be_read_is_told_and_the_others_are_read(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/a", "<p>a</p>")
    crawl.source("good", sites.feed("one.test", "/a"))
    page = sites.set("page.test", "/feed", "<!doctype html><title>no feed</title>")
    gone = sites.url("gone.test", "/feed")
    broken = sites.set("broken.test", "/feed", Reply(b"out", 500))
    crawl.source("page", page)
    crawl.source("gone", gone)
    crawl.source("broken", broken)
    ended = crawl.once()
    assert ended.failed_feeds.keys() == {page, gone, broken}
    assert "not a feed" in ended.failed_feeds[page]
    assert ended.failed_feeds[gone] == "HTTP 404"
    assert {line["source_id"] for line in ended.events("feed_failed")} == {"page", "gone", "broken"}
    assert (crawl.feed(broken).failures, crawl.feed(broken).error) == (1, "HTTP 500")
    assert crawl.counts() == {("fetched", None): 1}
    crawl.once()
    assert crawl.feed(broken).failures == 2


def test_an_updated_entry_is_fetched_again_conditionally(sites: Sites, crawl: Crawl) -> None:
    def page(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"v1"' and version == 1:
            return Reply(status=304)
        headers = {"Content-Type": "text/html", "ETag": f'"v{version}"'}
        return Reply(f"<p>version {version}</p>".encode(), headers=headers)

    version = 1
    url = sites.set("one.test", "/a", page)

    def publish(updated_at: str) -> None:
        sites.set("one.test", "/feed", Reply(ATOM.format(ENTRY.format(url, updated_at)).encode()))

    publish("2026-11-20T09:00:00Z")
    crawl.source("one", sites.url("one.test", "/feed"))
    crawl.once()
    publish("2126-11-25T09:00:00Z")
    crawl.once()
    assert sites.asked_for("one.test", "/a")[1].headers["if-none-match"] == '"v1"'
    assert crawl.standing(url) == ("dropped", "unchanged")
    version = 2
    publish("2126-11-26T09:00:00Z")
    crawl.once()
    assert crawl.standing(url) == ("fetched", None)
    bodies = [page.body() for page in crawl.pages()]
    assert bodies == [b"<p>version 1</p>", b"<p>version 2</p>"]
    crawl.once()
    assert len(sites.asked_for("one.test", "/a")) == 3


def test_whoever_crawls_one_source_or_one_page_keeps_whose_the_others_are(sites: Sites, crawl: Crawl) -> None:
    urls = [sites.set(f"{name}.test", "/a", "<p>a</p>") for name in ("one", "two")]
    for name in ("one", "two"):
        crawl.source(name, sites.feed(f"{name}.test", "/a"))
    crawl.once()
    for source_ids in (["one"], []):
        crawl.once(urls=urls, source_ids=source_ids)
        assert crawl.counts() == {("fetched", None): 2}
    assert sorted(page.source.id for page in crawl.pages()) == ["one"] * 3 + ["two"] * 3


def test_single_pages_and_feeds_are_fetched_when_asked_for(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/a", "<p>a</p>")
    sites.set("two.test", "/b", "<p>b</p>")
    crawl.source("one", sites.feed("one.test", "/a"))
    crawl.name("two.test")
    url = sites.url("two.test", "/b")
    crawl.once(urls=[url])
    crawl.once(urls=[url])
    assert len(sites.asked_for("two.test", "/b")) == 2
    assert {(page.source.id, page.source.kind) for page in crawl.pages()} == {("two.test", "unwatched")}
    assert sites.asked_for("one.test", "/feed.xml") == []
    crawl.once(feeds=[sites.feed("two.test", "/b", "/c")])
    assert crawl.standing(sites.url("two.test", "/c")) == ("dropped", "not_found")


def test_a_feed_that_is_asked_for_stays_that_of_the_source_that_watches_it(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/a", "<p>a</p>")
    feed = sites.feed("one.test", "/a", ETag='"1"')
    crawl.source("one", feed)
    crawl.once()
    before = crawl.feed(feed)
    crawl.once(feeds=[feed])
    after = crawl.feed(feed)
    assert len(sites.asked_for("one.test", "/feed.xml")) == 2
    assert (after.source_id, after.first_read_at) == ("one", before.first_read_at)
    crawl.once(source_ids=["one"], feeds=[feed])
    assert len(sites.asked_for("one.test", "/feed.xml")) == 3


def test_sources_that_are_named_are_the_only_ones_read(sites: Sites, crawl: Crawl) -> None:
    crawl.source("one", sites.feed("one.test"))
    crawl.source("two", sites.feed("two.test"))
    crawl.once(source_ids=["two"])
    assert [each.host for each in sites.asked if each.path == "/feed.xml"] == ["two.test"]
    ended = crawl.once(source_ids=["tow"])
    assert ended.code == 1
    assert ended.log.splitlines()[-1].startswith("UnknownNameError: unknown source 'tow'; did you mean 'two'?")


def test_a_page_of_a_source_that_is_gone_is_a_named_drop(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/a", Reply(status=503, headers={}))
    crawl.source("one", sites.feed("one.test", "/a"))
    crawl.once(environment={"GOVWIRE_CRAWL__RETRY_BASE_SECONDS": "0.001"})
    (crawl.config / "sources" / "one.toml").unlink()
    sites.set("one.test", "/a", "<p>a</p>")
    crawl.source("two", sites.feed("two.test"))
    crawl.once()
    assert crawl.standing(sites.url("one.test", "/a")) == ("dropped", "unknown_source")
