"""Back-pressure: whether more pages may come in now, from the web or out of archives."""

import shutil

from govwire.core.bus import Bus
from govwire.core.flow import EXTRACT, PAGES
from govwire.core.records import Lane
from govwire.core.settings import Settings


def crowded(bus: Bus, settings: Settings, lane: Lane) -> bool:
    """Whether so many pages of a lane wait to be extracted that no more should come.

    Raises:
        BrokerError: the bus cannot be reached.
    """
    prefix = settings.bus.prefix
    return bus.lag(EXTRACT.group(prefix, lane), [PAGES.kafka_topic(prefix, lane)]) > settings.crawl.max_lag


def full_disk(settings: Settings) -> str | None:
    """What to tell when the disk has too little room for more; None while it has."""
    free = shutil.disk_usage(settings.data_dir).free
    if free >= settings.retention.min_free_bytes:
        return None
    return f"data_dir {settings.data_dir}: {free >> 20} MiB free, below retention.min_free_bytes; make room"
