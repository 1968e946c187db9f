"""Whose page it is: a page out of an archive belongs to the source whose host it came from."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from crawlers.room import ASKED
from govwire.core.records import SourceFacts
from govwire.core.source import Source


class Owners:
    """Sources by the hosts of their home pages, feeds, sitemaps and listings, `www.` or not.

    Where several sources share a host, the longest home address that the page's begins with decides. Aggregators own
    no pages. With `all_hosts` the pages of other hosts belong to `asked`, which is nobody's outlet.
    """

    def __init__(self, sources: Mapping[str, Source], only: Collection[str] = (), *, all_hosts: bool = False) -> None:
        self._others, self._only = ASKED if all_hosts else None, set(only)
        self._by_host: dict[str, list[tuple[str, SourceFacts]]] = defaultdict(list)
        for source in sorted(sources.values(), key=lambda source: (-len(urlsplit(source.home).path), source.id)):
            if source.kind == "aggregator":
                continue
            addresses = [source.home, *source.feeds, *source.sitemaps, *(listing.url for listing in source.listings)]
            for host in dict.fromkeys(map(_host, addresses)):
                self._by_host[host].append((urlsplit(source.home).path, source.facts))

    def of(self, url: str) -> SourceFacts | None:
        """The source that a page belongs to; None where it is nobody's, or not of those that were asked for."""
        owners = self._by_host.get(_host(url))
        if not owners:
            return self._others
        path = urlsplit(url).path
        owner = next((facts for home, facts in owners if path.startswith(home)), owners[-1][1])
        return owner if not self._only or owner.id in self._only else None

    def __repr__(self) -> str:
        """What changes where it would answer differently."""
        hosts = sorted((host, [facts.id for _, facts in owners]) for host, owners in self._by_host.items())
        return f"Owners({hosts}, {sorted(self._only)}, all_hosts={self._others is not None})"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
