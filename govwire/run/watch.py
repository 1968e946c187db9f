"""Watching the sources: what is expected of each is learned, and who does not keep it gets an operator's notice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from govwire.core.contract import WEEK, Finding, Trouble, expected, judge, learn, unreachable, week_shares
from govwire.core.metrics import NOTICES
from govwire.core.source import Contract, Source
from govwire.core.state import State, Transaction, contracts, notices, sources
from govwire.core.state.contracts import Learned
from govwire.core.state.notices import ALL, Settled
from govwire.core.state.sources import FeedRow

log = structlog.get_logger(__name__)

# What is usual changes over weeks.
LEARNED_FOR = timedelta(days=1)
# Of a thousand sources, all are learned within an hour and a half; each takes some milliseconds.
AT_ONCE = 60


def look_after(state: State, watched: Mapping[str, Source], now: datetime) -> Settled:
    """Learn what is due to be learned, then open and close notices; what changed is logged."""
    with state.begin() as transaction:
        feeds = _feeds(transaction, watched)
        in_trouble = {notice.source_id for notice in notices.unclosed(transaction)}
        # What is usual is not learned from trouble: a source that died would soon be expected to be dead.
        learned = _learn(transaction, {key: feeds[key] for key in feeds.keys() - in_trouble}, now)
        findings = _findings(transaction, watched, feeds, learned)
        settled = notices.settle(transaction, findings, now)
        kinds = Counter(notice.kind for notice in notices.unclosed(transaction))
    for kind in Trouble:
        NOTICES.labels(kind).set(kinds[kind])
    for notice in settled.opened:
        log.warning("source_in_trouble", source_id=notice.source_id, kind=notice.kind, detail=notice.detail)
    for notice in settled.closed:
        log.info("source_recovered", source_id=notice.source_id, kind=notice.kind)
    return settled


def _feeds(transaction: Transaction, watched: Mapping[str, Source]) -> dict[str, list[FeedRow]]:
    """The ways in of the sources that are watched, as far as they were read."""
    rows = [row for row in sources.feed_rows(transaction) if _is_watched(watched.get(row.source_id), row)]
    return {source_id: list(own) for source_id, own in groupby(rows, key=lambda row: row.source_id)}


def _is_watched(source: Source | None, feed: FeedRow) -> bool:
    if source is None or not source.enabled:
        return False
    return {feed.url, feed.index_url} & {way.url for way in source.ways} != set()


def _learn(transaction: Transaction, feeds: Mapping[str, Sequence[FeedRow]], now: datetime) -> dict[str, Learned]:
    known = contracts.learned(transaction)
    due = [key for key in sorted(feeds) if key not in known or now - known[key].learned_at >= LEARNED_FOR]
    new = {}
    for source_id in due[:AT_ONCE]:
        read_at = max((feed.succeeded_at for feed in feeds[source_id] if feed.succeeded_at), default=None)
        if read_at is not None:
            arrivals = contracts.arrivals(transaction, source_id, now)
            since = arrivals[0].at if arrivals else None
            new[source_id] = Learned(learn(arrivals, read_at), since, len(arrivals), now)
    contracts.keep(transaction, new)
    return known | new


def _findings(
    transaction: Transaction,
    watched: Mapping[str, Source],
    feeds: Mapping[str, Sequence[FeedRow]],
    learned: Mapping[str, Learned],
) -> dict[str, Finding]:
    every = [feed for own in feeds.values() for feed in own]
    nothing = unreachable(every)
    if nothing is not None:
        return {ALL: nothing}
    newest = max((feed.succeeded_at for feed in every if feed.succeeded_at), default=None)
    if newest is None:
        return {}
    in_force = {key: contract_of(watched[key], learned.get(key)) for key in feeds}
    # One that is new has no week behind it.
    settled_in = {key for key, one in learned.items() if one.since and newest - one.since > 2 * WEEK}
    weeks = week_shares(
        contracts.brought(transaction, settled_in & feeds.keys(), newest - WEEK),
        {key: in_force[key] for key in settled_in & feeds.keys()},
    )
    found = {key: judge(own, in_force[key], weeks.get(key), newest) for key, own in feeds.items()}
    return {key: finding for key, finding in found.items() if finding is not None}


def contract_of(source: Source, learned: Learned | None) -> Contract:
    """The contract in force: what its file says, and what that leaves out as it was learned."""
    return expected(source.contract, learned.contract if learned else Contract())
