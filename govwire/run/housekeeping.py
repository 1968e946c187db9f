"""Housekeeping: what is done at intervals beside a crawl, in threads; any number of processes may keep house.

What finds the bus or the state away is logged, and made up for by the next round.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import structlog

from govwire.core import retention
from govwire.core.bus import open_bus
from govwire.core.settings import Settings
from govwire.core.state import open_state, samples
from govwire.core.timetable import Timetable
from govwire.core.vocabulary import Vocabulary
from govwire.run.watch import look_after

log = structlog.get_logger(__name__)

# What is kept is counted in days, and what is drawn in weeks: an hour more is nothing, and each sweep stays small.
HOURLY = timedelta(hours=1)
# Troubles of sources are hours old when they are told of.
WATCHING = timedelta(minutes=10)
# A start has other work at first.
_AFTER_START = timedelta(seconds=5)


@contextmanager
def kept(settings: Settings, vocabulary: Vocabulary) -> Iterator[None]:
    """Keep house soon, then at intervals, while the block runs."""
    begin = datetime.now(UTC) + _AFTER_START
    timetable = Timetable()
    timetable.every(HOURLY, lambda: _sweep(settings), "retention", begin)
    timetable.every(HOURLY, lambda: draw_samples(settings, datetime.now(UTC)), "samples", begin)
    timetable.every(WATCHING, lambda: _watch(settings, vocabulary), "watch", begin)
    timetable.start()
    try:
        yield
    finally:
        timetable.close()


def _sweep(settings: Settings) -> None:
    with open_state(settings.state_url) as state, closing(open_bus(settings)) as bus:
        retention.sweep(settings, bus, state)


def _watch(settings: Settings, vocabulary: Vocabulary) -> None:
    with open_state(settings.state_url) as state:
        look_after(state, vocabulary.sources, datetime.now(UTC))


def draw_samples(settings: Settings, now: datetime) -> None:
    """Draw last week's samples of what our own judgement dropped, unless that was done."""
    with open_state(settings.state_url) as state, state.begin() as transaction:
        drawn = samples.draw(transaction, settings.samples.per_week, now)
    if drawn:
        log.info("samples_drawn", samples=drawn, hint="govwire samples list")
