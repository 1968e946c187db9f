"""The recorded pages as sites on loopback, one host for each publisher, and the config folder that watches them.

Feeds have links only, neither titles nor dates, so that all an article says comes out of its page.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from govwire.core.urls import clean
from replay import ReplayPage
from servers.sites import Asked, Reply, Sites

_FEED = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>links</title>{items}</channel></rss>'
_FEED_PATH = "/govwire-test-feed.xml"
_SOURCE = """name = "{site}"
home = "{home}"
kind = "press"
country = "INT"
language = "und"
rights = "link"
feeds = ["{feed}"]
"""


class ReplaySites(Sites):
    """Every recorded page under `http://<site>.example:<port>` with the path and query of its real address."""

    def __init__(self, pages: Sequence[ReplayPage]) -> None:
        super().__init__()
        self._links: dict[str, list[str]] = defaultdict(list)
        for page in pages:
            address = urlsplit(self.page_url(page))
            path = f"{address.path}?{address.query}" if address.query else address.path
            self.set(host_of(page), path, partial(_page, page))
            self._links[host_of(page)].append(self.page_url(page))
        for host, links in self._links.items():
            items = "".join(f"<item><link>{escape(link)}</link></item>" for link in links)
            headers = {"Content-Type": "application/rss+xml"}
            self.set(host, _FEED_PATH, Reply(_FEED.format(items=items).encode(), headers=headers))

    def page_url(self, page: ReplayPage) -> str:
        """Where a page is served, written as the crawl writes it."""
        real = urlsplit(page.url)
        return clean(self.url(host_of(page), f"{real.path or '/'}{f'?{real.query}' if real.query else ''}"))

    def environment(self) -> dict[str, str]:
        """The settings with which these sites can be crawled, at once."""
        resolve = ",".join(f'"{host}:127.0.0.1"' for host in self._links)
        return {
            "GOVWIRE_USER_AGENT": "govwire-tests (+mailto:tests@govwire.example)",
            "GOVWIRE_FETCH__ALLOW": f'["127.0.0.0/8:{self.port}"]',
            "GOVWIRE_FETCH__RESOLVE": f"[{resolve}]",
            "GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0",
        }

    def write_sources(self, folder: Path) -> None:
        """A source file for each site."""
        folder.mkdir(parents=True, exist_ok=True)
        for host in self._links:
            site = host.removesuffix(".example")
            source = _SOURCE.format(site=site, home=self.url(host), feed=self.url(host, _FEED_PATH))
            (folder / f"s-{site}.toml").write_text(source)


def host_of(page: ReplayPage) -> str:
    """The host that stands for a page's publisher."""
    return f"{page.site}.example"


def _page(page: ReplayPage, _: Asked) -> Reply:
    # Without a charset: what the bytes are is for the extractor to find out.
    return Reply(page.body(), headers={"Content-Type": "text/html"})
