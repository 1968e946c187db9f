"""What can be said of a URL that was never seen: who watches its site, how that goes, and what would become of it."""

import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from govwire.core.source import Source
from govwire.core.state import Transaction, hosts, sources
from govwire.core.state.sources import FeedRow
from govwire.core.urls import authority, registrable_domain


@dataclass(frozen=True)
class Lists:
    """A list by which a source is read, and how its last reading went."""

    kind: str
    url: str
    read: FeedRow | None  # None: not yet

    def __str__(self) -> str:
        row = self.read
        if row is None or row.checked_at is None:
            return f"{self.kind} {self.url}: not read yet"
        if row.error is not None:
            since = f" since {row.failing_since:%Y-%m-%d %H:%M}" if row.failing_since else ""
            return f"{self.kind} {self.url}: failing{since}: {row.error}"
        shown = "" if row.listed is None else f", {row.listed} entries"
        back = f" back to {row.oldest_at:%Y-%m-%d %H:%M}" if row.oldest_at else ""
        return f"{self.kind} {self.url}: read {row.succeeded_at:%Y-%m-%d %H:%M}{shown}{back}"


@dataclass(frozen=True)
class Watched:
    """A source of the URL's site."""

    source_id: str
    enabled: bool
    prefilter: bool
    lists: list[Lists]

    def __str__(self) -> str:
        notes = ["; switched off"] * (not self.enabled)
        notes += ["; only entries that name AI are fetched (drop prefiltered)"] * self.prefilter
        return f"watched as {self.source_id}{''.join(notes)}"


@dataclass(frozen=True)
class Robots:
    """What the site's robots file says of the URL."""

    allowed: bool | None  # None: the file could not be had
    url: str
    fetched_at: datetime

    def __str__(self) -> str:
        says = {True: "allows it", False: "forbids it", None: "could not be had, so it is not asked for now"}
        return f"{self.url}, of {self.fetched_at:%Y-%m-%d %H:%M}, {says[self.allowed]}"


@dataclass(frozen=True)
class Prospect:
    """What is to be expected of a URL."""

    url: str
    home: str
    watched: list[Watched]
    robots: Robots | None  # None: its robots file was never asked for
    media_type: str | None  # by its ending, where that is no page

    def as_dict(self) -> dict[str, Any]:
        """The prospect as plain data."""
        return asdict(self) | {"next_step": self.next_step}

    @property
    def next_step(self) -> str:
        """What to do to have it."""
        crawl = f"'govwire crawl --url {self.url}' fetches it now"
        if self.robots is not None and self.robots.allowed is False:
            return "none: the site does not want it fetched"
        if self.media_type is not None:
            return "none: only pages are read; the link is kept where a source lists it"
        if not self.watched:
            return f"{crawl}; 'govwire sources add {self.home}' watches the site"
        if not any(each.enabled for each in self.watched):
            return f"{crawl}; enabled = true in config/sources/{self.watched[0].source_id}.toml watches the site again"
        return f"{crawl}; 'govwire backfill' brings what is older than its lists reach"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "  never seen: no list that was read has it, and nobody has asked for it"
        if not self.watched:
            yield f"  no source of {registrable_domain(self.url)} is watched"
        for each in self.watched:
            yield f"  {each}"
            yield from (f"    {one}" for one in each.lists)
        if self.robots is not None:
            yield f"  {self.robots}"
        if self.media_type is not None:
            yield f"  it ends as {self.media_type}: such are dropped (not_html)"
        yield f"  next: {self.next_step}"


def foresee(transaction: Transaction, url: str, watched: Mapping[str, Source], agent: str) -> Prospect:
    """What is to be expected of a URL, by what is known of its site; nothing is fetched.

    Raises:
        UrlError: it is no web address.
    """
    site = registrable_domain(url)
    own = [each for each in watched.values() if site in {registrable_domain(place) for place in _places(each)}]
    rows = {row.url: row for row in sources.feed_rows(transaction, [each.id for each in own])} if own else {}
    host, parts = authority(url), urlsplit(url)
    return Prospect(
        url=url,
        home=f"{parts.scheme}://{host}/",
        watched=[
            Watched(
                each.id,
                each.enabled,
                each.prefilter,
                [Lists(way.kind, way.url, rows.get(way.url)) for way in each.ways],
            )
            for each in own
        ],
        robots=_robots(transaction, url, host, agent),
        media_type=_media_type(parts.path),
    )


def _places(source: Source) -> Iterator[str]:
    yield source.home
    yield from (way.url for way in source.ways)


def _robots(transaction: Transaction, url: str, host: str, agent: str) -> Robots | None:
    from crawlers.robots import Rules

    kept = hosts.robots_of(transaction, [host]).get(host)
    return Robots(Rules.of(kept, agent).allow(url), kept.url, kept.fetched_at) if kept else None


def _media_type(path: str) -> str | None:
    """What a URL's ending says that it is; None where it may be a page, as most endings may."""
    kind, _ = mimetypes.guess_type(path)
    is_other = kind is not None and (kind == "application/pdf" or kind.startswith(("image/", "audio/", "video/")))
    return kind if is_other else None
