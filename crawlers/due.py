"""Which feeds are to be read now: the slots of sources, taken so that each fires once."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import structlog

from crawlers.room import ASKED, FeedTask, Room, utc_now
from govwire.core.metrics import SLOT_LATE_SECONDS, SLOTS_FIRED, SLOTS_MISSED
from govwire.core.source import Way
from govwire.core.state import Transaction, schedule, sources
from govwire.core.state.schedule import Due
from govwire.core.state.sources import FeedRow

log = structlog.get_logger(__name__)

# So many feeds are taken for each request that a process makes at once: where many lie on one host and wait for its
# pace, there are others. What is beyond waits in the state, where another process may take it.
FEEDS_FOR_EACH_REQUEST = 16


def enrol(room: Room) -> None:
    """Give the room's sources their place in the schedule.

    Raises:
        StateError: the database cannot be reached.
    """
    with room.state.begin() as transaction:
        schedule.enrol(transaction, room.rhythms, utc_now())


def take_due(room: Room) -> None:
    """Put the feeds of sources that are due on the room's list; the timetable's tick. None when the process ends.

    Raises:
        StateError: the database cannot be reached; the slots wait.
    """
    out = room.feeds_out()
    space = FEEDS_FOR_EACH_REQUEST * room.settings.crawl.concurrency - len(out)
    if room.stop.is_set():
        return
    now, lease_seconds = utc_now(), room.settings.crawl.lease_seconds
    with room.state.begin() as transaction:
        schedule.keep(transaction, {task.source_id for task in out}, now, lease_seconds=lease_seconds)
        if space <= 0:
            return
        due = schedule.take_due(transaction, room.rhythms, now, limit=space, lease_seconds=lease_seconds)
        tasks = _tasks(transaction, room, due, now)
    _count(due, now)
    room.due.extend(tasks)


def take_now(room: Room) -> None:
    """Put every feed of the room's sources on its list, due or not, and those that somebody asked for.

    Raises:
        StateError: the database cannot be reached.
    """
    now, lease_seconds = utc_now(), room.settings.crawl.lease_seconds
    with room.state.begin() as transaction:
        due = schedule.take_now(transaction, room.rhythms, now, lease_seconds=lease_seconds)
        tasks = _tasks(transaction, room, [Due(each.source_id, None) for each in due], now)
        asked = _asked_for(transaction, room)
    _count(due, now)
    taken = {task.url for task in tasks}
    room.due.extend([*tasks, *(task for task in asked if task.url not in taken)])


def give_back(room: Room) -> None:
    """Let what this process took and did not read be read by another, or by the next.

    Raises:
        StateError: the database cannot be reached.
    """
    with room.state.begin() as transaction:
        schedule.give_back(transaction, {task.source_id for task in room.feeds_out()}, utc_now())


def _tasks(transaction: Transaction, room: Room, due: Collection[Due], now: datetime) -> list[FeedTask]:
    """The feeds of sources that were taken; at its slots a feed that failed is passed over for a while."""
    ids = [each.source_id for each in due]
    known = {row.url: row for row in sources.feed_rows(transaction, ids)} if ids else {}
    tasks = [
        FeedTask(way.url, each.source_id, known.get(way.url), way.kind, way.links)
        for each in due
        for way in room.sources[each.source_id].ways
        if each.slot_at is None or not _is_passed_over(known.get(way.url), now)
    ]
    schedule.turn_over(transaction, room.rhythms, set(ids) - {task.source_id for task in tasks}, now)
    return tasks


def _asked_for(transaction: Transaction, room: Room) -> list[FeedTask]:
    """The feeds that somebody asked for. One that a source watches stays that source's, and is read changed or not."""
    watched = {way.url: (source.id, way) for source in room.known.values() for way in source.ways}
    asked = [watched.get(url, (ASKED.id, Way("feed", url))) for url in room.feeds]
    known = {row.url: row for row in sources.feed_rows(transaction, {source_id for source_id, _ in asked})}
    for url in known.keys() & watched.keys():
        known[url] = replace(known[url], etag=None, last_modified=None, body_hash=None)
    return [FeedTask(way.url, source_id, known.get(way.url), way.kind, way.links) for source_id, way in asked]


def _is_passed_over(known: FeedRow | None, now: datetime) -> bool:
    return known is not None and known.not_before is not None and known.not_before > now


def _count(due: Collection[Due], now: datetime) -> None:
    fired = [each for each in due if each.slot_at is not None]
    SLOTS_FIRED.inc(len(fired))
    SLOT_LATE_SECONDS.set(max(((now - each.slot_at).total_seconds() for each in fired if each.slot_at), default=0))
    for each in fired:
        if each.missed:
            SLOTS_MISSED.inc(each.missed)
            log.warning("slots_missed", source_id=each.source_id, missed=each.missed)
