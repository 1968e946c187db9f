"""The contract of the index, the same cases on every backend: what is put is there, whoever else writes or reads."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from govwire.core.index import KINDS, Document, Index, open_index
from govwire.core.index.documents import claim_id, documents_of
from govwire.core.query import parse
from govwire.core.records import Tagged
from govwire.core.settings import Settings
from index_backends import BACKENDS, DOCUMENTS, all_pages, empty_index, new_settings, put_all
from tagged_samples import NOW, SAMPLES, claim, tagged


@pytest.fixture(params=BACKENDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return new_settings(request, tmp_path)


@pytest.fixture
def index(settings: Settings) -> Iterator[Index]:
    """An empty index."""
    with empty_index(settings) as opened:
        yield opened


# --- what is put is there ---


def test_setup_makes_what_is_missing_and_then_nothing(settings: Settings) -> None:
    opened = open_index(settings)
    opened.setup()
    assert opened.setup() == []
    assert opened.check() == []
    opened.close()


def test_several_processes_may_set_up_at_once(settings: Settings) -> None:
    def set_up(_: int) -> list[str]:
        opened = open_index(settings)
        opened.setup()
        problems = opened.check()
        opened.close()
        return problems

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(set_up, range(6))) == [[]] * 6


def test_a_document_comes_back_whole(index: Index) -> None:
    for sample in SAMPLES:
        documents = documents_of(sample)
        for kind, each in [("articles", documents.article), *(("claims", flat) for flat in documents.claims)]:
            assert kind in KINDS
            assert index.put(kind, [each]) == []
            hit = index.get(kind, each.id)
            assert hit is not None
            assert (hit.id, hit.version, hit.body) == (each.id, each.version, each.body)
    assert index.get("articles", "nobody") is None
    assert index.put("articles", []) == []


def test_a_put_repeated_changes_nothing(index: Index) -> None:
    for _ in range(3):
        put_all(index, SAMPLES)
    assert index.search(parse("", NOW)).total == len(SAMPLES)
    assert index.search(parse("", NOW), kind="claims").total == len(DOCUMENTS["claims"])


def title_of(index: Index, article_id: str) -> str:
    hit = index.get("articles", article_id)
    assert hit is not None
    return str(hit.body["title"])


def test_a_stale_version_is_silently_passed_over(index: Index) -> None:
    newer = documents_of(tagged("x", "Second", revision=2)).article
    older = documents_of(tagged("x", "First", revision=1, epoch=7)).article
    assert index.put("articles", [newer]) == []
    assert index.put("articles", [older]) == []
    assert title_of(index, "x") == "Second"


def test_an_equal_or_higher_version_is_taken(index: Index) -> None:
    first = documents_of(tagged("x", "First")).article
    for version, title in ((first.version, "Again"), (first.version + 1, "Corrected"), (2 * 10**9, "Second")):
        document = documents_of(tagged("x", title)).article
        assert index.put("articles", [dataclasses.replace(document, version=version)]) == []
        assert title_of(index, "x") == title
    index.refresh()
    assert all_pages(index, "title:corrected") == []
    assert all_pages(index, "title:second") == ["x"]


def test_a_document_that_changes_is_found_by_what_it_says_now(index: Index) -> None:
    put_all(index, [tagged("x", "Moratorium", topics=("safety",), published_at=NOW)])
    put_all(index, [tagged("x", "Licences", topics=("industry",), published_at=NOW, revision=2)])
    assert [all_pages(index, query) for query in ("moratorium", "topic:safety")] == [[], []]
    assert [all_pages(index, query) for query in ("licences", "topic:industry")] == [["x"], ["x"]]


def test_a_document_that_cannot_be_held_is_refused_and_the_others_are_stored(index: Index) -> None:
    good = [documents_of(tagged(name)).article for name in ("x", "y")]
    spoiled = Document("z", 1, {**good[0].body, "article_id": "z", "sort_at": "yesterday"})
    refusals = index.put("articles", [good[0], spoiled, good[1]])
    assert [refusal.id for refusal in refusals] == ["z"]
    assert "sort_at" in refusals[0].reason
    assert "\n" not in refusals[0].reason
    index.refresh()
    assert sorted(all_pages(index, "")) == ["x", "y"]


def test_what_is_deleted_is_gone_and_can_be_put_again(index: Index) -> None:
    put_all(index, SAMPLES[:3])
    assert index.delete("articles", ["a01", "a02", "nobody"]) == 2
    assert index.delete("articles", []) == 0
    index.refresh()
    assert all_pages(index, "") == ["a03"]
    assert index.get("articles", "a01") is None
    put_all(index, SAMPLES[:1])
    assert all_pages(index, "act") == ["a01"]


def test_a_delete_up_to_a_version_spares_what_is_newer(index: Index) -> None:
    older, newer = documents_of(tagged("x")).article, documents_of(tagged("y", revision=2)).article
    index.put("articles", [older, newer])
    assert index.delete("articles", ["x", "y"], up_to=older.version) == 1
    assert index.get("articles", "x") is None
    assert title_of(index, "y") == "A title"


def claims_of(index: Index, article_id: str) -> list[tuple[str, str]]:
    index.refresh()
    hits = index.search(parse("", NOW), kind="claims", limit=200).hits
    return sorted((hit.id, hit.body["holder"]) for hit in hits if hit.body["article_id"] == article_id)


def with_claims(revision: int, *holders: str) -> Tagged:
    said = [claim("It must be so.", holder, "open_models", "favor") for holder in holders]
    return tagged("x", claims=said, revision=revision, published_at=NOW)


def test_an_article_keeps_no_claim_that_it_no_longer_has(index: Index) -> None:
    put_all(index, [with_claims(1, *(f"Holder {number}" for number in range(50))), SAMPLES[0]])
    assert len(claims_of(index, "x")) == 50
    put_all(index, [with_claims(2, "B", "C")])
    assert claims_of(index, "x") == [(claim_id("x", 0), "B"), (claim_id("x", 1), "C")]
    put_all(index, [with_claims(3)])
    assert claims_of(index, "x") == []
    assert len(claims_of(index, "a01")) == 1


def test_claims_of_an_older_version_change_nothing(index: Index) -> None:
    put_all(index, [with_claims(2, "B")])
    stale = documents_of(with_claims(1, "A", "B", "C"))
    assert index.replace_claims("x", stale.article.version, stale.claims) == []
    assert claims_of(index, "x") == [(claim_id("x", 0), "B")]


def test_any_order_of_deliveries_ends_in_the_newest(index: Index) -> None:
    one, two = with_claims(1, "A", "B"), with_claims(2, "C")
    for order in ((one, two), (two, one), (one, two, one, one, two), (two, two, one)):
        for each in order:
            put_all(index, [each])
        assert claims_of(index, "x") == [(claim_id("x", 0), "C")]


# --- several at once ---

_WRITER = """
import sys
from govwire.core.index import open_index
from govwire.core.index.documents import documents_of
from govwire.core.settings import Settings
from tagged_samples import NOW, claim, tagged

index = open_index(Settings.model_validate_json(sys.argv[1]))
said = claim("So.", "W", "open_models", "favor")
for number in range(60):
    documents = documents_of(
        tagged(f"w{number:03d}", "By another process", published_at=NOW, claims=[said])
    )
    index.put("articles", [documents.article])
    index.replace_claims(documents.article.id, documents.article.version, documents.claims)
index.close()
"""


def test_searches_answer_while_another_process_writes(settings: Settings, index: Index) -> None:
    put_all(index, SAMPLES)
    paths = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, settings.model_dump_json()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    counts = []
    with ThreadPoolExecutor(3) as pool:
        while writer.poll() is None:
            futures = [pool.submit(index.search, parse("process", NOW), limit=5) for _ in range(3)]
            counts.append(max(future.result().total for future in futures))
            put_all(index, SAMPLES[:2])
    assert writer.returncode == 0
    index.refresh()
    assert counts == sorted(counts)
    assert index.search(parse("process", NOW)).total == 60
    assert index.search(parse("", NOW)).total == 60 + len(SAMPLES)
    assert index.search(parse("claim:(holder:W)", NOW), kind="claims").total == 60
