"""Which feeds are to be read now: the slots of sources, taken so that each fires once."""

import structlog

from crawlers.room import ASKED, FeedTask, Room, utc_now
from govwire.core.metrics import SLOTS_MISSED
from govwire.core.state import Transaction, sources

log = structlog.get_logger(__name__)


def take_due(room: Room) -> None:
    """Put the feeds of sources that are due on the room's list; the timetable's tick. None when the process ends.

    Raises:
        StateError: the database cannot be reached; the slots wait.
    """
    if room.stop.is_set():
        return
    with room.state.begin() as transaction:
        due = sources.take_due(transaction, room.every(), utc_now())
        tasks = _feeds_of(transaction, room, [slot.source_id for slot in due])
    for slot in due:
        if slot.missed:
            SLOTS_MISSED.inc(slot.missed)
            log.warning("slots_missed", source_id=slot.source_id, missed=slot.missed)
    room.due.extend(tasks)


def take_now(room: Room) -> None:
    """Put every feed of the room's sources on its list, due or not, and those that somebody asked for.

    Raises:
        StateError: the database cannot be reached.
    """
    with room.state.begin() as transaction:
        sources.take_now(transaction, room.every(), utc_now())
        tasks = _feeds_of(transaction, room, list(room.sources))
        known = {row.url: row for row in sources.feed_rows(transaction, [ASKED.id])}
    tasks += [FeedTask(url, ASKED.id, known.get(url)) for url in room.feeds]
    room.due.extend(tasks)


def give_back(room: Room) -> None:
    """Make due again what is left on the room's list at the end of a process.

    Raises:
        StateError: the database cannot be reached.
    """
    with room.state.begin() as transaction:
        for source_id in sorted({task.source_id for task in room.due}):
            sources.give_back(transaction, source_id, utc_now())


def _feeds_of(transaction: Transaction, room: Room, source_ids: list[str]) -> list[FeedTask]:
    known = {row.url: row for row in sources.feed_rows(transaction, source_ids)} if source_ids else {}
    return [
        FeedTask(url, source_id, known.get(url)) for source_id in source_ids for url in room.sources[source_id].feeds
    ]
