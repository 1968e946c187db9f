"""What became of everything: the summary that `run` prints at each drain, and the test whether all is drained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from govwire.core.bus import Bus
from govwire.core.flow import FLOW
from govwire.core.state import State, frontier, ledger, outbox, revisits
from govwire.core.state.ledger import IN_FLIGHT, Outcome


@dataclass(frozen=True)
class Summary:
    """Known URLs by where they stand, and the messages owed; `known` = in flight + waiting + ended."""

    known: int
    crawled: int
    extracted: int
    relevant: int
    indexed: int
    dropped: Mapping[str, int]
    waiting: Mapping[str, int]
    dead: Mapping[str, int]
    in_flight: int
    revisits: int  # pages, counted above as indexed, that are to be looked at again
    alerts: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}

    def __str__(self) -> str:
        lines = [
            f"known      {self.known}",
            f"crawled    {self.crawled}",
            f"extracted  {self.extracted}",
            f"relevant   {self.relevant}",
            f"indexed    {self.indexed}",
            f"dropped    {_told(self.dropped)}",
            f"waiting    {_told(self.waiting)}",
            f"dead       {_told(self.dead)}",
            f"in flight  {self.in_flight}",
            f"revisits   {self.revisits}",
            f"alerts     {_told(self.alerts)}",
        ]
        return "\n".join(lines)


def summarise(state: State) -> Summary:
    """Add up the ledger."""
    with state.begin() as transaction:
        counts = ledger.counts(transaction)
        stages = {(stage, outcome): urls for stage, outcome, urls in ledger.stage_counts(transaction)}
        alerts, looks = outbox.pending(transaction), revisits.count(transaction)

    def by_reason(outcome: Outcome) -> dict[str, int]:
        return {count.reason or "": count.urls for count in counts if count.outcome == outcome}

    return Summary(
        known=sum(count.urls for count in counts),
        crawled=stages.get(("crawl", Outcome.FETCHED), 0),
        extracted=stages.get(("extract", Outcome.EXTRACTED), 0),
        relevant=stages.get(("classify", Outcome.CLASSIFIED), 0),
        indexed=sum(count.urls for count in counts if count.outcome == Outcome.INDEXED),
        dropped=by_reason(Outcome.DROPPED),
        waiting=by_reason(Outcome.WAITING),
        dead=by_reason(Outcome.DEAD),
        in_flight=sum(count.urls for count in counts if count.outcome in IN_FLIGHT),
        revisits=looks,
        alerts=alerts,
    )


def is_drained(bus: Bus, state: State, prefix: str) -> bool:
    """Whether nothing that was crawled is still on its way, and no message could be sent now.

    Asked stage by stage in the order of the flow: a stage commits after it has published, so that once it has no lag
    all it made lies before the next stage.
    """
    for step in FLOW:
        if step.reads is None:
            continue
        for lane in step.lanes:
            if bus.lag(step.group(prefix, lane), [step.reads.kafka_topic(prefix, lane)]):
                return False
    with state.begin() as transaction:
        return outbox.due(transaction, datetime.now(UTC)) == 0


def is_idle(state: State) -> bool:
    """Whether no URL can be fetched now."""
    with state.begin() as transaction:
        return frontier.pending(transaction, datetime.now(UTC)) == 0


def _told(counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{reason} {urls}" for reason, urls in sorted(counts.items()))
    return f"{sum(counts.values())}" + (f" ({told})" if told else "")
