"""Sources that somebody wants to be read now, by whichever process crawls."""

import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from govwire.core.source import Source
from govwire.core.state import State, schedule

# How often is looked whether they were taken up, and for how many looks of a crawl process that is waited for.
_LOOK_SECONDS, _LOOKS_OF_A_CRAWL = 0.2, 3


def read_now(state: State, watched: Iterable[Source]) -> Collection[str]:
    """Ask for sources to be read now; returns those that no crawl process took up at once, and that wait for one.

    Their next slots stay where they are. What is being read already is read once more after that.

    Raises:
        StateError: the database cannot be reached.
    """
    rhythms = {source.id: source.rhythm for source in watched}
    with state.begin() as transaction:
        schedule.enrol(transaction, rhythms, datetime.now(UTC))
        schedule.ask(transaction, rhythms, datetime.now(UTC))
    deadline = time.monotonic() + _LOOKS_OF_A_CRAWL * schedule.LOOK_EVERY.total_seconds()
    while (waiting := _waiting(state, rhythms)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return waiting


def _waiting(state: State, source_ids: Collection[str]) -> list[str]:
    now = datetime.now(UTC)
    with state.begin() as transaction:
        standing = schedule.standing(transaction)
    return [
        source_id
        for source_id in source_ids
        if standing[source_id].asked_at is not None and not standing[source_id].is_held(now)
    ]
