"""Whether many sources on one machine hold their intervals, and what the looking costs.

    python benchmarks/schedule.py [--sources N] [--state URL]

An hour, passed in, of sources that are read every half hour: at each tick of a crawl process what is due is taken, and
what was taken at the tick before has been read. Then ticks after a pause in which a fifth of a thousand fell due, and
ticks at which nothing is. The figures are wall time, and their share of the two seconds between ticks. Without
`--state` a new SQLite file holds the state.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import fmean, median
from time import perf_counter

from govwire.core.state import State, open_state, schedule
from govwire.core.timetable import Rhythm

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EVERY, LEASE_SECONDS = timedelta(minutes=30), 300


@dataclass
class Costs:
    """Seconds of wall time, one for each time it was done."""

    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """One more."""
        begun = perf_counter()
        yield
        self.seconds.append(perf_counter() - begun)

    def __str__(self) -> str:
        mean, middle, most = fmean(self.seconds), median(self.seconds), max(self.seconds)
        share = mean / schedule.LOOK_EVERY.total_seconds()
        return (
            f"{1000 * mean:7.1f} ms, median {1000 * middle:.1f}, most {1000 * most:.1f}; {share:.2%} of a tick's period"
        )


def an_hour(state: State, rhythms: dict[str, Rhythm]) -> None:
    """Every tick of an hour, with the readings between them."""
    take, end, taken, fired, missed, latest = Costs(), Costs(), [], 0, 0, timedelta()
    for number in range(timedelta(hours=1) // schedule.LOOK_EVERY):
        now = NOW + number * schedule.LOOK_EVERY
        if taken:
            with end.timed(), state.begin() as transaction:
                for source_id in taken:
                    schedule.found(transaction, source_id, 1)
                schedule.turn_over(transaction, rhythms, taken, now)
        with take.timed(), state.begin() as transaction:
            due = schedule.take_due(transaction, rhythms, now, limit=len(rhythms), lease_seconds=LEASE_SECONDS)
        taken = [each.source_id for each in due]
        latest = max([latest, *(now - each.slot_at for each in due if each.slot_at)])
        fired, missed = fired + len(due), missed + sum(each.missed for each in due)
    print(f"a tick, {fired / len(take.seconds):5.1f} due            {take}")
    print(f"the end of its readings      {end}")
    print(
        f"an hour: {fired} slots fired, {missed} missed, none later than {latest.total_seconds():.1f} s after its time"
    )


def after_pauses(state: State, rhythms: dict[str, Rhythm], pause: timedelta, since: datetime) -> None:
    """Five ticks, each after a pause in which nobody looked."""
    take, due = Costs(), 0
    for number in range(1, 6):
        now = since + number * pause
        with take.timed(), state.begin() as transaction:
            taken = schedule.take_due(transaction, rhythms, now, limit=len(rhythms), lease_seconds=LEASE_SECONDS)
        with state.begin() as transaction:
            schedule.turn_over(transaction, rhythms, [each.source_id for each in taken], now)
        due += len(taken)
    print(f"a tick, {due / 5:5.1f} due            {take}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--state", help="a SQLAlchemy URL")
    arguments = parser.parse_args()
    rhythms = {f"s{number:05}": Rhythm(EVERY, EVERY) for number in range(arguments.sources)}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_state(arguments.state or f"sqlite:///{folder}/state.db") as state,
    ):
        enrol = Costs()
        with enrol.timed(), state.begin() as transaction:
            schedule.enrol(transaction, rhythms, NOW)
        print(f"{arguments.sources:5} new sources, once    {enrol}")
        an_hour(state, rhythms)
        hour = NOW + timedelta(hours=1)
        after_pauses(state, rhythms, timedelta(seconds=100), hour - schedule.APART)
        after_pauses(state, rhythms, timedelta(seconds=1), hour + arguments.sources * schedule.APART)


if __name__ == "__main__":
    main()
