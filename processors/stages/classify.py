"""The classify stage: articles become tagged articles, under the newest epoch; what is irrelevant ends here."""

from collections.abc import Sequence
from datetime import UTC, datetime

from govwire.core import flow
from govwire.core.envelope import wrap
from govwire.core.errors import ClassificationError
from govwire.core.records import Article, Labels, Tagged
from govwire.core.settings import Settings
from govwire.core.state import State, Transaction, corrections, epochs, irrelevant
from govwire.core.state.irrelevant import Irrelevant
from govwire.core.state.ledger import IRRELEVANT, Outcome, Outcomes
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import Document, open_classifier
from processors.stage import Publication, Result


class ClassifyStage:
    """Labels articles by one classifier; stops labelling once another one has begun a newer epoch."""

    step = flow.CLASSIFY
    # A few seconds of work on two cores: short enough that a kill repeats little.
    max_batch = 32

    def __init__(self, settings: Settings, vocabulary: Vocabulary, state: State) -> None:
        """Load the classifier and begin its epoch, unless the newest is its own.

        Raises:
            ConfigError: a term list is wrong.
            ModelError: model files are missing or unreadable.
            StateError: the state cannot be reached.
        """
        self._state = state
        self._classifier = open_classifier(settings, vocabulary, cached=True)
        with state.begin() as transaction:
            epochs.begin(
                transaction, digest=self._classifier.digest, model=self._classifier.model, at=datetime.now(UTC)
            )

    def work(self, records: Sequence[Article]) -> Sequence[Labels | ClassificationError]:
        """Labels, or the error of an article that cannot be labelled; all of them where a person called it relevant."""
        with self._state.begin() as transaction:
            vouched = corrections.vouched(transaction, {article.article_id for article in records})
        return self._classifier.classify([_document(article, article.article_id in vouched) for article in records])

    def settle(
        self, transaction: Transaction, records: Sequence[Article], drafts: Sequence[Labels]
    ) -> Sequence[Result]:
        """Number the labels by the epoch, keep what was dropped, and send on the rest.

        Raises:
            ServiceError: another classifier has begun a newer epoch.
        """
        now = datetime.now(UTC)
        epoch = epochs.current(transaction, digest=self._classifier.digest, model=self._classifier.model)
        pairs = list(zip(records, drafts, strict=True))
        irrelevant.keep(transaction, [_dropped(*pair) for pair in pairs if not pair[1].relevant], now)
        irrelevant.clear(transaction, [article.article_id for article, labels in pairs if labels.relevant])
        return [_result(article, labels, epoch) for article, labels in pairs]

    def close(self) -> None:
        """Release the classifier's threads."""
        self._classifier.close()


def _document(article: Article, is_vouched: bool) -> Document:
    return Document(article.article_id, article.title, article.text, article.language, is_vouched)


def _dropped(article: Article, labels: Labels) -> Irrelevant:
    return Irrelevant(
        article_id=article.article_id,
        url_id=article.url_id,
        url=article.url,
        title=article.title,
        excerpt=article.text,
        score=labels.relevance_score,
        relevance_by=labels.relevance_by,
        model=labels.model,
    )


def _result(article: Article, labels: Labels, epoch: int) -> Result:
    detail = f"relevance {labels.relevance_score} by {labels.relevance_by}, {labels.model}, epoch {epoch}"
    outcome, reason = (Outcome.CLASSIFIED, None) if labels.relevant else (Outcome.DROPPED, IRRELEVANT)
    outcomes = [Outcomes.of(article, flow.CLASSIFY.name, outcome, reason=reason, detail=detail)]
    may_be_indexed = article.revision > 1 or article.came_by is not None
    if not labels.relevant and not may_be_indexed:
        return Result(outcomes)
    # A later revision, or one that is sent through anew, goes on although it is irrelevant: what the index holds of it
    # is to be taken out.
    tagged = Tagged(article=article, labels=labels.model_copy(update={"epoch": epoch}))
    message = wrap(
        flow.CLASSIFY.name,
        article.article_id,
        tagged,
        lane=article.lane,
        url_id=article.url_id,
        fetch_id=article.fetch_id,
    )
    return Result(outcomes, [Publication(flow.TAGGED, article.lane, message)])
