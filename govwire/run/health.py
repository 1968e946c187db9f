"""How sources do: their place in the schedule, their ways in, and what was asked of their hosts and honoured."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from govwire.core.source import Source
from govwire.core.state import State, exchanges, schedule, sources
from govwire.core.state.exchanges import Exchange
from govwire.core.state.schedule import Standing
from govwire.core.state.sources import FeedRow


@dataclass(frozen=True)
class SourceHealth:
    """What the state knows of a source; the newest exchanges come first."""

    source: Source
    standing: Standing | None  # None: no crawl has seen it yet
    ways: Sequence[tuple[str, FeedRow | None]]  # None: never read
    exchanges: Sequence[Exchange]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "id": self.source.id,
            "rhythm": _rhythm(self.source, self.standing),
            "schedule": asdict(self.standing) if self.standing else None,
            "ways": [{"url": url} | (asdict(row) if row else {}) for url, row in self.ways],
            "exchanges": [asdict(each) for each in self.exchanges],
        }

    def __str__(self) -> str:
        standing = self.standing
        lines = [f"{self.source.id}: {self.source.name}", f"  asked      {_rhythm(self.source, self.standing)}"]
        if standing is None:
            lines.append("  schedule   no crawl has seen it yet")
        else:
            lines += [
                f"  next due   {_when(standing.asked_at or standing.next_due_at)}",
                f"  slots      {standing.slots_fired} fired, {standing.slots_missed} missed",
                # What a slot's reading found is counted into the interval by then; this came after it.
                f"  last read  {_when(standing.read_at)}"
                + (f", {standing.new_items} new items since" if standing.new_items else ""),
            ]
        for url, row in self.ways:
            lines.append(f"\n{url}")
            lines += _of_way(row)
        lines.append("\nwhat was asked of its hosts, and what of their wishes was honoured, the newest first")
        lines += [f"  {_of_exchange(each)}" for each in self.exchanges] or ["  nothing yet"]
        return "\n".join(lines)


def examine(state: State, source: Source, *, limit: int) -> SourceHealth:
    """Ask the state; at most `limit` exchanges.

    Raises:
        StateError: the database cannot be reached.
    """
    urls = [way.url for way in source.ways]
    with state.begin() as transaction:
        rows = {row.url: row for row in sources.feed_rows(transaction, [source.id])}
        standing = schedule.standing(transaction).get(source.id)
        asked = exchanges.of_source(transaction, source.id, limit)
    return SourceHealth(source, standing, [(url, rows.get(url)) for url in dict.fromkeys([*urls, *rows])], asked)


def lines(state: State, watched: Sequence[Source]) -> list[dict[str, Any]]:
    """A line on each source: its rhythm, its slots, and how many of its ways in fail.

    Raises:
        StateError: the database cannot be reached.
    """
    with state.begin() as transaction:
        standings = schedule.standing(transaction)
        failing = Counter(row.source_id for row in sources.feed_rows(transaction) if row.failures)
    rows = []
    for source in watched:
        standing = standings.get(source.id)
        rows.append(
            {
                "id": source.id,
                "asked": _rhythm(source, standing),
                "next_due_at": _when(standing.asked_at or standing.next_due_at) if standing else None,
                "slots_fired": standing.slots_fired if standing else 0,
                "slots_missed": standing.slots_missed if standing else 0,
                "read_at": _when(standing.read_at) if standing else None,
                "failing": failing[source.id],
            }
        )
    return rows


def _rhythm(source: Source, standing: Standing | None) -> str:
    rhythm = source.rhythm
    if rhythm.cron is not None:
        return f"at {rhythm.cron.expression} UTC"
    shortest, longest, now = (
        each.total_seconds() / 60
        for each in (rhythm.shortest, rhythm.longest, rhythm.interval(standing.in_force if standing else None))
    )
    return f"every {now:g} minutes now, between {shortest:g} and {longest:g}"


def _of_way(row: FeedRow | None) -> list[str]:
    if row is None:
        return ["  never read"]
    lines = [f"  last success {_when(row.succeeded_at)}, last new item {_when(row.new_item_at)}"]
    if row.failures:
        again = f"; not before {_when(row.not_before)}" if row.not_before else ""
        lines.append(f"  {row.failures} failures in a row, the last {_when(row.checked_at)}: {row.error}{again}")
    return lines


def _of_exchange(each: Exchange) -> str:
    answer = f"HTTP {each.status}" if each.status is not None else each.error or "not sent"
    wishes = [f"waited {each.waited_seconds:.1f} s"] if each.waited_seconds >= 0.05 else []
    kept = "; ".join([*wishes, *each.honoured])
    return (
        f"{_when(each.at)}  {each.purpose:6}  {each.url}  {answer}, {each.bytes} bytes{f'  [{kept}]' if kept else ''}"
    )


def _when(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"
