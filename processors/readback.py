"""Articles read back from the index: the document's body, and what only the state knows of its fetch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from govwire.core import urls
from govwire.core.index import Hit
from govwire.core.index.documents import Fetch, tagged_of
from govwire.core.records import Tagged
from govwire.core.state import Transaction, identity, ledger
from govwire.core.state.ledger import Outcome


def read_back(transaction: Transaction, hits: Sequence[Hit]) -> list[Tagged]:
    """The labelled articles that these article documents were made of, in order."""
    fetches = identity.fetches_of(transaction, {hit.id for hit in hits})
    standing = ledger.standing_of(transaction, {hit.body["url_id"] for hit in hits})
    return [_read_back(hit, fetches, standing.get(hit.body["url_id"])) for hit in hits]


def _read_back(hit: Hit, fetches: dict[tuple[str, int], tuple[str, str]], standing: dict[str, Any] | None) -> Tagged:
    body = hit.body
    # Without its rows, as where the state was lost and the index was not: as the fetch is told in the document.
    told = urls.fetch_id(body["url_id"], datetime.fromisoformat(body["fetched_at"]))
    fetch_id, text_hash = fetches.get((hit.id, body["revision"]), (told, ""))
    if standing is not None and standing["outcome"] == Outcome.INDEXED:
        # Looked at again since and found unchanged: the books go on from the newest look.
        fetch_id = standing["fetch_id"]
    return tagged_of(body, Fetch(fetch_id, standing["url"] if standing else body["url"], text_hash))
