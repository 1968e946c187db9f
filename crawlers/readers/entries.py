"""What every reader gives: entries, each an address and what is said of the page there; and how they are made.

A reader yields what stands in its document (`Raw`); `collect` makes entries of it, the same for all: addresses
resolved and checked, texts made plain and short, dates believed only where they are written out whole.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from typing import Any

from crawlers.readers.dates import whole_date
from govwire.core.errors import UrlError
from govwire.core.records import Entry
from govwire.core.urls import clean

# What a feed says of a page is kept with each of its records: enough to know the page by, no second copy of it.
MAX_TITLE, MAX_SUMMARY, MAX_AUTHORS = 500, 2000, 20
# The longest feeds of the largest wires list a few hundred pages; whole archives come by backfill.
MAX_ENTRIES = 2000

_TAG = re.compile(r"<[!?/a-z][^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that is listed, and what is said of it."""

    url: str
    entry: Entry
    media_type: str = ""  # where the list says what lies there


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap that an index names."""

    url: str
    changed_at: datetime | None


@dataclass(frozen=True)
class Entries:
    """What a feed, sitemap or listing page lists, in its order; entries that were passed over, counted by reason."""

    listed: tuple[Listed, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    sitemaps: tuple[Sitemap, ...] = ()  # of an index, which lists no pages

    @property
    def read(self) -> int:
        """How many entries the document states."""
        return len(self.listed) + sum(self.skipped.values()) + len(self.sitemaps)


@dataclass(slots=True)
class Raw:
    """An entry as it is written: the address may be none, and texts may be markup."""

    address: str | None
    base: str  # what a relative address begins from
    title: str | None = None
    summary: str | None = None
    authors: Sequence[str] = ()
    published: str | None = None
    updated: str | None = None
    language: str | None = None
    media_type: str = ""


def collect(raws: Iterable[Raw], url: str, *, limit: int = MAX_ENTRIES, skipped: Counter[str] | None = None) -> Entries:
    """The entries of the list at `url`; beyond `limit` they are only counted, as are those in `skipped`."""
    listed: dict[str, Listed] = {}
    skipped = Counter() if skipped is None else skipped
    for raw in raws:
        if not raw.address or not raw.address.strip():
            skipped["no_address"] += 1
            continue
        try:
            page_url = clean(raw.address, base=raw.base)
        except UrlError:
            skipped["bad_address"] += 1
            continue
        if page_url in listed:
            skipped["listed_twice"] += 1
        elif len(listed) == limit:
            skipped["too_many"] += 1
        else:
            listed[page_url] = Listed(page_url, _entry(raw, url), raw.media_type)
    return Entries(tuple(listed.values()), dict(skipped))


def forget_generated(raws: Sequence[Raw], least: int) -> None:
    """Forget the date of change that more than half of the entries share, where there are at least so many of them.

    It is the time at which the file was made, and says nothing of any page.
    """
    dates = Counter(raw.updated for raw in raws if raw.updated)
    for date, pages in dates.most_common(1):
        if len(raws) >= least and 2 * pages > len(raws):
            for raw in raws:
                raw.updated = None if raw.updated == date else raw.updated


def _entry(raw: Raw, url: str) -> Entry:
    authors = [name for author in raw.authors if (name := plain(author, MAX_TITLE))]
    return Entry(
        feed_url=url,
        title=plain(raw.title, MAX_TITLE),
        summary=plain(raw.summary, MAX_SUMMARY),
        authors=tuple(dict.fromkeys(authors))[:MAX_AUTHORS],
        published_at=whole_date(raw.published),
        updated_at=whole_date(raw.updated),
        language=plain(raw.language, 16),
    )


def plain(markup: Any, limit: int) -> str | None:
    """Markup as plain text on one line; None where nothing is left."""
    if not isinstance(markup, str):
        return None
    text = markup[: limit * 20]
    if "<" in text or "&" in text:
        text = unescape(_TAG.sub("", text))
    text = " ".join(text.replace("\x00", "").split())[:limit]
    # Half a surrogate pair, which JSON can name and nothing can store.
    return text.encode("utf-8", "replace").decode() or None
