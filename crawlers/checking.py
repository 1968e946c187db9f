"""Whether a source's ways in answer, and with what: each is asked now and read as the crawl reads it."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from crawlers.answers import Answer, Question, problem_of
from crawlers.challenges import why_unread
from crawlers.readers import Entries, Listed
from crawlers.readings import entries_in
from govwire.core.errors import FeedError
from govwire.core.source import Contract, Source, Way

# A way that brought nothing for so long is called quiet, where nothing else is known of its source.
QUIET = timedelta(days=30)
# From when on a sitemap's pages count here: all that have a date.
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Checked:
    """How a way in did."""

    source: Source
    way: Way
    at: datetime
    listed: tuple[Listed, ...] = ()
    error: str | None = None  # why it cannot be used
    moved_to: str | None = None  # where the site says that it has moved for ever

    @property
    def newest_at(self) -> datetime | None:
        """The newest date of its entries that is not to come."""
        dates = (listed.entry.published_at or listed.entry.updated_at for listed in self.listed)
        return max((at for at in dates if at and at <= self.at), default=None)

    def quiet_since(self, contract: Contract) -> datetime | None:
        """Since when nothing came; None where that is not longer than expected, or there are no dates."""
        longest = timedelta(hours=contract.silence_hours) if contract.silence_hours else QUIET
        newest = self.newest_at
        return newest if newest and self.at - newest > longest else None


class Check:
    """The check of some sources; `follow` is told each answer, and says what else is to be asked."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._ways = [(source, way) for source in sources for way in source.ways]
        self._done: dict[str, Checked] = {}
        self._indexes: dict[str, str] = {}  # the address of an index, by that of its sitemap that is asked for it
        self._lock = threading.Lock()

    @property
    def results(self) -> list[Checked]:
        """The ways that were checked so far, in the order in which they were given."""
        return [
            replace(self._done[way.url], source=source, way=way) for source, way in self._ways if way.url in self._done
        ]

    def questions(self) -> list[Question]:
        """What to ask first."""
        return [Question(way.url, source.id) for source, way in self._ways]

    def follow(self, answer: Answer) -> list[Question]:
        """Take an answer; an index leads to the newest of its sitemaps."""
        with self._lock:
            asked = answer.question.url
            url = self._indexes.get(asked, asked)
            source, way = next((source, way) for source, way in self._ways if way.url == url)
            entries, problem = _read(way, answer)
            if entries.sitemaps and url == asked:
                newest = max(entries.sitemaps, key=lambda each: each.changed_at or EVER)
                self._indexes[newest.url] = url
                return [Question(newest.url, source.id)]
            self._done[url] = Checked(source, way, answer.at, entries.listed, problem, answer.moved_to)
            return []


def _read(way: Way, answer: Answer) -> tuple[Entries, str | None]:
    """What a way lists, or why it cannot be used."""
    response, problem = answer.response, problem_of(answer)
    if response is None or problem is not None:
        return Entries(), problem
    try:
        entries = entries_in(response, way.links, EVER)
    except FeedError as error:
        return Entries(), why_unread(response, str(error))
    return entries, None if entries.listed else "lists nothing"
