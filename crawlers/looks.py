"""Looking again at pages that became articles: when it is done, and what it means that one is not there any more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from crawlers.fates import Fate, Visit, fate_of_missing, is_missing
from crawlers.room import ASKED, Room, utc_now
from govwire.core.records import Lane
from govwire.core.state import ledger, revisits

log = structlog.get_logger(__name__)


def take_looks(room: Room) -> None:
    """Make the pages of the room's sources due that are to be looked at again by now. None when the process ends.

    Raises:
        StateError: the database cannot be reached; the looks wait.
    """
    if room.stop.is_set() or not room.sources:
        return
    with room.state.begin() as transaction:
        hours = room.settings.crawl.revisit_hours
        due = revisits.take(transaction, [*room.sources, ASKED.id], hours, utc_now())
    if due:
        log.info("revisits_due", pages=due)


def next_look(room: Room, visit: Visit) -> datetime | None:
    """When to look again at a page that was fetched, should it be an article; history is fetched once."""
    if visit.leased.lane is not Lane.LIVE:
        return None
    return revisits.next_look(visit.leased.first_seen_at, visit.at, room.settings.crawl.revisit_hours)


def judge_missing(room: Room, judged: Sequence[tuple[Visit, Fate]]) -> list[tuple[Visit, Fate]]:
    """Tell what is not there any more from what never was, by where its URL stood. Not on the event loop.

    Raises:
        StoppedError: the process is to end while the state is away.
    """
    missing = [visit.leased.url_id for visit, fate in judged if is_missing(fate)]
    if not missing:
        return list(judged)

    def stood() -> dict[str, Any]:
        with room.state.begin() as transaction:
            return ledger.standing_of(transaction, missing)

    standing = room.wait_for(stood)
    return [(visit, fate_of_missing(visit, fate, standing.get(visit.leased.url_id))) for visit, fate in judged]
