"""Where everything stands: what `govwire status` prints for the person who looks at it at 3 a.m."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from govwire.core.bus import Bus
from govwire.core.flow import FLOW
from govwire.core.state import State, notices, samples, schedule, sources
from govwire.core.state.notices import Notice
from govwire.core.state.schedule import Standing
from govwire.core.state.sources import FeedRow
from govwire.run.summary import Summary, summarise
from processors import deadletters, sampling
from processors.sampling import Rate


@dataclass(frozen=True)
class Status:
    """The summary, lags, the schedule, each feed's health, what is open for people, and how often drops were wrong."""

    summary: Summary
    lags: dict[str, int]
    schedule: list[Standing]
    feeds: list[FeedRow]
    notices: list[Notice]
    open_letters: int
    open_samples: int
    rates: list[Rate]

    def as_dict(self) -> dict[str, Any]:
        """The status as plain data."""
        return {
            "summary": self.summary.as_dict(),
            "lags": self.lags,
            "schedule": [asdict(place) for place in self.schedule],
            "feeds": [asdict(feed) for feed in self.feeds],
            "notices": [asdict(notice) for notice in self.notices],
            "open_dead_letters": self.open_letters,
            "open_samples": self.open_samples,
            "miss_rates": [rate.as_dict() for rate in self.rates],
        }

    def __str__(self) -> str:
        failing = [feed for feed in self.feeds if feed.failures]
        lines = [
            str(self.summary),
            "lag        " + ", ".join(f"{group} {lag}" for group, lag in self.lags.items()),
            f"letters    {self.open_letters} open (govwire deadletters list)",
            f"samples    {self.open_samples} to be checked (govwire samples answer)",
            *(f"  {rate}" for rate in self.rates),
            f"notices    {len(self.notices)} open",
            *(f"  {notice}" for notice in self.notices),
            f"schedule   {self._schedule()}",
            f"feeds      {len(self.feeds)} read, {len(failing)} failing",
        ]
        lines += [f"  {feed.source_id}: {feed.url}: {feed.failures} failures: {feed.error}" for feed in failing]
        return "\n".join(lines)

    def _schedule(self) -> str:
        held = sum(place.is_held(datetime.now(UTC)) for place in self.schedule)
        fired = sum(place.slots_fired for place in self.schedule)
        missed = sum(place.slots_missed for place in self.schedule)
        return f"{len(self.schedule)} sources, {held} being read; {fired} slots fired, {missed} missed"


def inspect(prefix: str, bus: Bus, state: State) -> Status:
    """Ask bus and state.

    Raises:
        ServiceError: one of them is away.
    """
    lags = {
        step.group(prefix, lane).removeprefix(f"{prefix}."): bus.lag(
            step.group(prefix, lane), [step.reads.kafka_topic(prefix, lane)]
        )
        for step in FLOW
        if step.reads is not None
        for lane in step.lanes
    }
    with state.begin() as transaction:
        places = list(schedule.standing(transaction).values())
        feeds = sources.feed_rows(transaction)
        unclosed = notices.unclosed(transaction)
        unchecked = samples.listed(transaction, is_open=True)
        rates = sampling.rates(transaction, datetime.now(UTC))
    return Status(
        summary=summarise(state),
        lags=lags,
        schedule=places,
        feeds=feeds,
        notices=unclosed,
        open_letters=sum(1 for _ in deadletters.open_letters(bus, state, prefix)),
        open_samples=len(unchecked),
        rates=rates,
    )
