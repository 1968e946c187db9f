"""What is expected of a source, learned from what it brought, and whether it keeps it. Pure: no state, no clock.

Silence is measured up to the last time that a source was read, and failing by the newest reading of any source: no
source is blamed for what happened while nobody crawled, or while nothing at all could be read.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from govwire.core.source import Contract
from govwire.core.state.sources import FeedRow

WEEK = timedelta(days=7)
# Eight weeks: a week of holidays, or of our own trouble, is not the middle of them.
WINDOW = 8 * WEEK
# Less tells nothing of what is usual.
LEAST_WATCHED, LEAST_ARRIVALS = 2 * WEEK, 5
# The longest gap of a usual week, mostly its end, grows by less than this over a long weekend.
GAP_FACTOR = 2
# A busy wire may fall silent for a night.
LEAST_SILENCE_HOURS = 12.0
# A site that is down for a night is no news, and the next reading after it tells more.
FAILING_AFTER, LEAST_FAILURES = timedelta(hours=6), 2
# A list that was left alone for a season is not kept up any more; months without news do occur.
OLD_AFTER = timedelta(days=90)
# A site that is made anew lists nothing for some hours.
EMPTY_AFTER = timedelta(hours=24)
# Below this share of what it used to bring, most of a source is missing: August halves some.
THIN = 0.25


class Trouble(StrEnum):
    """What an operator is told of."""

    FAILING = "failing"  # cannot be read
    EMPTY = "empty"  # reads well, and lists nothing, or nothing but old
    QUIET = "quiet"  # brings nothing for longer, or much less, than its contract says
    UNREACHABLE = "unreachable"  # no source at all can be read


@dataclass(frozen=True)
class Arrival:
    """New items of a source that were found together."""

    at: datetime
    items: int


@dataclass(frozen=True)
class Finding:
    """A trouble of a source, or of all."""

    trouble: Trouble
    since: datetime
    detail: str


def learn(arrivals: Sequence[Arrival], until: datetime) -> Contract:
    """What a source can be expected to bring, by its arrivals in order of time; empty where they tell too little.

    The first arrival is left out: it is what the feed listed when it was first read. `until` is when it was read last.
    """
    if len(arrivals) <= LEAST_ARRIVALS or until - arrivals[0].at < LEAST_WATCHED:
        return Contract()
    weeks = min(WINDOW, until - arrivals[0].at) // WEEK
    items = [0] * weeks
    gaps: dict[int, timedelta] = defaultdict(timedelta)
    for before, arrival in pairwise(arrivals):
        week = (until - arrival.at) // WEEK
        gaps[week] = max(gaps[week], arrival.at - before.at)
        if week < weeks:
            items[week] += arrival.items
    usual_hours = median(gap / timedelta(hours=1) for gap in gaps.values())
    return Contract(
        per_day=round(median(items) / 7, 2) or None,
        silence_hours=round(max(LEAST_SILENCE_HOURS, GAP_FACTOR * usual_hours), 1),
    )


def expected(given: Contract, learned: Contract) -> Contract:
    """The contract that holds: what the source's file says, and what it leaves out as it was learned."""
    return Contract(
        per_day=given.per_day or learned.per_day, silence_hours=given.silence_hours or learned.silence_hours
    )


def judge(feeds: Sequence[FeedRow], contract: Contract, week: float | None, newest_reading: datetime) -> Finding | None:
    """The trouble of a source with these ways in, if it has any; the gravest, if it has several.

    `week` is the share of its usual items that it brought in the last one, beside how the other sources did; None where
    nobody knows. `newest_reading` is when any source was read last.
    """
    return (
        _failing(feeds, newest_reading)
        or _empty(feeds, contract)
        or _silent(feeds, contract)
        or _thin(feeds, contract, week)
    )


def unreachable(feeds: Sequence[FeedRow]) -> Finding | None:
    """The trouble of all sources together: for hours none of them could be read, though they were asked."""
    asked = max((feed.checked_at for feed in feeds if feed.checked_at), default=None)
    newest = max((feed.succeeded_at for feed in feeds if feed.succeeded_at), default=None)
    since = newest or min((feed.failing_since for feed in feeds if feed.failing_since), default=None)
    if asked is None or since is None or asked - since < FAILING_AFTER:
        return None
    errors = next(feed.error for feed in feeds if feed.checked_at == asked)
    return Finding(Trouble.UNREACHABLE, since, f"none of {len(feeds)} feeds could be read; the last said: {errors}")


def week_shares(brought: Mapping[str, int], contracts: Mapping[str, Contract]) -> dict[str, float]:
    """The share of its usual items that each source brought in a week, against the share that all brought together.

    So a week in which we read little makes no source thin.
    """
    usual = {source_id: 7 * contract.per_day for source_id, contract in contracts.items() if contract.per_day}
    together = sum(brought.get(source_id, 0) for source_id in usual)
    fair = min(1.0, together / sum(usual.values())) if usual else 0.0
    return {source_id: brought.get(source_id, 0) / (items * fair) for source_id, items in usual.items() if fair}


def _failing(feeds: Sequence[FeedRow], newest_reading: datetime) -> Finding | None:
    failing = [
        feed
        for feed in feeds
        if feed.failing_since
        and feed.failures >= LEAST_FAILURES
        and newest_reading - feed.failing_since >= FAILING_AFTER
    ]
    if not failing:
        return None
    first = min(failing, key=lambda feed: (feed.failing_since, feed.url))
    assert first.failing_since is not None
    share = "" if len(feeds) == 1 else f"{len(failing)} of {len(feeds)} ways in, as "
    return Finding(Trouble.FAILING, first.failing_since, f"{share}{first.url}: {first.error}")


def _empty(feeds: Sequence[FeedRow], contract: Contract) -> Finding | None:
    read = _last_read(feeds)
    if read is None:
        return None
    news = _last_news(feeds)
    counts = [feed.listed for feed in feeds if feed.listed is not None]
    if counts and not any(counts):
        if news is not None and read - news < EMPTY_AFTER:
            return None
        return Finding(Trouble.EMPTY, news or read, "it reads well and lists nothing")
    newest = max((feed.newest_at for feed in feeds if feed.newest_at), default=None)
    if newest is None or contract.silence_hours or read - newest < OLD_AFTER:
        return None
    return Finding(Trouble.EMPTY, newest, f"it lists nothing newer than {newest:%Y-%m-%d}")


def _silent(feeds: Sequence[FeedRow], contract: Contract) -> Finding | None:
    read, news = _last_read(feeds), _last_news(feeds)
    if contract.silence_hours is None or read is None or news is None:
        return None
    if read - news <= timedelta(hours=contract.silence_hours):
        return None
    return Finding(Trouble.QUIET, news, f"nothing new, where {contract.silence_hours:g} h is the longest silence")


def _thin(feeds: Sequence[FeedRow], contract: Contract, week: float | None) -> Finding | None:
    read = _last_read(feeds)
    if week is None or contract.per_day is None or read is None or week >= THIN:
        return None
    usual = f"{contract.per_day:g} a day are usual"
    return Finding(Trouble.QUIET, read - WEEK, f"less than a quarter of its items in a week; {usual}")


def _last_read(feeds: Sequence[FeedRow]) -> datetime | None:
    return max((feed.succeeded_at for feed in feeds if feed.succeeded_at), default=None)


def _last_news(feeds: Sequence[FeedRow]) -> datetime | None:
    return max((feed.new_item_at for feed in feeds if feed.new_item_at), default=None)
