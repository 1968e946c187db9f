"""Reading feeds: RSS, Atom and JSON Feed, from bytes to entries. Nothing here fetches, and nothing opens files.

fastfeedparser reads what is well-formed, a hundred times faster on large feeds; feedparser reads the rest. Both guess
at dates that are none ("yesterday", "October"), so a date counts only where the feed writes it out whole.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import fastfeedparser
import feedparser
from dateutil import parser as dateutil
from lxml import etree
from w3lib.html import remove_tags, replace_entities

from govwire.core.errors import FeedError, UrlError
from govwire.core.records import Entry
from govwire.core.urls import clean, normalise

# What a feed says of a page is kept with each of its records: enough to know the page by, no second copy of it.
MAX_TITLE, MAX_SUMMARY, MAX_AUTHORS = 500, 2000, 20
# The longest feeds of the largest wires list a few hundred pages; whole archives come by backfill.
MAX_ENTRIES = 2000

# Feeds are anybody's bytes: neither pattern may try one text in more than a few ways (atomic groups, short runs).
_HTML = re.compile(rb"\s*(?:(?><!--.*?-->)\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_WRITTEN_DATE = re.compile(
    rb"""<[^<>]{0,200}?(?:date|published|updated|modified|issued|created)[^<>]{0,200}>\s*(?:<!\[CDATA\[)?\s*([^<>\]]{8,64})"""
    rb"""|"date_(?:published|modified)"\s*:\s*"([^"]{8,64})\"""",
    re.IGNORECASE,
)
# What the readers raise on hostile input beside their own ValueError.
_READER_ERRORS = (ValueError, TypeError, AttributeError, LookupError, RecursionError, AssertionError)
# Two days with nothing in common: what a text leaves open, they fill in differently.
_ONE, _OTHER = datetime(2001, 1, 1, tzinfo=UTC), datetime(1996, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Listed:
    """A page that a feed lists, and what the feed says of it."""

    url: str
    entry: Entry


@dataclass(frozen=True)
class Feed:
    """What a feed lists, in its order; entries that were passed over are counted by reason."""

    entries: tuple[Listed, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)


def read_feed(body: bytes, url: str, content_type: str = "") -> Feed:
    """The entries of a feed that was fetched from `url`; relative links are resolved.

    Raises:
        FeedError: it is no feed, or too broken for both readers.
    """
    if _HTML.match(body[:4096]):
        raise FeedError(f"feed {url}: a web page, not a feed; 'govwire sources add' finds a site's feeds")
    entries, dates = _read_fast(body) or _read_patiently(body, url, content_type)
    listed: dict[str, Listed] = {}
    skipped: Counter[str] = Counter()
    for raw in entries:
        address = _address(raw)
        if address is None:
            skipped["no_address"] += 1
            continue
        try:
            page_url = clean(address, base=url)
            identity = normalise(page_url)
        except UrlError:
            skipped["bad_address"] += 1
            continue
        if identity in listed:
            skipped["listed_twice"] += 1
            continue
        if len(listed) == MAX_ENTRIES:
            skipped["too_many"] += 1
            continue
        listed[identity] = Listed(page_url, _entry(raw, url, dates))
    return Feed(tuple(listed.values()), dict(skipped))


Dates = Mapping[str, datetime]


def _read_fast(body: bytes) -> tuple[list[Mapping[str, Any]], Dates] | None:
    if not body.lstrip().startswith((b"{", b"[")) and not _is_well_formed(body):
        return None  # its repair of broken XML drops every entity, and so changes addresses
    try:
        entries = fastfeedparser.parse(body, include_tags=False, include_media=False, include_enclosures=False).entries
    except _READER_ERRORS:
        return None
    if b"xml:base" in body and any(not str(entry.get("link") or "").startswith("http") for entry in entries):
        return None  # it does not know xml:base
    return entries, _written_dates(body)


def _is_well_formed(body: bytes) -> bool:
    try:
        etree.fromstring(body.strip(), etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except (etree.XMLSyntaxError, ValueError):
        return False
    return True


def _read_patiently(body: bytes, url: str, content_type: str) -> tuple[list[Mapping[str, Any]], Dates]:
    headers = {"content-type": content_type or "application/xml", "content-location": url}
    try:
        # Always a stream: given bytes or text, feedparser opens the file or the address that they happen to name.
        parsed = feedparser.parse(
            BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _READER_ERRORS as error:
        raise FeedError(f"feed {url}: cannot be read ({type(error).__name__})") from error
    if not parsed.get("version") and not parsed.entries:
        cause = type(parsed.bozo_exception).__name__ if parsed.get("bozo_exception") else "no entries"
        raise FeedError(f"feed {url}: neither RSS, Atom nor JSON Feed ({cause})")
    entries: list[Mapping[str, Any]] = [
        dict(entry) for entry in parsed.entries
    ]  # its own mapping answers `updated` with `published`
    return entries, {raw: at for entry in entries for raw in _raw_dates(entry) if (at := _whole_date(raw))}


def _raw_dates(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from (entry[name] for name in ("published", "updated") if entry.get(name))


def _written_dates(body: bytes) -> Dates:
    """Every date that the feed writes out whole, under the spelling that fastfeedparser gives it."""
    texts = {(found[0] or found[1]).decode("latin-1") for found in _WRITTEN_DATE.findall(body)}
    return {at.isoformat(): at for at in map(_whole_date, texts) if at}


def _whole_date(text: str) -> datetime | None:
    """The moment that a text names with year, month and day; None where any of them is missing. No zone means UTC."""
    text = " ".join(text.split())[:64]
    for parse in (datetime.fromisoformat, parsedate_to_datetime, _free_date):
        try:
            at = parse(text)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def _free_date(text: str) -> datetime:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a zone's name that dateutil does not know
        one: datetime = dateutil.parse(text, default=_ONE)
        if one != dateutil.parse(text, default=_OTHER):
            raise ValueError("no whole date")
    return one


def _address(raw: Mapping[str, Any]) -> str | None:
    for candidate in (raw.get("link"), raw.get("id")):
        if candidate and (candidate == raw.get("link") or str(candidate).startswith(("http://", "https://"))):
            return str(candidate)
    return None


def _entry(raw: Mapping[str, Any], feed_url: str, dates: Dates) -> Entry:
    authors = (_text(str(author.get("name") or ""), MAX_TITLE) for author in raw.get("authors") or [])
    return Entry(
        feed_url=feed_url,
        title=_text(raw.get("title"), MAX_TITLE),
        summary=_text(raw.get("description") or raw.get("summary"), MAX_SUMMARY),
        authors=tuple(dict.fromkeys(name for name in authors if name))[:MAX_AUTHORS],
        published_at=dates.get(str(raw.get("published"))),
        updated_at=dates.get(str(raw.get("updated"))),
        language=_text(raw.get("language"), 16),
    )


def _text(markup: Any, limit: int) -> str | None:
    """Markup as plain text on one line; None where nothing is left."""
    if not isinstance(markup, str):
        return None
    plain = replace_entities(remove_tags(markup[: limit * 20])).replace("\x00", "")
    plain = plain.encode("utf-8", "replace").decode()
    return " ".join(plain.split())[:limit] or None
