"""The index answers searches: `open_index(settings)` gives Elasticsearch or the embedded one behind one contract.

Two kinds of document: `articles`, whole, with claims nested; and `claims`, flat, one for each shown claim. Both
backends answer a query as `govwire.core.query` defines it, held by tests/contract/test_index.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from govwire.core.query import Query

Kind = Literal["articles", "claims"]
KINDS: tuple[Kind, ...] = ("articles", "claims")


@dataclass(frozen=True)
class Document:
    """A whole document; a put with a lower version than the stored one changes nothing."""

    id: str
    version: int  # revision * 10**9 + epoch * 10**3 + corrections
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A document that the index will never take, and its reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class Bucket:
    """One value of a facet, or one interval of a histogram (`key` is then its ISO date), and its count."""

    key: str
    count: int


@dataclass(frozen=True)
class Hit:
    """One document found."""

    id: str
    version: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Hits:
    """A page of results, newest first, with the total and the facets asked for."""

    total: int
    hits: Sequence[Hit]
    facets: Mapping[str, Sequence[Bucket]] = field(default_factory=dict)
    next_after: str | None = None  # pass it as `after` for the next page; None: there is none


class Index(Protocol):
    """Safe to use from several threads. Every method raises SearchError when the index cannot be reached."""

    def setup(self) -> list[str]:
        """Create templates, indices and aliases that are missing; one line for each thing made.

        Raises:
            ConfigError: a mapping older than this program, or a server of another major version.
        """

    def check(self) -> list[str]:
        """What is wrong with it, one line each; empty when all is well."""

    def put(self, kind: Kind, documents: Sequence[Document]) -> list[Refusal]:
        """Store many, idempotently; a stale version is done, and no refusal. Waits out 429 and 503."""

    def replace_claims(self, article_id: str, version: int, documents: Sequence[Document]) -> list[Refusal]:
        """Store an article's flat claims and delete those of an older version that it no longer has."""

    def get(self, kind: Kind, document_id: str) -> Hit | None:
        """One document, as written last."""

    def search(
        self,
        query: Query,
        *,
        kind: Kind = "articles",
        limit: int = 20,
        after: str | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """The newest documents that match, with counts of the named facets over all matches."""

    def histogram(
        self, query: Query, *, kind: Kind = "articles", interval: Literal["day", "week", "month"] = "day"
    ) -> list[Bucket]:
        """Matches per interval, oldest first, empty intervals left out."""

    def delete(self, kind: Kind, document_ids: Sequence[str]) -> int:
        """Delete for good; returns how many were there."""

    def refresh(self) -> None:
        """Make everything put so far visible to searches."""

    def newest_at(self) -> datetime | None:
        """When the newest article was first seen; None when the index is empty."""

    def close(self) -> None:
        """Release connections and files."""
