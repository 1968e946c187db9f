"""Matching: which subscriptions take an article."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from govwire.core.errors import QueryError
from govwire.core.query import Query, parse
from govwire.core.state.subscriptions import Subscription
from govwire.core.vocabulary import Vocabulary

log = structlog.get_logger(__name__)

# How long a parsed query is used: `since:7d` counts from the time of its parsing.
REPARSE_AFTER = timedelta(hours=1)


class Matcher:
    """Keeps the queries of all subscriptions parsed; a query that is new or changed is parsed when it is met."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._parsed: dict[str, Query | None] = {}
        self._parsed_at = datetime.min.replace(tzinfo=UTC)

    def takers(
        self, subscriptions: Sequence[Subscription], documents: Sequence[Mapping[str, Any]], now: datetime
    ) -> list[tuple[Subscription, ...]]:
        """For each article document, the subscriptions whose query it matches."""
        queries = self._queries(subscriptions, now)
        return [
            tuple(each for each, query in queries if query is not None and query.matches(document))
            for document in documents
        ]

    def _queries(self, subscriptions: Sequence[Subscription], now: datetime) -> list[tuple[Subscription, Query | None]]:
        known = self._parsed
        if now - self._parsed_at >= REPARSE_AFTER:
            known, self._parsed_at = {}, now
        # Built anew each time, so that queries nobody asks any more are forgotten.
        parsed: dict[str, Query | None] = {}
        for each in subscriptions:
            if each.query not in parsed:
                parsed[each.query] = known[each.query] if each.query in known else self._parse(each, now)
        self._parsed = parsed
        return [(each, parsed[each.query]) for each in subscriptions]

    def _parse(self, subscription: Subscription, now: datetime) -> Query | None:
        try:
            return parse(subscription.query, now, self._vocabulary)
        except QueryError as error:
            # It was read when it was added: a topic or target that it names has gone since.
            log.warning("subscription_unreadable", subscription=subscription.name, error=str(error))
            return None
