"""What comes with the answers of the index, the same cases on every backend: pages, facets, intervals."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from govwire.core.errors import QueryError, UnknownNameError
from govwire.core.index import FACETS, KINDS, Bucket, Hits, Index, Interval, Kind
from govwire.core.index.documents import TOKEN_FIELDS
from govwire.core.query import parse
from govwire.core.query.tree import facts_of
from index_backends import BACKENDS, DOCUMENTS, ID_FIELDS, all_pages, empty_index, expected, new_settings, put_all
from tagged_samples import NOW, SAMPLES, tagged


@pytest.fixture(params=BACKENDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """An empty index."""
    with empty_index(new_settings(request, tmp_path)) as opened:
        yield opened


@pytest.fixture(params=BACKENDS, scope="module")
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index that holds all samples, and is only read."""
    with empty_index(new_settings(request, tmp_path_factory.mktemp("index"))) as opened:
        put_all(opened, SAMPLES)
        yield opened


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_pages_follow_each_other_without_gap_or_double(full: Index, kind: Kind, limit: int) -> None:
    assert all_pages(full, "", kind, limit) == expected("", kind)


def test_pages_stay_apart_while_newer_articles_arrive(index: Index) -> None:
    put_all(index, SAMPLES)
    first = index.search(parse("", NOW), limit=10)
    put_all(index, [tagged("zz", published_at=NOW)])
    second = index.search(parse("", NOW), limit=100, after=first.next_after)
    assert [hit.id for hit in (*first.hits, *second.hits)] == expected("", "articles")


@pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA==", "WyJ4IiwgInkiXQ=="])
def test_a_foreign_cursor_is_a_clear_error(full: Index, cursor: str) -> None:
    with pytest.raises(QueryError, match="cursor"):
        full.search(parse("", NOW), after=cursor)


def test_hits_come_without_the_fields_that_only_searches_need(full: Index) -> None:
    for kind in KINDS:
        for hit in full.search(parse("", NOW), kind=kind, limit=100).hits:
            body = next(body for body in DOCUMENTS[kind] if body[ID_FIELDS[kind]] == hit.id)
            assert hit.body == {name: value for name, value in body.items() if name not in TOKEN_FIELDS}


@pytest.mark.parametrize("query", ["", "act", "claim:(stance:favor)", "source:nobody"])
@pytest.mark.parametrize("kind", KINDS)
def test_facets_count_every_match(full: Index, kind: Kind, query: str) -> None:
    parsed = parse(query, NOW)
    found: Hits = full.search(parsed, kind=kind, limit=1, facets=tuple(FACETS[kind]))
    for name, path in FACETS[kind].items():
        values = Counter(
            value for body in DOCUMENTS[kind] if parsed.matches(body) for value in set(facts_of(body, path))
        )
        ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0].encode()))
        assert [(bucket.key, bucket.count) for bucket in found.facets[name]] == ordered[:50]


def test_an_unknown_facet_names_the_known_ones(full: Index) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'source'"):
        full.search(parse("", NOW), facets=("sourc",))


@pytest.mark.parametrize("interval", ["day", "week", "month"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_histogram_counts_matches_per_interval(full: Index, kind: Kind, interval: Interval) -> None:
    def begins(body: Mapping[str, Any]) -> str:
        day = datetime.fromisoformat(body["sort_at"]).date()
        if interval == "week":
            return datetime.fromisocalendar(*day.isocalendar()[:2], 1).date().isoformat()
        return day.replace(day=1).isoformat() if interval == "month" else day.isoformat()

    counts = Counter(begins(body) for body in DOCUMENTS[kind])
    found = full.histogram(parse("", NOW), kind=kind, interval=interval)
    assert found == [Bucket(day, count) for day, count in sorted(counts.items())]


def test_the_newest_article_is_the_one_first_seen_last(index: Index) -> None:
    assert index.newest_at() is None
    put_all(index, SAMPLES)
    assert index.newest_at() == NOW
