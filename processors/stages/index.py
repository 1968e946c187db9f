"""The index stage: tagged articles, with what people corrected in them, become documents that can be searched."""

from collections.abc import Sequence
from datetime import UTC, datetime

from govwire.core import faults, flow
from govwire.core.errors import DocumentRejectedError
from govwire.core.index import Index, Refusal
from govwire.core.index.documents import Documents, version_of
from govwire.core.records import Article, Tagged
from govwire.core.state import State, Transaction, corrections, texts
from govwire.core.state.ledger import IRRELEVANT, Outcome, Outcomes
from processors.corrections import documents_with
from processors.stage import Result


class IndexStage:
    """Writes both kinds of document. The write is idempotent by version, so it comes before the books are kept."""

    step = flow.INDEX
    max_batch = 100

    def __init__(self, index: Index, state: State) -> None:
        self._index, self._state = index, state

    def work(self, records: Sequence[Tagged]) -> Sequence[Documents | DocumentRejectedError]:
        """Put the documents; a draft is what was put, or the refusal of the article or of one of its claims."""
        with self._state.begin() as transaction:
            made = documents_with(transaction, records, datetime.now(UTC))
        drafts = self._put(made)
        # Who made a correction meanwhile has read the documents that were there before: they are written with it.
        late = self._late(records, made)
        if late:
            again = self.work([records[number] for number in late])
            for number, draft in zip(late, again, strict=True):
                drafts[number] = draft
        return drafts

    def _late(self, records: Sequence[Tagged], made: Sequence[Documents]) -> list[int]:
        """Which of the documents do not know of all corrections."""
        with self._state.begin() as transaction:
            counts = corrections.counts(transaction, {tagged.article.article_id for tagged in records})
        return [
            number
            for number, (tagged, documents) in enumerate(zip(records, made, strict=True))
            if documents.article.version != version_of(tagged, counts.get(tagged.article.article_id, 0))
        ]

    def _put(self, made: Sequence[Documents]) -> list[Documents | DocumentRejectedError]:
        wanted = [documents.article for documents in made if documents.is_wanted]
        refused = {refusal.id: refusal for refusal in self._index.put("articles", wanted)}
        faults.passing("index.put")
        drafts: list[Documents | DocumentRejectedError] = []
        for documents in made:
            refusal = refused.get(documents.article.id) or self._put_claims(documents)
            if not documents.is_wanted:
                self._index.delete("articles", [documents.article.id], up_to=documents.article.version)
            drafts.append(DocumentRejectedError(f"{refusal.id}: {refusal.reason}") if refusal else documents)
        return drafts

    def _put_claims(self, documents: Documents) -> Refusal | None:
        article = documents.article
        return next(iter(self._index.replace_claims(article.id, article.version, documents.claims)), None)

    def settle(
        self, transaction: Transaction, records: Sequence[Tagged], drafts: Sequence[Documents]
    ) -> Sequence[Result]:
        """The ledger's rows; and what was indexed is kept as this revision said it, to compare the next one with."""
        pairs = list(zip(records, drafts, strict=True))
        texts.keep(transaction, [tagged.article for tagged, documents in pairs if documents.is_wanted])
        return [Result(outcomes=[outcome_of(tagged.article, documents)]) for tagged, documents in pairs]

    def close(self) -> None:
        """The index belongs to the process."""


def outcome_of(article: Article, documents: Documents) -> Outcomes:
    """What the ledger is told of an article whose documents were put, or taken out."""
    if documents.is_wanted:
        return Outcomes.of(article, flow.INDEX.name, Outcome.INDEXED)
    # Irrelevant since a later revision or epoch: what was there of the one before has been taken out.
    return Outcomes.of(article, flow.INDEX.name, Outcome.DROPPED, reason=IRRELEVANT)
