"""Whose a page is. What an aggregator finds, or a person asks for, is its publisher's and never the finder's own."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Literal
from urllib.parse import urlsplit

from govwire.core.records import SourceFacts
from govwire.core.source import AGGREGATOR, UNWATCHED, Source
from govwire.core.urls import registrable_domain

# Names that a site gives to the same front door.
_DOOR = re.compile(r"(?:www\d?|m|mobile|amp)\.", re.IGNORECASE)


class Owners:
    """Sources by the hosts of their home pages, feeds, sitemaps and listings.

    Where several sources share a host, the longest home address that the page's begins with decides. Aggregators own
    no pages. With `all_hosts` the pages of other hosts are the outlet's that nobody watches.
    """

    def __init__(self, sources: Mapping[str, Source], only: Collection[str] = (), *, all_hosts: bool = False) -> None:
        self._all_hosts, self._only = all_hosts, set(only)
        self._by_host: dict[str, list[tuple[str, SourceFacts]]] = defaultdict(list)
        for source in sorted(sources.values(), key=lambda source: (-len(urlsplit(source.home).path), source.id)):
            if source.kind == AGGREGATOR:
                continue
            addresses = [source.home, *source.feeds, *source.sitemaps, *(listing.url for listing in source.listings)]
            for host in dict.fromkeys(map(_host, addresses)):
                self._by_host[host].append((urlsplit(source.home).path, source.facts))

    def of(self, url: str) -> SourceFacts | None:
        """The source that a page belongs to; None where it is nobody's, or not of those that were asked for."""
        owner = self._watched(url)
        if owner is None:
            return unwatched(url) if self._all_hosts else None
        return owner if not self._only or owner.id in self._only else None

    def outlet(self, url: str, finder: SourceFacts) -> SourceFacts:
        """Whose a page is that a source found: its own, unless it is an aggregator."""
        if finder.kind != AGGREGATOR:
            return finder
        return self._watched(url) or unwatched(url, finder.rights, finder.tags)

    def _watched(self, url: str) -> SourceFacts | None:
        if not (owners := self._by_host.get(_host(url))):
            return None
        path = urlsplit(url).path
        return next((facts for home, facts in owners if path.startswith(home)), owners[-1][1])

    def __repr__(self) -> str:
        """What changes where it would answer differently."""
        hosts = sorted((host, [facts.id for _, facts in owners]) for host, owners in self._by_host.items())
        return f"Owners({hosts}, {sorted(self._only)}, all_hosts={self._all_hosts})"


def unwatched(
    url: str, rights: Literal["full", "excerpt", "link"] = "excerpt", tags: tuple[str, ...] = ()
) -> SourceFacts:
    """The outlet of a page that no source watches: it goes by its domain, and nothing else is known of it."""
    domain = registrable_domain(url)
    # ZZ is CLDR's unknown region.
    return SourceFacts(id=domain, name=domain, kind=UNWATCHED, country="ZZ", language="und", rights=rights, tags=tags)


def _host(url: str) -> str:
    return _DOOR.sub("", urlsplit(url).hostname or "", count=1)
