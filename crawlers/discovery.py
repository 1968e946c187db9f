"""What a site says of itself: its feeds and news sitemaps, its name, language and country. Pure: nothing is fetched.

Nothing is guessed: a language or country that the site does not state is none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urljoin, urlsplit

import feedparser
from babel import Locale
from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.html import get_base_url

from crawlers.robots import sitemaps_in
from govwire.core.errors import UrlError
from govwire.core.urls import clean, registrable_domain

# What sites serve feeds and news sitemaps under when their pages name none: WordPress, Drupal, Blogger, Ghost, Hugo and
# static sites, by what their own documentation says.
FEED_PATHS = ("/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/rss", "/feeds/posts/default")
SITEMAP_PATHS = ("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml")
# A page may name hundreds, as a feed for each tag; the first are of the whole site.
MOST_FEEDS, MOST_SITEMAPS = 12, 6

_FEED_TYPE = re.compile(r"(?:application|text)/(?:(?:rss|atom|rdf)(?:\+xml)?|feed\+json)", re.IGNORECASE)
_FEED_LINK = re.compile(r"(?:^|[^a-z])(?:rss|feeds?|atom)(?:[^a-z]|$)", re.IGNORECASE)
# A feed of readers' comments is none of articles.
_COMMENTS = re.compile(r"comments?\b", re.IGNORECASE)
_NEWS = re.compile(r"news", re.IGNORECASE)
_LANGUAGE = re.compile(r"\s*([a-z]{2,3})(?:[-_][a-z0-9]+)*\s*", re.IGNORECASE)
# Endings of countries that are sold to everybody, and so say nothing of the country; .eu is any European's.
_SOLD = re.compile(r"ad|ag|ai|as|bz|cc|cd|co|dj|eu|fm|gg|io|la|ly|me|ms|nu|sc|sr|su|tk|to|tv|vc|vu|ws")
_ENDINGS = {"uk": "GB", "int": "INT", "gov": "US", "mil": "US"}
_TERRITORIES = set(Locale("en").territories)


@dataclass(frozen=True)
class Site:
    """What a page, or a feed, says of its site."""

    feeds: tuple[str, ...] = ()  # that it declares
    likely_feeds: tuple[str, ...] = ()  # that its links look like
    name: str | None = None
    language: str | None = None
    home: str | None = None  # of a feed


def of_page(body: bytes, url: str, content_type: str = "") -> Site:
    """What a web page says of its site."""
    _, html = html_to_unicode(content_type or None, body)
    page = Selector(text=html, type="html")
    base = get_base_url(html, url)
    declared = [
        link.root.get("href")
        for link in page.css("link[rel][href]")
        if {"alternate", "feed"} & set(link.root.get("rel").lower().split())
        and _FEED_TYPE.match(link.root.get("type", ""))
        and not _COMMENTS.search(link.root.get("title", ""))
    ]
    linked = [
        link.root.get("href")
        for link in page.css("a[href]")
        if _FEED_LINK.search(_tail(link.root.get("href"))) or _FEED_LINK.fullmatch(_text(link))
    ]
    feeds = _addresses(declared, base)
    return Site(
        feeds=feeds[:MOST_FEEDS],
        likely_feeds=tuple(link for link in _addresses(linked, base) if link not in feeds)[:MOST_FEEDS],
        name=_first(
            page, "meta[property='og:site_name']::attr(content)", "meta[name='application-name']::attr(content)"
        )
        or _first(page, "title::text"),
        language=language_of(page.css("html::attr(lang)").get() or ""),
    )


def of_feed(body: bytes) -> Site:
    """What a feed says of its site."""
    # Always a stream: given bytes or text, feedparser opens the file or the address that they happen to name.
    said = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False).feed
    try:
        home = clean(said.get("link") or "")
    except UrlError:
        home = None
    return Site(name=_plain(said.get("title")), language=language_of(said.get("language") or ""), home=home)


def sitemaps_of(robots: str, home: str) -> tuple[str, ...]:
    """The sitemaps that the robots file of a site names, those of news first."""
    return tuple(sorted(sitemaps_in(robots, home), key=lambda url: not _NEWS.search(url)))[:MOST_SITEMAPS]


def news_first(sitemaps: Iterable[str]) -> tuple[str, ...]:
    """Those of an index's sitemaps that are called news."""
    return tuple(url for url in sitemaps if _NEWS.search(urlsplit(url).path))[:MOST_SITEMAPS]


def usual_feeds(url: str) -> tuple[str, ...]:
    """Where a site has feeds that it does not name: below the page, and at the root."""
    below = [url.rstrip("/") + "/feed/"] if urlsplit(url).path.strip("/") else []
    return tuple(dict.fromkeys([*below, *(urljoin(url, path) for path in FEED_PATHS)]))


def usual_sitemaps(url: str) -> tuple[str, ...]:
    """Where a site has a news sitemap that it does not name."""
    return tuple(urljoin(url, path) for path in SITEMAP_PATHS)


def language_of(tag: str) -> str | None:
    """The language of a language tag (BCP 47), as "en" of "en-GB"."""
    found = _LANGUAGE.fullmatch(tag)
    return found[1].lower() if found else None


def country_of(url: str) -> str | None:
    """The country whose ending a site's name has; None where everybody may have such a name."""
    domain = registrable_domain(url)
    if domain == "europa.eu":
        return "EU"
    ending = domain.rpartition(".")[2].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    country = ending.upper()
    return country if len(ending) == 2 and not _SOLD.fullmatch(ending) and country in _TERRITORIES else None


def _tail(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}"


def _addresses(links: Iterable[str], base: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_clean(links, base)))


def _clean(links: Iterable[str], base: str) -> Iterator[str]:
    for link in links:
        try:
            url = clean(link, base=base or None)
        except UrlError:
            continue
        if not _COMMENTS.search(urlsplit(url).path):
            yield url


def _first(page: Selector, *selectors: str) -> str | None:
    return next((text for each in selectors if (text := _plain(page.css(each).get()))), None)


def _text(link: Selector) -> str:
    return " ".join(" ".join(link.css("::text").getall()).split())


def _plain(text: str | None) -> str | None:
    return " ".join((text or "").split())[:200] or None
