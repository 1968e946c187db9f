"""The match stage: which subscriptions take an article, and the messages that they are owed for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from govwire.core import flow
from govwire.core.index.documents import article_body
from govwire.core.records import Tagged
from govwire.core.settings import Settings
from govwire.core.state import State, Transaction, outbox, stories, subscriptions
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.state.outbox import Owed
from govwire.core.state.subscriptions import Subscription
from govwire.core.vocabulary import Vocabulary
from processors.alerts.matching import Matcher
from processors.alerts.message import new_story
from processors.stage import Result

TOO_OLD = "too_old"


class MatchStage:
    """Writes the outbox in the transaction of its ledger rows; a fetch that it is done with is matched never again.

    So neither a redelivery nor a label of a newer epoch tells a subscription of what passed before it was there.
    """

    step = flow.MATCH
    max_batch = 100

    def __init__(self, settings: Settings, vocabulary: Vocabulary, state: State) -> None:
        self._max_age = timedelta(hours=settings.alerts.max_age_hours)
        self._vocabulary, self._state = vocabulary, state
        self._matcher = Matcher(vocabulary)

    def work(self, records: Sequence[Tagged]) -> Sequence[tuple[Subscription, ...]]:
        """The subscriptions that take each article."""
        with self._state.begin() as transaction:
            live = _live(transaction)
        if not live:
            return [()] * len(records)
        takers = self._matcher.takers(live, [article_body(tagged) for tagged in records], datetime.now(UTC))
        return [found if _is_news(tagged) else () for tagged, found in zip(records, takers, strict=True)]

    def settle(
        self, transaction: Transaction, records: Sequence[Tagged], drafts: Sequence[tuple[Subscription, ...]]
    ) -> Sequence[Result]:
        """Write what is owed, and what the ledger is told."""
        now = datetime.now(UTC)
        done = outbox.matched_fetches(transaction, {tagged.article.url_id for tagged in records})
        story_ids = stories.resolve(transaction, {tagged.article.story_id for tagged in records})
        live = set(_live(transaction))  # one may have been paused or removed since `work`
        owed = [
            None
            if done.get(tagged.article.url_id, "") >= tagged.article.fetch_id
            else [self._owe(each, story_ids[tagged.article.story_id], tagged, now) for each in takers if each in live]
            for tagged, takers in zip(records, drafts, strict=True)
        ]
        new = outbox.owe(transaction, [each for messages in owed for each in messages or ()], now)
        return [
            Result([] if messages is None else [_matched(tagged, messages, new)])
            for tagged, messages in zip(records, owed, strict=True)
        ]

    def close(self) -> None:
        """The state belongs to the process."""

    def _owe(self, subscription: Subscription, story_id: str, tagged: Tagged, now: datetime) -> Owed:
        is_old = now - tagged.article.first_seen_at > self._max_age
        message = new_story(subscription.name, story_id, tagged, self._vocabulary)
        return Owed(message, suppressed=TOO_OLD if is_old else None)


def _live(transaction: Transaction) -> list[Subscription]:
    return [each for each in subscriptions.every(transaction) if not each.paused]


def _is_news(tagged: Tagged) -> bool:
    # That a site took an article down is told in the index and by `govwire why`; to a subscriber it tells nothing.
    return tagged.labels.relevant and tagged.article.state == "there"


def _matched(tagged: Tagged, owed: Sequence[Owed], new: set[str]) -> Outcomes:
    detail = ", ".join(_told(each, new) for each in owed) or "no subscription"
    return Outcomes.of(tagged.article, flow.MATCH.name, Outcome.MATCHED, detail=detail)


def _told(owed: Owed, new: set[str]) -> str:
    name, own_id = owed.message.subscription, owed.message.message_id
    if own_id not in new:
        return f"{name} (story told before)"
    new.remove(own_id)  # of two articles in a batch that tell one story, the first tells it
    return f"{name} ({owed.suppressed})" if owed.suppressed else name
