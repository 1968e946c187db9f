"""Both backends of the index, as the contract tests see them, and the reference's answers that they are held to."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from govwire.core.index import Index, Kind, open_index
from govwire.core.index.documents import documents_of
from govwire.core.query import parse
from govwire.core.records import Tagged
from govwire.core.settings import Settings
from tagged_samples import NOW, article_documents, claim_documents

if TYPE_CHECKING:
    from servers.elastic import ElasticServer

BACKENDS = ["embedded", "elastic"]
DOCUMENTS = {"articles": article_documents(), "claims": claim_documents()}
ID_FIELDS = {"articles": "article_id", "claims": "claim_id"}


def new_settings(request: pytest.FixtureRequest, folder: Path) -> Settings:
    """An index that nobody else has, on the backend that the fixture's parameter names."""
    url = "sqlite:"
    if request.param == "elastic":
        server: ElasticServer = request.getfixturevalue("elastic_server")
        url = server.url
    return Settings.model_validate({"data_dir": folder, "index": {"url": url, "prefix": f"t-{uuid.uuid4().hex[:12]}"}})


@contextmanager
def empty_index(settings: Settings) -> Iterator[Index]:
    """The index of these settings, made and, after the block, closed."""
    opened = open_index(settings)
    opened.setup()
    yield opened
    opened.close()


def put_all(index: Index, samples: Sequence[Tagged]) -> None:
    for sample in samples:
        documents = documents_of(sample)
        assert index.put("articles", [documents.article]) == []
        assert index.replace_claims(documents.article.id, documents.article.version, documents.claims) == []
    index.refresh()


def all_pages(index: Index, query: str, kind: Kind = "articles", limit: int = 500) -> list[str]:
    ids: list[str] = []
    after = None
    while True:
        page = index.search(parse(query, NOW), kind=kind, limit=limit, after=after)
        assert len(page.hits) <= limit
        ids += [hit.id for hit in page.hits]
        after = page.next_after
        if after is None:
            return ids


def expected(query: str, kind: Kind) -> list[str]:
    """What the reference answers, newest first."""
    parsed = parse(query, NOW)
    found = sorted((body for body in DOCUMENTS[kind] if parsed.matches(body)), key=lambda body: body[ID_FIELDS[kind]])
    found.sort(key=lambda body: body["sort_at"], reverse=True)
    return [body[ID_FIELDS[kind]] for body in found]
