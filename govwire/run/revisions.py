"""How an article changed: each revision that was observed, with what it says otherwise than the one before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from govwire.core import diff
from govwire.core.diff import Change
from govwire.core.errors import UnknownNameError
from govwire.core.records import Article
from govwire.core.state import State, identity, texts
from govwire.core.state.identity import Seen


@dataclass(frozen=True)
class Told:
    """One revision."""

    seen: Seen
    article: Article | None  # None: its text is not kept, since it was never indexed
    changes: Sequence[Change]  # since the revision before that is kept; none of the first

    def as_dict(self) -> dict[str, Any]:
        """The revision as plain data."""
        article = self.article
        return {
            **asdict(self.seen),
            "kept": article is not None,
            "url": article.url if article else None,
            "title": article.title if article else None,
            "extractor": article.extractor if article else None,
            "changes": [asdict(change) for change in self.changes],
        }

    def __str__(self) -> str:
        title = self.article.title if self.article else "(its text is not kept: it was not indexed)"
        head = f"revision {self.seen.revision}  {self.seen.seen_at:%Y-%m-%d %H:%M:%S}  {self.seen.state:5}  {title}"
        return "\n".join([head, *(f"  {change}" for change in self.changes)])


def tell(state: State, url: str) -> list[Told]:
    """Every revision of the article at a URL, the first one first; none where no article was found there.

    Raises:
        UrlError: it is no web address.
    """
    with state.begin() as transaction:
        article_id = identity.article_at(transaction, url)
        seen = identity.revisions_of(transaction, article_id) if article_id else []
        kept = texts.of_article(transaction, article_id) if article_id else {}
    told, before = [], None
    for each in seen:
        article = kept.get(each.revision)
        told.append(Told(each, article, _changes(before, article)))
        before = article or before
    return told


def between(told: Sequence[Told], one: int, other: int) -> list[Change]:
    """What changed from one revision to another, whichever is the older.

    Raises:
        UnknownNameError: the article has no such revision, or its text is not kept.
    """
    kept = {each.seen.revision: each.article for each in told if each.article is not None}
    for number in (one, other):
        if number not in kept:
            raise UnknownNameError("revision", str(number), map(str, kept))
    return _changes(kept[one], kept[other])


def _changes(before: Article | None, after: Article | None) -> list[Change]:
    if before is None or after is None:
        return []
    old, new = (f"{article.title}\n{article.text}" for article in (before, after))
    return diff.compare(old, new, after.language)
