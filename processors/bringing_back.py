"""Bringing back what our own rules dropped and a person calls relevant: a correction, and the page fetched anew.

The correction makes classify give it labels whatever the model says of its relevance. What is brought back goes on in
the backfill lane, so that it fires no alert, as no correction does.
"""

from collections.abc import Mapping
from datetime import datetime

from govwire.core import urls
from govwire.core.errors import ConfigError, UrlError
from govwire.core.state import Transaction, corrections, epochs, frontier, identity, irrelevant, ledger, lookup
from govwire.core.state.corrections import UNREAD, Making, RelevanceChange
from govwire.core.state.frontier import Found
from govwire.core.state.ledger import IRRELEVANT, PREFILTERED, Outcome

# The drops by our own judgement of what an article is about: what may be wrong in them a person sees at a glance.
JUDGED = (IRRELEVANT, PREFILTERED)


def bring_back(transaction: Transaction, article: str, by: str, note: str | None, now: datetime) -> int:
    """Call a dropped article relevant, by its id or URL, and make its page due; the number of the correction.

    Raises:
        ConfigError: nothing was dropped there, or it was called relevant already.
    """
    standing = _standing(transaction, article)
    if standing["ended_reason"] not in JUDGED:
        stands = " ".join(filter(None, (standing["outcome"], standing["reason"])))
        raise ConfigError(
            f"{standing['url']}: {stands}; only what was dropped as {' or '.join(JUDGED)} is brought back"
        )
    article_id = identity.article_of(transaction, standing["url_id"]) or urls.article_id(standing["url"])
    for correction in corrections.listed(transaction, [article_id]):
        if corrections.vouches(correction):
            raise ConfigError(
                f"{standing['url']}: correction {correction.correction_id} calls it relevant already; "
                "'govwire crawl --url' fetches it once more"
            )
    making = _making(transaction, article_id, standing["url"], by, note)
    number = corrections.make(transaction, making, now)
    asked = Found(standing["url"], standing["source_id"], why=frontier.ASKED, priority=1)
    frontier.add(transaction, [asked], now)
    return number


def brought_back(transaction: Transaction, articles: Mapping[str, str]) -> set[str]:
    """Of these url_ids with their articles, those that a person called relevant and that are not in the index yet."""
    missing = {
        article_id
        for article_id in corrections.vouched(transaction, articles.values())
        if not any(
            row["ended_outcome"] == Outcome.INDEXED
            for row in ledger.standing_of(transaction, identity.urls_of(transaction, article_id)).values()
        )
    }
    return {url_id for url_id, article_id in articles.items() if article_id in missing}


def _standing(transaction: Transaction, article: str) -> Mapping[str, str]:
    kept = irrelevant.find(transaction, article)
    try:
        standing = lookup.find(transaction, kept["url"] if kept else article)
    except UrlError:
        standing = None
    if standing is None:
        raise ConfigError(f"{article}: never seen; 'govwire crawl --url' fetches it now")
    return standing


def _making(transaction: Transaction, article_id: str, url: str, by: str, note: str | None) -> Making:
    """The correction of the article as it was read last, where it was read at all."""
    fetches = identity.fetches_of(transaction, [article_id])
    _, revision = max(fetches, key=lambda key: key[1], default=(article_id, UNREAD))
    newest = epochs.newest(transaction)
    return Making(
        article_id=article_id,
        url=url,
        revision=revision,
        epoch=newest["epoch"] if newest else 0,
        change=RelevanceChange(),
        evidence=None,  # it is the whole article that was judged, in whatever words
        text_hash=fetches[article_id, revision][1] if fetches else "",
        note=note,
        made_by=by,
    )
