"""Reading listing pages: the links that a CSS selector chooses, for a site without a feed."""

from collections.abc import Iterator

from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.html import get_base_url

from crawlers.readers.entries import Entries, Raw, collect
from govwire.core.errors import FeedError


def read_listing(body: bytes, url: str, links: str, content_type: str = "") -> Entries:
    """The pages that a listing page links to; `links` selects the links, or elements that hold one.

    Raises:
        FeedError: nothing on the page is selected.
    """
    _, html = html_to_unicode(content_type or None, body)
    raws = list(_links(Selector(text=html, type="html"), get_base_url(html, url), links))
    if not raws:
        raise FeedError(f"listing {url}: nothing matches {links!r}; the page was changed, or a script fills it")
    titles: dict[str | None, str] = {}
    for raw in raws:
        # A teaser links thrice: picture, headline, "read more". The headline is the longest of them.
        titles[raw.address] = max(titles.get(raw.address, ""), raw.title or "", key=len)
    for raw in raws:
        raw.title = titles[raw.address]
    return collect(raws, url)


def _links(page: Selector, base: str, links: str) -> Iterator[Raw]:
    for chosen in page.css(links):
        link = chosen if chosen.root.get("href") else next(iter(chosen.css("a[href]")), None)
        if link is None:
            continue
        yield Raw(address=link.root.get("href"), base=base, title=" ".join(link.css("::text").getall()))
