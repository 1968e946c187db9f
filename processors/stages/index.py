"""The index stage: tagged articles become documents that can be searched."""

from collections.abc import Sequence

from govwire.core.index.documents import article_document, claim_documents

from govwire.core import faults, flow
from govwire.core.errors import DocumentRejectedError
from govwire.core.index import Document, Index, Refusal
from govwire.core.records import Tagged
from govwire.core.state import Transaction
from govwire.core.state.ledger import Outcome, Outcomes
from processors.stage import Result


class IndexStage:
    """Writes both kinds of document. The write is idempotent by version, so it comes before the books are kept."""

    step = flow.INDEX
    max_batch = 100

    def __init__(self, index: Index) -> None:
        self._index = index

    def work(self, records: Sequence[Tagged]) -> Sequence[Document | DocumentRejectedError]:
        """Put the documents; a draft is the article's document, or the refusal of it or of one of its claims."""
        documents = [article_document(tagged) for tagged in records]
        refused = {refusal.id: refusal for refusal in self._index.put("articles", documents)}
        faults.passing("index.put")
        drafts: list[Document | DocumentRejectedError] = []
        for tagged, document in zip(records, documents, strict=True):
            refusal = refused.get(document.id) or self._put_claims(tagged, document)
            drafts.append(DocumentRejectedError(f"{refusal.id}: {refusal.reason}") if refusal else document)
        return drafts

    def _put_claims(self, tagged: Tagged, document: Document) -> Refusal | None:
        claims = claim_documents(tagged)
        return next(iter(self._index.replace_claims(document.id, document.version, claims)), None)

    def settle(
        self, transaction: Transaction, records: Sequence[Tagged], drafts: Sequence[Document]
    ) -> Sequence[Result]:
        """The ledger's rows; nothing else is owed to the state."""
        del transaction, drafts
        return [Result(outcomes=[_indexed(tagged)]) for tagged in records]

    def close(self) -> None:
        """The index belongs to the process."""


def _indexed(tagged: Tagged) -> Outcomes:
    article = tagged.article
    return Outcomes(
        url_id=article.url_id,
        url=article.requested_url,
        source_id=article.source.id,
        lane=article.lane,
        fetch_id=article.fetch_id,
        stage=flow.INDEX.name,
        outcome=Outcome.INDEXED,
        article_id=article.article_id,
    )
