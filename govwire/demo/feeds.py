"""The feeds of a sample site: RSS 2.0, Atom (RFC 4287) or JSON Feed 1.1."""

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from govwire.demo.site import Printed, Site

_ATOM = "http://www.w3.org/2005/Atom"


def render_feed(site: Site, home: str, printed: Sequence[Printed]) -> bytes:
    """The site's feed in its format, entries in the given order."""
    return {"rss": _rss, "atom": _atom, "json": _json_feed}[site.feed](site, home, printed)


def _rss(site: Site, home: str, printed: Sequence[Printed]) -> bytes:
    rss = etree.Element("rss", version="2.0")
    channel = etree.SubElement(rss, "channel")
    _add(channel, title=site.name, link=home, description=site.tagline, language=site.language)
    for article in printed:
        item = etree.SubElement(channel, "item")
        _add(item, title=article.sample.title, link=article.url, guid=article.url)
        _add(item, pubDate=format_datetime(article.published_at), description=article.sample.summary)
    return _bytes(rss)


def _atom(site: Site, home: str, printed: Sequence[Printed]) -> bytes:
    feed = etree.Element("feed", xmlns=_ATOM)
    _add(feed, title=site.name, id=home, updated=_newest(printed).isoformat())
    for article in printed:
        entry = etree.SubElement(feed, "entry")
        _add(entry, title=article.sample.title, id=article.url, summary=article.sample.summary)
        etree.SubElement(entry, "link", href=article.url)
        _add(entry, published=article.published_at.isoformat(), updated=_changed_at(article).isoformat())
        if article.sample.author:
            _add(etree.SubElement(entry, "author"), name=article.sample.author)
    return _bytes(feed)


def _json_feed(site: Site, home: str, printed: Sequence[Printed]) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        "home_page_url": home,
        "items": [
            {
                "id": article.url,
                "url": article.url,
                "title": article.sample.title,
                "summary": article.sample.summary,
                "date_published": article.published_at.isoformat(),
                "authors": [{"name": article.sample.author}] if article.sample.author else [],
            }
            for article in printed
        ],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def _changed_at(article: Printed) -> datetime:
    return article.updated_at or article.published_at


def _newest(printed: Sequence[Printed]) -> datetime:
    return max(map(_changed_at, printed))


def _add(parent: etree._Element, **texts: str) -> None:
    for name, text in texts.items():
        if text:
            etree.SubElement(parent, name).text = text


def _bytes(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))
