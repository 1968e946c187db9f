"""What sitemaps and listing pages list, and what of it is news."""

import contextlib
import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crawlers import readers
from crawlers.readers import read_feed, read_listing
from crawlers.readers.sitemaps import MAX_PAGES
from govwire.core.errors import FeedError

URL = "https://wire.example/sitemap.xml"
SINCE = datetime(2026, 11, 21, tzinfo=UTC)

NEWS = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://wire.example/a?x=1&amp;y=2</loc><news:news><news:publication><news:name>Wire</news:name>
<news:language>de</news:language></news:publication><news:publication_date>2026-11-23T08:00:00+01:00</news:publication_date>
<news:title>KI &amp; Recht</news:title></news:news><image:image><image:loc>https://wire.example/a.jpg</image:loc></image:image></url>
<url><loc> /b </loc><lastmod>2026-11-22</lastmod></url>
<url><loc>https://wire.example/old</loc><lastmod>2026-11-20</lastmod></url>
<url><loc>https://wire.example/undated</loc></url>
<url><lastmod>2026-11-22</lastmod></url>
</urlset>"""

INDEX = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>https://wire.example/news.xml.gz</loc><lastmod>2026-11-23T08:00:00Z</lastmod></sitemap>
<sitemap><loc>/pages.xml</loc></sitemap><sitemap><loc>ftp://wire.example/x</loc></sitemap><sitemap/>
</sitemapindex>"""


def _urlset(*pages: tuple[str, str]) -> bytes:
    urls = "".join(
        f"<url><loc>https://wire.example/{name}</loc><lastmod>{date}</lastmod></url>" for name, date in pages
    )
    return f"<urlset>{urls}</urlset>".encode()


def test_a_sitemap_gives_addresses_dates_titles_and_languages() -> None:
    found = read_feed(NEWS.encode(), URL)
    assert [each.url for each in found.listed] == [
        "https://wire.example/a?x=1&y=2",
        "https://wire.example/b",
        "https://wire.example/old",
        "https://wire.example/undated",
    ]
    assert found.skipped == {"no_address": 1}
    entry = found.listed[0].entry
    assert (entry.title, entry.language, entry.feed_url) == ("KI & Recht", "de", URL)
    assert entry.published_at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    assert found.listed[1].entry.published_at is None
    assert found.listed[1].entry.updated_at == datetime(2026, 11, 22, tzinfo=UTC)


def test_of_a_sitemap_only_what_is_recent_is_news_the_newest_first() -> None:
    found = read_feed(NEWS.encode(), URL, since=SINCE)
    assert [each.url for each in found.listed] == ["https://wire.example/a?x=1&y=2", "https://wire.example/b"]
    assert found.skipped == {"old": 1, "undated": 1, "no_address": 1}
    assert found.read == 5


def test_a_sitemap_without_dates_is_refused_where_news_are_wanted() -> None:
    undated = b"<urlset><url><loc>https://wire.example/a</loc></url></urlset>"
    assert len(read_feed(undated, URL).listed) == 1
    with pytest.raises(FeedError, match="use a feed or listing"):
        read_feed(undated, URL, since=SINCE)
    with pytest.raises(FeedError, match="use a feed or listing"):
        read_feed(b"https://wire.example/a\nhttps://wire.example/b\n", URL, since=SINCE)


def test_the_time_at_which_a_sitemap_was_made_dates_no_page() -> None:
    made = [(str(number), "2026-11-24T06:00:00Z") for number in range(30)]
    with pytest.raises(FeedError, match="date of its own"):
        read_feed(_urlset(*made), URL, since=SINCE)
    found = read_feed(_urlset(*made, ("new", "2026-11-23T07:00:00Z")), URL, since=SINCE)
    assert [each.url for each in found.listed] == ["https://wire.example/new"]
    assert len(read_feed(_urlset(*made[:5]), URL, since=SINCE).listed) == 5


def test_an_index_gives_its_sitemaps() -> None:
    found = read_feed(INDEX.encode(), URL, since=SINCE)
    assert [each.url for each in found.sitemaps] == [
        "https://wire.example/news.xml.gz",
        "https://wire.example/pages.xml",
    ]
    assert found.sitemaps[0].changed_at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert found.sitemaps[1].changed_at is None
    assert (found.listed, found.read) == ((), 4)
    assert found.skipped == {"bad_address": 1, "no_address": 1}


def test_a_text_sitemap_is_an_address_a_line() -> None:
    found = read_feed(b"\xef\xbb\xbfhttps://wire.example/a\r\n\r\nhttps://wire.example/b#x\nnothing:\n", URL)
    assert [each.url for each in found.listed] == ["https://wire.example/a", "https://wire.example/b"]
    assert found.skipped == {"bad_address": 1}


def test_a_sitemap_file_may_be_packed() -> None:
    assert read_feed(gzip.compress(NEWS.encode()), URL + ".gz").read == 5


def test_a_packed_sitemap_is_no_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_UNPACKED", 1 << 20)
    with pytest.raises(FeedError, match="more than 1 MiB"):
        read_feed(gzip.compress(b"\0" * (2 << 20)), URL)
    with pytest.raises(FeedError, match="broken gzip"):
        read_feed(b"\x1f\x8bnothing", URL)


def test_a_sitemap_that_is_not_well_formed_keeps_its_addresses_whole() -> None:
    broken = NEWS.replace("&amp;", "&").replace("</urlset>", "<url><loc>https://wire.example/last")
    assert [each.url for each in read_feed(broken.encode(), URL).listed] == [
        "https://wire.example/a?x=1&y=2",
        "https://wire.example/b",
        "https://wire.example/old",
        "https://wire.example/undated",
        "https://wire.example/last",
    ]


def test_an_endless_sitemap_is_read_up_to_the_protocols_limit() -> None:
    found = read_feed("\n".join(f"https://wire.example/{number}" for number in range(MAX_PAGES + 2)).encode(), URL)
    assert len(found.listed) == MAX_PAGES
    assert found.skipped == {"too_many": 2}


LISTING = """<html><head><base href="/news/"></head><body><nav><a href="/about">About</a></nav>
<ul class="news"><li><a href="a"><img src="a.jpg"></a><h3><a href="a">Rules on <b>AI</b> agreed</a></h3>
<a href="a">More</a></li><li class="card"><a href="https://other.example/b">Elsewhere</a></li>
<li><a href="mailto:x@wire.example">Mail</a></li></ul></body></html>"""


def test_a_listing_page_gives_the_links_that_are_chosen_with_their_headlines() -> None:
    found = read_listing(LISTING.encode(), "https://wire.example/press", ".news a")
    assert [(each.url, each.entry.title) for each in found.listed] == [
        ("https://wire.example/news/a", "Rules on AI agreed"),
        ("https://other.example/b", "Elsewhere"),
    ]
    assert found.skipped == {"listed_twice": 2, "bad_address": 1}


def test_a_selector_may_choose_what_holds_a_link() -> None:
    found = read_listing(LISTING.encode(), "https://wire.example/press", "li.card")
    assert [each.url for each in found.listed] == ["https://other.example/b"]


def test_a_listing_page_is_read_in_its_charset() -> None:
    body = "<ul><a href='/a'>Правила для ИИ</a></ul>".encode("windows-1251")
    (listed,) = read_listing(body, "https://wire.example/", "ul a", "text/html; charset=windows-1251").listed
    assert listed.entry.title == "Правила для ИИ"


def test_a_broken_attribute_beside_its_address_breaks_no_link() -> None:
    (listed,) = read_listing(b"<a href='/a' \x01>A</a>", "https://wire.example/", "a").listed
    assert listed.url == "https://wire.example/a"


def test_a_listing_page_on_which_nothing_is_chosen_is_a_failure() -> None:
    with pytest.raises(FeedError, match=r"nothing matches '\.gone a'"):
        read_listing(LISTING.encode(), "https://wire.example/press", ".gone a")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text(max_size=60).map(lambda text: NEWS.replace("2026-11-23T08:00:00+01:00", text).encode("utf-8", "replace"))
    | st.text(max_size=60).map(lambda text: NEWS.replace(" /b ", text).encode("utf-8", "replace"))
    | st.text(max_size=60).map(lambda text: ("https://" + text).encode("utf-8", "replace"))
    | st.integers(0, len(NEWS)).map(lambda end: NEWS[:end].encode())
    | st.integers(0, len(INDEX)).map(lambda end: INDEX[:end].encode())
    | st.binary(max_size=60).map(lambda body: b"\x1f\x8b" + body)
    | st.binary(max_size=60).map(lambda body: b"<urlset>" + body),
    st.sampled_from([None, SINCE]),
)
@example(b"<urlset/>", SINCE)
def test_reading_sitemaps_is_total(body: bytes, since: datetime | None) -> None:
    with contextlib.suppress(FeedError):
        found = read_feed(body, URL, since=since)
        assert all(each.url.startswith(("http://", "https://")) for each in found.listed)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<a href='{text}'>".encode("utf-8", "replace"))
)
@example(b"\xff\xfe\x00")
@example(b"")
def test_reading_listings_is_total(body: bytes) -> None:
    with contextlib.suppress(FeedError):
        found = read_listing(body, "https://wire.example/", "a")
        assert all(each.url.startswith(("http://", "https://")) for each in found.listed)
