"""A crawl's ways in beside feeds: sitemaps, indexes, listing pages; and entries that are known without a fetch."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from crawling import Crawl
from govwire.core.state.ledger import steps_of
from govwire.core.urls import url_id
from servers.sites import Asked, Reply, Sites


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


def urlset(*pages: tuple[str, float | None]) -> bytes:
    """A sitemap of pages, each changed so many days ago."""
    dates = ["" if days is None else f"<lastmod>{days_ago(days)}</lastmod>" for _, days in pages]
    urls = "".join(f"<url><loc>{url}</loc>{date}</url>" for (url, _), date in zip(pages, dates, strict=True))
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


def index(*sitemaps: tuple[str, float | None]) -> bytes:
    """An index of sitemaps."""
    return urlset(*sitemaps).replace(b"urlset", b"sitemapindex").replace(b"url>", b"sitemap>")


def test_a_sitemaps_recent_pages_are_fetched_with_what_it_says_of_them(sites: Sites, crawl: Crawl) -> None:
    new, old, undated = (sites.set("one.test", path, f"<p>{path}</p>") for path in ("/new", "/old", "/undated"))
    news = f"""<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{new}</loc><n:news>
        <n:publication><n:language>en</n:language></n:publication><n:title>Rules</n:title>
        <n:publication_date>{days_ago(0.5)}</n:publication_date></n:news></url>""".encode()
    body = news + urlset((old, 20), (undated, None)).partition(b">")[2]
    sitemap = sites.set("one.test", "/news.xml", Reply(body, headers={"ETag": '"1"'}))
    crawl.source("one", sitemaps=[sitemap])
    ended = crawl.once()
    assert ended.failed_feeds == {}
    (page,) = crawl.pages()
    assert page.url == new
    assert page.entry is not None
    assert (page.entry.title, page.entry.language, page.entry.feed_url) == ("Rules", "en", sitemap)
    assert page.entry.published_at is not None
    assert (crawl.feed(sitemap).kind, crawl.feed(sitemap).etag) == ("sitemap", '"1"')
    (read,) = ended.events("feed_read")
    assert read["skipped"] == {"old": 1, "undated": 1}
    assert crawl.standing(old) == ("unknown", None)
    crawl.once()
    assert sites.asked_for("one.test", "/news.xml")[1].headers["if-none-match"] == '"1"'


def test_an_index_leads_to_the_sitemaps_that_may_have_news(sites: Sites, crawl: Crawl) -> None:
    a, b = (sites.set("one.test", path, f"<p>{path}</p>") for path in ("/a", "/b"))
    packed = sites.set("one.test", "/new.xml.gz", Reply(gzip.compress(urlset((a, 0.1)))))
    undated = sites.set("one.test", "/undated.xml", Reply(urlset((b, 0.2))))
    old, other = sites.url("one.test", "/old.xml"), sites.url("other.test", "/new.xml")
    top = sites.set(
        "one.test",
        "/index.xml",
        Reply(index((packed, 0.1), (undated, None), (old, 30), (other, 0.1)), headers={"ETag": '"1"'}),
    )
    crawl.name("other.test")
    crawl.source("one", sitemaps=[top])
    assert crawl.once().failed_feeds == {}
    assert {page.url for page in crawl.pages()} == {a, b}
    assert sites.asked_for("one.test", "/old.xml") == []
    assert [each for each in sites.asked if each.host == "other.test"] == []
    assert {crawl.feed(url).index_url for url in (packed, undated)} == {top}
    # A sitemap whose date in the index is not given may change without the index.
    crawl.once()
    assert "if-none-match" not in sites.asked_for("one.test", "/index.xml")[1].headers
    assert len(sites.asked_for("one.test", "/undated.xml")) == 2
    sites.set("one.test", "/index.xml", Reply(index((packed, 0.1))))
    crawl.once()
    with pytest.raises(StopIteration):
        crawl.feed(undated)


def test_an_index_that_leads_round_in_circles_comes_to_an_end(sites: Sites, crawl: Crawl) -> None:
    top, other = sites.url("one.test", "/top.xml"), sites.url("one.test", "/other.xml")
    many = [(sites.url("one.test", f"/{number}.xml"), None) for number in range(30)]
    sites.set("one.test", "/top.xml", Reply(index((other, None), (top, None))))
    sites.set("one.test", "/other.xml", Reply(index((top, None), (other, None), *many)))
    crawl.source("one", sitemaps=[top])
    crawl.once()
    assert len(sites.asked) < 20


def test_a_sitemap_without_dates_and_a_listing_that_changed_are_told(sites: Sites, crawl: Crawl) -> None:
    undated = sites.set("one.test", "/sitemap.xml", Reply(urlset((sites.url("one.test", "/a"), None))))
    listing = sites.set("two.test", "/press", "<ul><li><a href='/a'>A</a></li></ul>")
    crawl.source("one", sitemaps=[undated])
    crawl.source("two", listings=[(listing, ".news a")])
    failed = crawl.once().failed_feeds
    assert "date of its own" in failed[undated]
    assert "nothing matches '.news a'" in failed[listing]
    assert crawl.feed(listing).kind == "listing"
    assert crawl.counts() == {}


def test_a_listing_pages_links_are_fetched_and_it_is_asked_for_as_a_page(sites: Sites, crawl: Crawl) -> None:
    a = sites.set("one.test", "/a", "<p>a</p>")
    listing = sites.set("one.test", "/press", "<nav><a href='/x'>X</a></nav><h2><a href='/a'>Rules on AI</a></h2>")
    crawl.source("one", listings=[(listing, "h2 a")])
    crawl.once()
    (page,) = crawl.pages()
    assert page.url == a
    assert page.entry is not None
    assert page.entry.title == "Rules on AI"
    assert "html" in sites.asked_for("one.test", "/press")[0].headers["accept"]


def test_what_a_general_feed_lists_beside_the_subject_is_known_and_not_fetched(sites: Sites, crawl: Crawl) -> None:
    for path in ("/ai", "/snow", "/untitled"):
        sites.set("one.test", path, f"<p>{path}</p>")
    items = "".join(
        f"<item><link>{sites.url('one.test', path)}</link>{title}<description>{text}</description></item>"
        for path, title, text in (
            ("/ai", "<title>New rules</title>", "Parliament votes on artificial intelligence"),
            ("/snow", "<title>Snow tomorrow</title>", "It will be cold"),
            ("/untitled", "", ""),
        )
    )
    feed = sites.set("one.test", "/feed", Reply(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()))
    crawl.source("one", feed, prefilter=True)
    ended = crawl.once()
    assert crawl.counts() == {("fetched", None): 2, ("dropped", "prefiltered"): 1}
    snow = sites.url("one.test", "/snow")
    with crawl.state() as state, state.begin() as transaction:
        (step,) = steps_of(transaction, url_id(snow))
    assert (step.reason, step.detail) == ("prefiltered", "Snow tomorrow")
    assert ended.events("feed_read")[0]["dropped"] == {"prefiltered": 1}
    assert sites.asked_for("one.test", "/snow") == []
    crawl.once(urls=[snow])
    assert crawl.standing(snow) == ("fetched", None)


def test_a_document_of_another_type_is_a_named_drop_that_keeps_link_and_type(sites: Sites, crawl: Crawl) -> None:
    pdf = sites.set("one.test", "/a.pdf", Reply(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}))
    named = sites.set("one.test", "/named", Reply(b"%PDF-1.7 ...", headers={"Content-Type": "text/html"}))
    audio = sites.url("one.test", "/a.mp3")
    pages = "".join(f"<item><link>{url}</link></item>" for url in (pdf, named))
    items = f'{pages}<item><enclosure url="{audio}" type="audio/mpeg"/></item>'
    feed = sites.set("one.test", "/feed", Reply(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()))
    crawl.source("one", feed)
    crawl.once()
    assert crawl.counts() == {("dropped", "not_html"): 3}
    with crawl.state() as state, state.begin() as transaction:
        told = {url: steps_of(transaction, url_id(url))[0].detail for url in (pdf, named, audio)}
    assert told == {pdf: "application/pdf", named: "application/pdf", audio: "audio/mpeg"}
    assert sites.asked_for("one.test", "/a.mp3") == []


def test_an_alerts_links_are_unwrapped_and_belong_to_their_publisher(sites: Sites, crawl: Crawl) -> None:
    a = sites.set("wire.test", "/a?id=1", "<p>a</p>")
    b = sites.set("stranger.test", "/b", "<p>b</p>")
    crawl.source("wire", sites.feed("wire.test"))
    crawl.name("stranger.test")
    goals = [a.replace("?", "%3F").replace("=", "%3D"), b]
    entries = "".join(
        f'<entry><id>tag:google.com,2013:{number}</id><title>AI</title><link href="https://www.google.com/url?rct=j&amp;'
        f'url={goal}&amp;ct=ga&amp;usg=x"/></entry>'
        for number, goal in enumerate(goals)
    )
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Alert</title>{entries}</feed>'
    crawl.source("alerts", sites.set("alerts.test", "/feed", Reply(atom.encode())), kind="aggregator")
    crawl.once()
    assert {page.url: (page.source.id, page.source.kind) for page in crawl.pages()} == {
        a: ("wire", "press"),
        b: ("stranger.test", "unwatched"),
    }
    crawl.once(urls=[f"https://www.google.com/url?q={goals[0]}"])
    assert len(sites.asked_for("wire.test", "/a?id=1")) == 2
    assert {each.host for each in sites.asked} == {"alerts.test", "wire.test", "stranger.test"}


def test_a_sitemap_that_was_asked_for_as_a_feed_is_read_as_what_it_is(sites: Sites, crawl: Crawl) -> None:
    a = sites.set("one.test", "/a", "<p>a</p>")

    def answer(asked: Asked) -> Reply:
        assert "xml" in asked.headers["accept"]
        return Reply(urlset((a, 0.1)))

    crawl.name("one.test")
    crawl.once(feeds=[sites.set("one.test", "/sitemap.xml", answer)])
    assert crawl.standing(a) == ("fetched", None)
