"""What a site says of itself, read from bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawlers.discovery import country_of, language_of, of_feed, of_page, sitemaps_of, usual_feeds

HOME = "https://www.one.example/"
PAGE = b"""<!doctype html><html lang="en-GB"><head><title>One &amp; all: home</title>
<meta property="og:site_name" content=" One  &amp; all ">
<link rel="alternate" type="application/rss+xml" title="News" href="/feed">
<link rel="Alternate" type="application/atom+xml" href="https://feeds.example/one">
<link rel="alternate" type="application/feed+json" href="feed.json">
<link rel="alternate" type="application/rss+xml" title="One: Comments" href="/all/feed">
<link rel="alternate" type="application/rss+xml" href="/comments/feed">
<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
<link rel="alternate" hreflang="de" href="/de">
<link rel="stylesheet" type="text/css" href="/feed.css"></head>
<body><a href="/feed">again</a><a href="/blog/rss.xml">blog</a><a href="/follow">RSS</a><a href="/feedback">write</a>
<a href="http://[broken/feed">x</a></body></html>"""


def test_a_page_declares_its_feeds_name_and_language() -> None:
    site = of_page(PAGE, HOME)
    assert site.feeds == (f"{HOME}feed", "https://feeds.example/one", f"{HOME}feed.json")
    assert (site.name, site.language) == ("One & all", "en")


def test_links_that_look_like_feeds_are_likely_ones() -> None:
    assert of_page(PAGE, HOME).likely_feeds == (f"{HOME}blog/rss.xml", f"{HOME}follow")


def test_a_page_that_says_nothing_gives_nothing() -> None:
    site = of_page(b"<p>hello", HOME)
    assert (site.feeds, site.likely_feeds, site.name, site.language) == ((), (), None, None)


def test_a_feed_names_its_site_and_language() -> None:
    said = b"<title>One</title><link>https://one.example</link><language>de-AT</language>"
    site = of_feed(b'<rss version="2.0"><channel>' + said + b"</channel></rss>")
    assert (site.name, site.language, site.home) == ("One", "de", "https://one.example/")


def test_sitemaps_of_a_robots_file_come_with_those_of_news_first() -> None:
    named = ["https://one.example/pages.xml", "https://one.example/news.xml", "?"]
    robots = "\n".join(["User-agent: *", "Disallow: /x", *(f"Sitemap: {url}" for url in named)])
    assert sitemaps_of(robots, "https://one.example/") == (
        "https://one.example/news.xml",
        "https://one.example/pages.xml",
    )


def test_usual_places_are_below_the_page_and_at_the_root() -> None:
    assert usual_feeds("https://one.example/ai")[:2] == ("https://one.example/ai/feed/", "https://one.example/feed/")
    assert usual_feeds("https://one.example/")[0] == "https://one.example/feed/"


@pytest.mark.parametrize(
    ("url", "country"),
    [
        ("https://www.bundestag.de/", "DE"),
        ("https://news.gov.uk/", "GB"),
        ("https://www.nist.gov/", "US"),
        ("https://www.itu.int/", "INT"),
        ("https://digital-strategy.ec.europa.eu/", "EU"),
        ("https://startup.eu/", None),
        ("https://openai.com/", None),
        ("https://x.ai/", None),
        ("https://github.io/", None),
        ("http://127.0.0.1/", None),
    ],
)
def test_a_country_is_only_what_the_names_ending_says(url: str, country: str | None) -> None:
    assert country_of(url) == country


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("EN_us", "en"), ("zh-Hant-TW", "zh"), ("fil", "fil"), ("", None), ("english", None), ("e", None)],
)
def test_a_language_is_the_first_part_of_its_tag(tag: str, language: str | None) -> None:
    assert language_of(tag) == language


@given(st.binary(max_size=500))
@example(b"\x01\t\x01>")
def test_no_bytes_break_it(content: bytes) -> None:
    site = of_page(b"<html><link rel=alternate type=application/rss+xml href=" + content, HOME)
    assert all(url.startswith("http") for url in (*site.feeds, *site.likely_feeds))
    home = of_feed(content).home
    assert home is None or home.startswith("http")
