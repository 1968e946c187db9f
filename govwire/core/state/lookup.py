"""Looking a URL up, however somebody writes it: as one that was asked for, else as the canonical one of an article."""

from typing import Any

from govwire.core import urls
from govwire.core.state import Transaction, identity, ledger


def find(transaction: Transaction, url: str) -> dict[str, Any] | None:
    """Where a URL stands: its row of `standing`; None where it was never seen.

    Raises:
        UrlError: it is no web address.
    """
    normalised = urls.normalise(url)
    url_id = urls.url_id(normalised)
    found = ledger.standing_of(transaction, [url_id])
    if not found:
        found = ledger.standing_of(transaction, identity.urls_of(transaction, urls.article_id(normalised)))
    return next(iter(found.values()), None)
