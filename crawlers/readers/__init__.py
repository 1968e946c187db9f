"""From the bytes of a feed, sitemap or listing page to its entries. Nothing here fetches, and nothing opens files.

What a document is, it tells itself: a sitemap that is called a feed is read as the sitemap that it is. Only a listing
page has to be called one.
"""

import re
import zlib
from collections.abc import Iterable
from datetime import datetime

from crawlers.readers import feeds, sitemaps
from crawlers.readers.entries import Entries, Listed, Raw, Sitemap, collect, forget_generated
from crawlers.readers.listings import read_listing
from crawlers.readers.markup import Element, local_name, parsed, repaired
from govwire.core.errors import FeedError

__all__ = ["Entries", "Listed", "Sitemap", "is_sitemap", "read_feed", "read_listing"]

# The largest sitemap that the protocol allows, unpacked.
MAX_UNPACKED = 50 * 1024 * 1024

# Entries of a feed above which one date of change under most of them is that of the feed.
_FEW = 5

# Feeds are anybody's bytes: no pattern may try one text in more than a few ways (atomic groups, short runs).
_HTML = re.compile(rb"\s*(?:(?><!--.*?-->)\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_SITEMAP = re.compile(rb"<(?:\w{1,20}:)?(?:urlset|sitemapindex)\b")
_ADDRESS = re.compile(rb"(?:\xef\xbb\xbf)?\s*https?://", re.IGNORECASE)


def read_feed(
    body: bytes, url: str, content_type: str = "", *, since: datetime | None = None, until: datetime | None = None
) -> Entries:
    """The entries of a feed or sitemap that was fetched from `url`; relative links are resolved.

    Of a sitemap, `since` leaves out what is older, or has no date; a feed lists what is new by itself. Who asks for the
    past says `until` too (exclusive), and gets all of a sitemap's pages in between.

    Raises:
        FeedError: it is neither, or too broken; or `since` is asked of a sitemap without dates.
    """
    body = _unpacked(body, url)
    if _HTML.match(body[:4096]):
        raise FeedError(f"feed {url}: a web page, not a feed; 'govwire sources add' finds a site's feeds")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return _fed(feeds.json_entries(body, url), url)
    if _ADDRESS.match(body):
        return sitemaps.text_entries(_lines(body), url, since)
    root = parsed(body, url)
    if root is None and _SITEMAP.search(body[:4096]):
        root = repaired(body, url)
    if root is None:
        return _fed(feeds.patient_entries(body, url, content_type), url)
    return _entries(root, url, since, until)


def is_sitemap(body: bytes, url: str) -> bool:
    """Whether this is a sitemap, or an index of them. Raises FeedError: it is a broken gzip file."""
    return bool(_SITEMAP.search(_unpacked(body, url)[:4096]))


def _entries(root: Element, url: str, since: datetime | None, until: datetime | None) -> Entries:
    name = local_name(root)
    if name in feeds.ROOTS:
        return _fed(feeds.entries_of(root, url), url)
    if name == "urlset":
        return sitemaps.sitemap_entries(root, url, since, until)
    if name == "sitemapindex":
        return sitemaps.index_entries(root, url)
    raise FeedError(f"feed {url}: XML of <{name[:40]}>, neither RSS, Atom, JSON Feed nor sitemap")


def _fed(raws: Iterable[Raw], url: str) -> Entries:
    """A feed's entries. One that stamps them all anew would have all of its pages fetched again at every reading."""
    entries = list(raws)
    forget_generated(entries, _FEW)
    return collect(entries, url)


def _lines(body: bytes) -> list[str]:
    return [line for line in body.decode("utf-8-sig", "replace").splitlines() if line.strip()]


def _unpacked(body: bytes, url: str) -> bytes:
    """A gzip file's contents; sites serve sitemaps as files, whatever the transfer is packed by."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    packed = zlib.decompressobj(wbits=31)
    try:
        unpacked = packed.decompress(body, MAX_UNPACKED)
    except zlib.error as error:
        raise FeedError(f"feed {url}: broken gzip file ({error})") from error
    if packed.unconsumed_tail:
        raise FeedError(f"feed {url}: more than {MAX_UNPACKED >> 20} MiB when unpacked")
    return unpacked
