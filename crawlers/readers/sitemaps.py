"""Reading sitemaps: of news, of pages, of sitemaps (indexes), and plain text.

Sources: sitemaps.org 0.9; Google's news extension 0.9.

A sitemap lists old pages beside new ones. Whoever wants the news says `since`: what is dated before, or not at all, is
then passed over and counted. Whoever wants the past says `until` as well.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from crawlers.readers.dates import whole_date
from crawlers.readers.entries import MAX_ENTRIES, Entries, Raw, Sitemap, collect, forget_generated
from crawlers.readers.markup import Element, local_name, text
from govwire.core.errors import FeedError, UrlError
from govwire.core.urls import clean

# The protocol's own limit.
MAX_PAGES = 50_000
# Of fewer pages, one date under most of them may well be that of one busy day.
_MANY = 20


def sitemap_entries(root: Element, url: str, since: datetime | None, until: datetime | None = None) -> Entries:
    """The entries of a <urlset>; with `since` the newest pages that are not older, with `until` all before.

    Raises:
        FeedError: `since` is asked for, and nothing has a date.
    """
    return _chosen(list(_pages(root, url)), url, since, until)


def text_entries(lines: Sequence[str], url: str, since: datetime | None) -> Entries:
    """The entries of a text sitemap, an address a line, without dates.

    Raises:
        FeedError: `since` is asked for.
    """
    return _chosen([Raw(address=line, base=url) for line in lines], url, since)


def index_entries(root: Element, url: str) -> Entries:
    """The sitemaps of a <sitemapindex>."""
    sitemaps: dict[str, Sitemap] = {}
    skipped: Counter[str] = Counter()
    for fields in _children(root, "sitemap"):
        try:
            address = clean(fields.get("loc", ""), base=url) if fields.get("loc", "").strip() else None
        except UrlError:
            skipped["bad_address"] += 1
            continue
        if address is None:
            skipped["no_address"] += 1
        elif address in sitemaps:
            skipped["listed_twice"] += 1
        else:
            sitemaps[address] = Sitemap(address, whole_date(fields.get("lastmod")))
    return Entries(skipped=dict(skipped), sitemaps=tuple(sitemaps.values()))


def _pages(root: Element, url: str) -> Iterator[Raw]:
    for fields in _children(root, "url"):
        yield Raw(
            address=fields.get("loc"),
            base=url,
            title=fields.get("news:title"),
            published=fields.get("news:publication_date"),
            updated=fields.get("lastmod"),
            language=fields.get("news:language"),
        )


def _children(root: Element, name: str) -> Iterator[dict[str, str]]:
    """What each <url> or <sitemap> says; what stands in <news:news> under `news:`, videos and images left out."""
    for child in root:
        if local_name(child) != name:
            continue
        fields: dict[str, str] = {}
        for each in child:
            match field := local_name(each):
                case "loc" | "lastmod":
                    fields.setdefault(field, text(each).strip())
                case "news":
                    for part in each.iter():
                        fields.setdefault(f"news:{local_name(part)}", text(part).strip())
        yield fields


def _chosen(raws: list[Raw], url: str, since: datetime | None, until: datetime | None = None) -> Entries:
    if since is None:
        return collect(raws, url, limit=MAX_PAGES)
    forget_generated(raws, _MANY)
    dated = [(_date(raw), raw) for raw in raws]
    if raws and not any(at for at, _ in dated):
        raise FeedError(
            f"sitemap {url}: no page in it has a date of its own, so none can be told to be new; use a feed or listing"
        )
    chosen = [(at, raw) for at, raw in dated if at and at >= since and (until is None or at < until)]
    skipped = Counter(
        undated=sum(at is None for at, _ in dated),
        old=sum(at is not None and at < since for at, _ in dated),
        later=sum(at is not None and until is not None and at >= until for at, _ in dated),
    )
    newest_first = (raw for _, raw in sorted(chosen, key=lambda each: each[0], reverse=True))
    return collect(newest_first, url, limit=MAX_ENTRIES if until is None else MAX_PAGES, skipped=+skipped)


def _date(raw: Raw) -> datetime | None:
    """When a page came out, or was changed last."""
    return whole_date(raw.published) or whole_date(raw.updated)
