"""The timetable: when things are due, and one thread that looks. The only door to APScheduler.

What is due lies in the state and is taken there by compare-and-swap (`govwire.core.state.sources`), so any number of
processes may keep a timetable: a slot fires once. APScheduler's own job stores cannot be shared between processes, so
none is used; its triggers compute slots, its BackgroundScheduler ticks.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger(__name__)


def next_slot(slot_at: datetime, every: timedelta, now: datetime) -> datetime:
    """The first slot after `now` on the grid that `slot_at` and `every` span."""
    trigger = IntervalTrigger(seconds=every.total_seconds(), start_date=slot_at, timezone=UTC)
    following: datetime = trigger.get_next_fire_time(None, now)
    # APScheduler counts in floating seconds and takes a slot that is exactly now as still to come.
    return following if following > now else trigger.get_next_fire_time(following, now)


def slots_between(slot_at: datetime, following: datetime, every: timedelta) -> int:
    """How many slots lie after `slot_at` and before `following`: those that nobody fired."""
    return max(0, round((following - slot_at) / every) - 1)


class Timetable:
    """Calls functions at intervals, in one thread beside the process's own, until it is closed.

    A tick that comes late is made up for once (never several times in a row); one that is still going when the next is
    due lets that one pass. Both are counted in `missed` and logged. A function that raises is logged and called again.
    """

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._scheduler.add_listener(self._lost, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)
        self._lock = threading.Lock()
        self.missed = 0

    def every(self, interval: timedelta, tick: Callable[[], None], name: str, first_at: datetime) -> None:
        """Call `tick` at every `interval`, from `first_at` on."""
        self._scheduler.add_job(
            tick, IntervalTrigger(seconds=interval.total_seconds(), start_date=first_at, timezone=UTC), id=name
        )

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def close(self) -> None:
        """Tick no more; waits for a tick that is going."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _lost(self, event: Any) -> None:
        with self._lock:
            self.missed += 1
        log.warning("tick_missed", tick=event.job_id, missed=self.missed)

    def _failed(self, event: Any) -> None:
        log.error("tick_failed", tick=event.job_id, error=f"{type(event.exception).__name__}: {event.exception}")
