"""Bringing archives in: their pages go onto the bus in the backfill lane, and into the books, as if fetched by us then.

A page's fetch is the archive's, so it has the same fetch_id whenever it is brought. A batch is published, then recorded
together with how far the archive came: a kill in between publishes the batch once more, which everything behind knows
for the same, and loses none. What waits in the lane is never more than `crawl.max_lag` and a batch.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, TypeVar

import structlog

from crawlers import pressure
from crawlers.archives import Archive, Item, Kept, PassedOver, Reason
from crawlers.archives.prefilter import Prefilter
from crawlers.owners import Owners
from govwire.core import faults
from govwire.core.bus import Bus, Message, size_of
from govwire.core.envelope import wrap
from govwire.core.errors import ServiceError, UrlError
from govwire.core.flow import CRAWL, PAGES
from govwire.core.patience import patiently
from govwire.core.records import Lane, Page, SourceFacts
from govwire.core.settings import Settings
from govwire.core.state import State, archives, ledger
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.urls import clean, fetch_id, url_id

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A batch is what extract takes at once; what is read of an archive without a page in it is a batch too, so
# that a long way through other people's pages is not gone twice.
MAX_PAGES, MAX_BYTES, MAX_ITEMS = 32, 16 * 1024 * 1024, 5000
# How long a service that is away is waited for, and how often is looked whether there is room again.
GIVE_UP_SECONDS, LOOK_SECONDS = 60.0, 1.0
# Before the first web page nothing was fetched; dates of archives are not always what they should be.
FIRST_PAGE_AT = datetime(1991, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wish:
    """Which pages of the archives are wanted: whose, of what, and fetched when (`until` exclusive)."""

    owners: Owners
    prefilter: Prefilter
    since: datetime | None = None
    until: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether a page fetched then is wanted."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Counts:
    """What became of the items of archives; read = sent + known + passed over."""

    read: int = 0
    sent: int = 0
    known: int = 0  # pages that were brought before, or of which a later fetch has an article
    passed_over: Mapping[str, int] = field(default_factory=dict)  # by Reason

    @classmethod
    def of(cls, flat: Mapping[str, int]) -> Self:
        """Counts as `flat` gave them."""
        own = {"read", "sent", "known"}
        passed_over = {name: count for name, count in flat.items() if name not in own}
        return cls(**{name: flat.get(name, 0) for name in own}, passed_over=passed_over)

    def flat(self) -> dict[str, int]:
        """All of them under their names."""
        return {"read": self.read, "sent": self.sent, "known": self.known, **self.passed_over}

    def __add__(self, other: "Counts") -> "Counts":
        return Counts.of(Counter(self.flat()) + Counter(other.flat()))


@dataclass(frozen=True)
class Brought:
    """What came of one archive: its counts, those of earlier runs among them, which had settled `before` items."""

    counts: Counts
    before: int
    ended_before: bool  # nothing was left to do


@dataclass
class Report:
    """What came of all archives."""

    counts: Counts = field(default_factory=Counts)
    archives: int = 0
    ended_before: int = 0  # archives with which earlier runs were through
    resumed_behind: int = 0  # items that earlier runs had settled of those that they were not through with
    failed: dict[str, str] = field(default_factory=dict)  # archives that could not be read, and why

    def add(self, brought: Brought) -> None:
        """One archive more."""
        self.archives += 1
        self.counts += brought.counts
        self.ended_before += brought.ended_before
        self.resumed_behind += 0 if brought.ended_before else brought.before

    def as_dict(self) -> dict[str, object]:
        """The report as plain data."""
        return {**vars(self), "counts": self.counts.flat()}

    def __str__(self) -> str:
        counts = self.counts
        over = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.passed_over.items()))
        lines = [
            f"archives     {self.archives}" + (f", {self.ended_before} read before" if self.ended_before else ""),
            f"read         {counts.read}" + (f", {self.resumed_behind} of them before" if self.resumed_behind else ""),
            f"sent         {counts.sent}",
            f"known        {counts.known}",
            f"passed over  {sum(counts.passed_over.values())}" + (f" ({over})" if over else ""),
        ]
        return "\n".join(lines)


# Hears how many bytes of the archive were read, what came of it so far, and what is waited for (None: nothing).
Tell = Callable[[int, Counts, str | None], None]


@dataclass(frozen=True)
class _Wanted:
    """A page that is wanted, and whose it is."""

    kept: Kept
    source: SourceFacts
    url_id: str
    fetch_id: str


@dataclass
class _Batch:
    """Items that are settled together."""

    wanted: dict[str, _Wanted] = field(default_factory=dict)  # by fetch_id
    passed_over: Counter[str] = field(default_factory=Counter)
    items: int = 0
    size_bytes: int = 0
    at_byte: int = 0

    def is_full(self) -> bool:
        """Whether it is to be settled now."""
        return len(self.wanted) >= MAX_PAGES or self.size_bytes >= MAX_BYTES or self.items >= MAX_ITEMS


class Bringer:
    """Brings archives in, one after the other."""

    def __init__(self, bus: Bus, state: State, settings: Settings, wish: Wish, *, asked: str, tell: Tell) -> None:
        """`asked`, with the wish's owners, is by what the same wish is known when it comes again."""
        self._bus, self._state, self._settings, self._wish, self._tell = bus, state, settings, wish, tell
        self._asked = f"{asked}\n{wish.owners!r}"
        self._kafka_topic = PAGES.kafka_topic(settings.bus.prefix, Lane.BACKFILL)
        self._limit_bytes = bus.wire_limit(self._kafka_topic)
        self._never = threading.Event()

    def bring(self, archive: Archive, *, again: bool = False) -> Brought:
        """Bring one archive to its end: what earlier runs left of it, or with `again` all of it.

        Raises:
            ArchiveError: it cannot be read as what it was said to be.
            ServiceError: bus or state is away, or the disk is full; asked for again, it goes on.
            OSError: the archive's file.
        """
        told = f"{archive.path.resolve()}\n{archive.version()}\n{self._asked}"
        archive_id = hashlib.sha256(told.encode()).hexdigest()
        with self._state.begin() as transaction:
            if again:
                archives.forget(transaction, archive_id)
            progress = archives.begin(transaction, archive_id, str(archive.path), datetime.now(UTC))
        counts = Counts.of(progress.counts)
        if progress.ended:
            return Brought(counts, progress.passed, ended_before=True)
        for batch in self._batches(archive, progress.passed):
            counts = self._settle(batch, archive, archive_id, counts)
            self._tell(batch.at_byte, counts, None)
        with self._state.begin() as transaction:
            archives.end(transaction, archive_id, datetime.now(UTC))
        return Brought(counts, progress.passed, ended_before=False)

    def _batches(self, archive: Archive, behind: int) -> Iterator[_Batch]:
        batch = _Batch()
        for item in archive.read(behind):
            self._take(item, batch, archive)
            if batch.is_full():
                yield batch
                batch = _Batch()
        if batch.items:
            yield batch

    def _take(self, item: Item, batch: _Batch, archive: Archive) -> None:
        batch.items += 1
        batch.at_byte = item.at_byte
        judged = item.found if isinstance(item.found, PassedOver) else self._judged(item.found)
        if isinstance(judged, _Wanted):
            batch.size_bytes += len(judged.kept.body)
            batch.wanted.setdefault(judged.fetch_id, judged)
            return
        batch.passed_over[judged.reason] += 1
        if judged.reason is Reason.DAMAGED:
            log.warning("archive_damaged", path=str(archive.path), detail=judged.detail)

    def _judged(self, kept: Kept) -> _Wanted | PassedOver:
        try:
            url = clean(kept.url)
            key = url_id(url)
        except UrlError as error:
            return PassedOver(Reason.NO_ADDRESS, str(error))
        if not FIRST_PAGE_AT <= kept.fetched_at <= datetime.now(UTC):
            # Later fetches would count as overtaken by it.
            return PassedOver(Reason.DAMAGED, f"{url[:200]}: fetched at {kept.fetched_at.isoformat()}?")
        if not self._wish.covers(kept.fetched_at):
            return PassedOver(Reason.OUTSIDE, url)
        source = self._wish.owners.of(url)
        if source is None:
            return PassedOver(Reason.NO_SOURCE, url)
        if not self._wish.prefilter.passes(kept, source):
            return PassedOver(Reason.PREFILTERED, url)
        return _Wanted(kept, source, key, fetch_id(key, kept.fetched_at))

    def _settle(self, batch: _Batch, archive: Archive, archive_id: str, before: Counts) -> Counts:
        """Publish, then record: counts with those of the batch."""
        pages = self._wait_for(lambda: self._new(batch), batch, before)
        messages = {page.fetch_id: _message(page) for page in pages}
        fitting = [page for page in pages if size_of(messages[page.fetch_id]) <= self._limit_bytes]
        if fitting:
            self._wait_for_room(batch, before)
            self._wait_for(
                lambda: self._bus.publish(self._kafka_topic, [messages[page.fetch_id] for page in fitting]),
                batch,
                before,
            )
        faults.passing("backfill.published")
        passed_over = batch.passed_over + Counter({str(Reason.TOO_LARGE): len(pages) - len(fitting)})
        known = batch.items - batch.passed_over.total() - len(pages)
        counts = before + Counts(batch.items, len(fitting), known, passed_over)
        sent = {page.fetch_id for page in fitting}

        def record() -> None:
            now = datetime.now(UTC)
            outcomes = [_outcome(page, archive, sent=page.fetch_id in sent) for page in pages]
            with self._state.begin() as transaction:
                archives.know(transaction, pages)
                ledger.record(transaction, outcomes, now)
                archives.advance(transaction, archive_id, counts.read, counts.flat())

        self._wait_for(record, batch, before)
        faults.passing("backfill.recorded")
        return counts

    def _new(self, batch: _Batch) -> list[Page]:
        """The pages of which nothing newer is known."""
        url_ids = {wanted.url_id for wanted in batch.wanted.values()}
        with self._state.begin() as transaction:
            standing = ledger.standing_of(transaction, url_ids)
            seen = archives.first_seen(transaction, url_ids)
        pages = []
        for wanted in batch.wanted.values():
            row = standing.get(wanted.url_id)
            if row and row["article_id"] and row["fetch_id"] >= wanted.fetch_id:
                continue
            pages.append(page_of(wanted.kept, wanted.source, seen.get(wanted.url_id)))
        return pages

    def _wait_for_room(self, batch: _Batch, counts: Counts) -> None:
        settings = self._settings
        while True:
            if full := pressure.full_disk(settings):
                raise ServiceError(full)
            if not self._wait_for(lambda: pressure.crowded(self._bus, settings, Lane.BACKFILL), batch, counts):
                return
            why = f"more than {settings.crawl.max_lag} pages wait to be extracted; 'govwire run' goes on with them"
            self._tell(batch.at_byte, counts, why)
            time.sleep(LOOK_SECONDS)

    def _wait_for(self, action: Callable[[], T], batch: _Batch, counts: Counts) -> T:
        def away(error: ServiceError, _seconds: float) -> None:
            self._tell(batch.at_byte, counts, str(error))

        return patiently(action, self._never, away, GIVE_UP_SECONDS)


def page_of(kept: Kept, source: SourceFacts, seen_at: datetime | None = None) -> Page:
    """A page out of an archive as it goes on the bus; `seen_at` is when its URL was first known otherwise.

    Raises:
        UrlError: its address is no web address.
    """
    url = clean(kept.url)
    key = url_id(url)
    return Page(
        url_id=key,
        fetch_id=fetch_id(key, kept.fetched_at),
        lane=Lane.BACKFILL,
        source=source,
        url=url,
        final_url=url,
        status=kept.status,
        headers=kept.headers,
        fetched_at=kept.fetched_at,
        first_seen_at=min(kept.fetched_at, seen_at or kept.fetched_at),
        body_zstd=Page.pack(kept.body),
        body_bytes=len(kept.body),
    )


def _message(page: Page) -> Message:
    return wrap(CRAWL.name, page.url_id, page, lane=page.lane, url_id=page.url_id, fetch_id=page.fetch_id)


def _outcome(page: Page, archive: Archive, *, sent: bool) -> Outcomes:
    outcome, reason = (Outcome.FETCHED, None) if sent else (Outcome.DROPPED, Reason.TOO_LARGE)
    return Outcomes.of_page(page, CRAWL.name, outcome, reason=reason, detail=f"out of {archive.path.name}")
