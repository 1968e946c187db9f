"""Retention: what is deleted by age, and nothing before every reader has passed it."""

from datetime import UTC, datetime, timedelta

import structlog

from govwire.core.bus import Bus
from govwire.core.flow import CHANNELS, FLOW, PAGES
from govwire.core.records import Lane
from govwire.core.settings import Settings
from govwire.core.state import State, housekeeping, samples

log = structlog.get_logger(__name__)


def sweep(settings: Settings, bus: Bus, state: State, now: datetime | None = None) -> dict[str, int]:
    """Delete what is older than the retention settings say; returns how many of each kind went.

    On Kafka the records' age is the broker's business (`setup` gives the Kafka topics their retention).
    """
    now = now or datetime.now(UTC)
    keep = settings.retention
    gone = {}
    for channel in CHANNELS:
        days = keep.pages_days if channel is PAGES else keep.records_days
        for lane in Lane if channel.laned else (Lane.LIVE,):
            readers = [
                step.group(settings.bus.prefix, lane) for step in FLOW if step.reads is channel and lane in step.lanes
            ]
            kafka_topic = channel.kafka_topic(settings.bus.prefix, lane)
            gone[kafka_topic] = bus.trim(kafka_topic, now - timedelta(days=days), readers)
    with state.begin() as transaction:
        gone["irrelevant"] = housekeeping.delete_irrelevant(transaction, now - timedelta(days=keep.irrelevant_days))
        gone["bands"] = housekeeping.delete_bands(transaction, now - timedelta(days=keep.bands_days))
        gone["samples"] = samples.forget(transaction, now - timedelta(days=keep.samples_days))
        gone["exchanges"] = housekeeping.delete_exchanges(transaction, now - timedelta(days=keep.exchanges_days))
    if any(gone.values()):
        log.info("swept", **{name.replace(".", "_"): count for name, count in gone.items() if count})
    return gone
