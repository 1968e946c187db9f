"""What a robots file says: whom it lets in, how slowly, and where its sitemaps lie. Pure: nothing is fetched here.

Sources: RFC 9309, with protego for what its lines mean; crawl-delay, which the RFC leaves out, and sitemaps.org's
Sitemap lines.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from protego import Protego
from scrapy.http import Response

from govwire.core.errors import UrlError
from govwire.core.state.hosts import Robots
from govwire.core.urls import clean

# RFC 9309: at least 500 KiB are read, and a copy is kept for no more than a day.
MOST_BYTES = 512 * 1024
KEPT = timedelta(hours=24)
# A host whose robots file cannot be had is left alone this long; Media Cloud waits as long for a dead server.
RETRY = timedelta(minutes=10)
# A crawl-delay beyond this would mean less than a page a minute: taken for a mistake, and cut.
LONGEST_DELAY_SECONDS = 60.0


@dataclass(frozen=True)
class Rules:
    """A robots file as it was fetched, and what it says to one user agent."""

    robots: Robots
    agent: str
    parsed: Protego
    delay_seconds: float | None

    @classmethod
    def of(cls, robots: Robots, agent: str) -> Self:
        """Read a robots file; a line that cannot be read says nothing."""
        parsed = Protego.parse(robots.body)
        delay = parsed.crawl_delay(agent)
        return cls(robots, agent, parsed, None if delay is None else min(float(delay), LONGEST_DELAY_SECONDS))

    def allow(self, url: str) -> bool | None:
        """Whether an address on the host may be fetched; None where there is no telling."""
        return bool(self.parsed.can_fetch(url, self.agent)) if self.is_known else None

    @property
    def is_known(self) -> bool:
        """Whether the answer tells what is allowed: a file, or none there (RFC 9309, 2.3.1.3).

        429 means: not now; 407 is the word of a proxy on the way.
        """
        return 200 <= self.robots.status < 500 and self.robots.status not in {407, 429}

    @property
    def ask_again_at(self) -> datetime:
        """Until when this answer holds."""
        return self.robots.fetched_at + (KEPT if self.is_known else RETRY)


def received(url: str, response: Response, now: datetime) -> Robots:
    """An answer as a robots file; what is no success says nothing but its status."""
    body = response.body[:MOST_BYTES] if 200 <= response.status < 300 else b""
    # The RFC wants UTF-8; a few come as Windows' editors once saved texts.
    encoding = "utf-16" if body[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return Robots(url, response.status, body.decode(encoding, "replace").replace("\x00", ""), now)


def sitemaps_in(robots: str, home: str) -> list[str]:
    """The sitemaps that the robots file of a site names, each once; relative ones are taken for the site's own."""
    found: dict[str, None] = {}  # ordered, each once
    for named in Protego.parse(robots).sitemaps:
        try:
            found[clean(named, base=home)] = None
        except UrlError:
            continue
    found.pop(clean("/", base=home), None)  # a line without an address
    return list(found)
