"""What each revision said, as the article that was indexed: for comparing, and for telling that one is gone."""

from collections.abc import Iterable

import zstandard
from sqlalchemy import select, update

from govwire.core.records import MAX_BODY_BYTES, Article
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import revision_texts


def keep(transaction: Transaction, articles: Iterable[Article]) -> None:
    """Keep these revisions; one that is kept already stays as it is."""
    rows = {
        (article.article_id, article.revision): {
            "article_id": article.article_id,
            "revision": article.revision,
            "article_zstd": _pack(article),
        }
        for article in articles
    }
    if rows:
        ordered = [rows[key] for key in sorted(rows)]
        transaction.execute(insert_into(transaction, revision_texts).on_conflict_do_nothing(), ordered)


def reread(transaction: Transaction, article: Article) -> None:
    """The same revision as another extractor reads it: what it is compared by from now on. One not kept stays so."""
    kept = revision_texts.c.article_id == article.article_id, revision_texts.c.revision == article.revision
    transaction.execute(update(revision_texts).where(*kept).values(article_zstd=_pack(article)))


def of_article(transaction: Transaction, article_id: str) -> dict[int, Article]:
    """Every revision of an article that is kept, by its number, the oldest first."""
    query = select(revision_texts.c.revision, revision_texts.c.article_zstd).order_by(revision_texts.c.revision)
    rows = transaction.execute(query.where(revision_texts.c.article_id == article_id))
    return {row.revision: _unpack(row.article_zstd) for row in rows}


def find(transaction: Transaction, article_id: str, revision: int) -> Article | None:
    """One revision, None where it is not kept."""
    query = select(revision_texts.c.article_zstd)
    found = transaction.scalar(
        query.where(revision_texts.c.article_id == article_id, revision_texts.c.revision == revision)
    )
    return None if found is None else _unpack(found)


def _pack(article: Article) -> bytes:
    return zstandard.ZstdCompressor(level=9).compress(article.to_json())


def _unpack(packed: bytes) -> Article:
    return Article.from_json(zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BODY_BYTES))
