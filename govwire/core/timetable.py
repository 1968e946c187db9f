"""The timetable: when things are due, and one thread that looks. The only door to APScheduler.

What is due lies in the state and is taken there, each slot by one process (`govwire.core.state.sources`), so any number
of processes may keep a timetable: a slot fires once. APScheduler's own job stores cannot be shared between processes,
so none is used; its triggers compute slots, its BackgroundScheduler ticks.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger(__name__)

# An interval grows by half where a reading finds nothing new.
GROWTH = 1.5
# So many doublings of any interval are beyond every longest one, and of no float.
_MOST_DOUBLINGS = 32
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Every:
    """Slots that lie one interval apart, one of them at `anchor`."""

    anchor: datetime
    interval: timedelta

    def after(self, moment: datetime) -> datetime:
        """The first slot after a moment; the anchor, where that is still to come."""
        trigger = IntervalTrigger(seconds=self.interval.total_seconds(), start_date=self.anchor, timezone=UTC)
        following: datetime = trigger.get_next_fire_time(None, moment)
        # APScheduler counts in floating seconds and takes a slot that is exactly now as still to come.
        return following if following > moment else trigger.get_next_fire_time(following, moment)

    def between(self, slot_at: datetime, following: datetime) -> int:
        """How many slots lie between two of them."""
        return max(0, round((following - slot_at) / self.interval) - 1)


@dataclass(frozen=True)
class Cron:
    """Slots by the five fields of a crontab line, in UTC, where nobody puts the clock back.

    Raises:
        ValueError: the expression cannot be understood, leaves open what it means, or never comes true.
    """

    expression: str

    def __post_init__(self) -> None:
        trigger = _cron_trigger(self.expression)
        _, _, day, _, weekday = self.expression.split()
        if re.search(r"(?<!/)\d", weekday):
            # APScheduler's week begins with Monday as 0, a crontab's with Sunday.
            raise ValueError(
                f"{weekday!r}: name the days of the week, as mon-fri or sat,sun; crons number them differently"
            )
        if day != "*" and weekday != "*":
            # A crontab fires where either is true, APScheduler where both are.
            raise ValueError("day of the month and day of the week: give one of them, '*' for the other")
        if trigger.get_next_fire_time(None, datetime(2000, 1, 1, tzinfo=UTC)) is None:
            raise ValueError("there is no such day")

    def after(self, moment: datetime) -> datetime:
        """The first slot after a moment."""
        following: datetime = _cron_trigger(self.expression).get_next_fire_time(None, moment + MOMENT)
        return following

    def between(self, slot_at: datetime, following: datetime) -> int:
        """How many slots lie between two moments."""
        count = 0
        while (slot_at := self.after(slot_at)) < following:
            count += 1
        return count


Slots = Every | Cron


@cache
def _cron_trigger(expression: str) -> CronTrigger:
    return CronTrigger.from_crontab(expression, timezone=UTC)


@dataclass(frozen=True)
class Rhythm:
    """When something is due that may be asked more often or less: by cron, or at an interval that moves."""

    shortest: timedelta
    longest: timedelta
    cron: Cron | None = None  # in place of intervals

    def interval(self, in_force: timedelta | None) -> timedelta:
        """The interval to go by where this one was in force: inside the bounds, and the shortest to begin with."""
        return self.shortest if in_force is None else min(max(in_force, self.shortest), self.longest)

    def slots(self, anchor: datetime, in_force: timedelta | None) -> Slots:
        """Its slots; with an interval, one of them lies at `anchor`."""
        return self.cron or Every(anchor, self.interval(in_force))

    def moved(self, in_force: timedelta, waited: timedelta, new_items: int) -> timedelta:
        """The interval after a reading that found `new_items`, `waited` after the reading before.

        It becomes the time in which one item came, so that the next reading finds about one; where none came, half as
        long again as was waited. So what brings an item in every shortest interval is read at the shortest, and what
        brings none for the longest ends at the longest.
        """
        wanted = waited / new_items if new_items else max(waited * GROWTH, in_force)
        return self.interval(timedelta(seconds=round(wanted.total_seconds(), 3)))

    def back_off(self, in_force: timedelta | None, failures: int) -> timedelta:
        """How long slots are passed over after so many failures in a row: 0, 1, 3, 7 … intervals, up to the longest.

        A single failure is asked again at the next slot, and nothing waits longer than the longest interval. A cron
        is asked at every slot: whoever wrote it said when.
        """
        if self.cron is not None:
            return timedelta()
        interval = self.interval(in_force).total_seconds()
        wanted = interval * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return timedelta(seconds=min(wanted, self.longest.total_seconds()) - interval)


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
