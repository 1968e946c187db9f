"""New labels for old articles: what the index holds under an older epoch is sent through classify again.

Articles are read from the index page by page and published on the backfill lane, which fires no alert. A page is
counted as sent when the bus has acknowledged it; the same relabelling, cut short and asked for again, goes on there.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from govwire.core.bus import Bus, Message, size_of
from govwire.core.envelope import wrap
from govwire.core.flow import ARTICLES
from govwire.core.index import Hit, Index
from govwire.core.query import Query
from govwire.core.records import Lane, Tagged
from govwire.core.state import State, epochs, relabellings
from processors.readback import read_back

# A few megabytes of text at most times.
PAGE_ARTICLES = 200


@dataclass(frozen=True)
class Counts:
    """What became of the articles that were read; read = sent + skipped + too_large."""

    read: int = 0
    sent: int = 0
    skipped: int = 0  # labelled under the newest epoch already
    too_large: int = 0  # over the bus's wire limit: they keep the labels they have


@dataclass(frozen=True)
class Report:
    """What a relabelling did; `counts` include those of the runs that it went on from."""

    epoch: int
    model: str
    resumed_behind: int  # articles read by earlier runs
    counts: Counts

    def as_dict(self) -> dict[str, object]:
        """The report as plain data."""
        return {"epoch": self.epoch, "model": self.model, "resumed_behind": self.resumed_behind, **asdict(self.counts)}

    def __str__(self) -> str:
        counts = self.counts
        lines = [
            f"epoch      {self.epoch} ({self.model})",
            f"read       {counts.read}" + (f", {self.resumed_behind} of them before" if self.resumed_behind else ""),
            f"sent       {counts.sent}",
            f"skipped    {counts.skipped} (labelled under this epoch already)",
        ]
        if counts.too_large:
            lines.append(f"too large  {counts.too_large} (over the wire limit; their labels stay)")
        return "\n".join(lines)


def relabel(
    index: Index,
    bus: Bus,
    state: State,
    prefix: str,
    query: Query,
    *,
    asked: str,
    tell: Callable[[int, int], None] = lambda _read, _total: None,
) -> Report | None:
    """Send the articles that match; None where nothing has been labelled yet.

    `asked` names the relabelling when it is asked for again; `tell` hears of each page how many were read, and of how
    many.

    Raises:
        ServiceError: index, bus or state is away; asked for again, it goes on behind the last page that was sent.
    """
    now = datetime.now(UTC)
    with state.begin() as transaction:
        newest = epochs.newest(transaction)
        if newest is None:
            return None
        relabelling_id, after, counted = relabellings.begin(transaction, asked, newest["epoch"], now)
    sender = _Sender(bus, state, ARTICLES.kafka_topic(prefix, Lane.BACKFILL), newest["epoch"])
    counts = Counts(**counted)
    before = counts.read
    while True:
        page = index.search(query, limit=PAGE_ARTICLES, after=after)
        counts = sender.send(page.hits, counts)
        tell(counts.read, page.total)
        after = page.next_after
        with state.begin() as transaction:
            if after is None:
                relabellings.end(transaction, relabelling_id)
                return Report(newest["epoch"], newest["model"], before, counts)
            relabellings.advance(transaction, relabelling_id, after, asdict(counts))


class _Sender:
    """Publishes articles to classify, as far as an older epoch labelled them and the bus takes them."""

    def __init__(self, bus: Bus, state: State, kafka_topic: str, epoch: int) -> None:
        self._bus, self._state, self._kafka_topic, self._epoch = bus, state, kafka_topic, epoch
        self._limit_bytes = bus.wire_limit(kafka_topic)

    def send(self, hits: Sequence[Hit], counts: Counts) -> Counts:
        older = [hit for hit in hits if hit.body["epoch"] < self._epoch]
        with self._state.begin() as transaction:
            labelled = read_back(transaction, older)
        messages = [self._message(tagged) for tagged in labelled]
        fitting = [message for message in messages if size_of(message) <= self._limit_bytes]
        if fitting:
            self._bus.publish(self._kafka_topic, fitting)
        return replace(
            counts,
            read=counts.read + len(hits),
            sent=counts.sent + len(fitting),
            skipped=counts.skipped + len(hits) - len(older),
            too_large=counts.too_large + len(messages) - len(fitting),
        )

    def _message(self, tagged: Tagged) -> Message:
        old = tagged.article
        article = old.model_copy(update={"lane": Lane.BACKFILL, "came_by": old.came_by or old.lane})
        # The epoch makes one relabelling's ids different from another's.
        return wrap(
            f"relabel-{self._epoch}",
            article.article_id,
            article,
            lane=Lane.BACKFILL,
            url_id=article.url_id,
            fetch_id=article.fetch_id,
        )
