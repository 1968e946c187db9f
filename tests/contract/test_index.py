"""The contract of the index, the same cases on every backend; `Query.matches` is what the answers are held to."""

import dataclasses
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, reject
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from govwire.core.errors import QueryError, UnknownNameError
from govwire.core.index import FACETS, KINDS, Bucket, Document, Hits, Index, Kind, open_index
from govwire.core.index.documents import TOKEN_FIELDS, claim_id, documents_of
from govwire.core.query import parse
from govwire.core.query.parser import MAX_DEPTH, MAX_TERMS
from govwire.core.query.tree import facts_of
from govwire.core.records import Tagged
from govwire.core.settings import Settings
from tagged_samples import NOW, SAMPLES, article_documents, claim, claim_documents, tagged

if TYPE_CHECKING:
    from servers.elastic import ElasticServer

BACKENDS = ["embedded", "elastic"]
DOCUMENTS = {"articles": article_documents(), "claims": claim_documents()}
ID_FIELDS = {"articles": "article_id", "claims": "claim_id"}


def new_settings(backend: str, folder: Path, request: pytest.FixtureRequest) -> Settings:
    url = "sqlite:"
    if backend == "elastic":
        server: ElasticServer = request.getfixturevalue("elastic_server")
        url = server.url
    return Settings.model_validate({"data_dir": folder, "index": {"url": url, "prefix": f"t-{uuid.uuid4().hex[:12]}"}})


@pytest.fixture(params=BACKENDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return new_settings(request.param, tmp_path, request)


@pytest.fixture
def index(settings: Settings) -> Iterator[Index]:
    """An empty index."""
    opened = open_index(settings)
    opened.setup()
    yield opened
    opened.close()


@pytest.fixture(params=BACKENDS, scope="module")
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index that holds all samples, and is only read."""
    opened = open_index(new_settings(request.param, tmp_path_factory.mktemp("index"), request))
    opened.setup()
    put_all(opened, SAMPLES)
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


# --- every answer is the reference's ---

QUERIES = [
    "",
    "act",
    "regulation",
    "régulation",
    "Regulierung",
    "KI-Verordnung",
    "治理",
    "人工智能",
    "治",
    '"AI 治"',
    '"AI 法"',
    "曾",
    "규제",
    "กฎหมาย",
    "الذكاء",
    "Meta",
    "met",
    "U.S.",
    "ＡＩ",
    '"binding regulations"',
    '"AI Act members"',
    "title:governance",
    'title:"AI Act"',
    "title:治",
    "act -regulation",
    "NOT act",
    "act OR 治理",
    "(act OR governance) (topic:safety OR kind:press) -source:wire",
    *(f"source:{source}" for source in ("wire", "parliament", "ribao", "nobody")),
    "kind:press",
    "country:de",
    "country:EU OR country:INT",
    "lang:zh",
    "lang:und",
    "topic:international",
    "story:s-act",
    "tag:eu",
    "tag:nothing",
    "stance:favor",
    "stance:unsure",
    "stance.inclusive_development:favor",
    "date:2026-11",
    "date:2026-10-15..2026-10-31",
    "date:2025",
    "date:2024-02-29",
    "date:..2025-12-31",
    "since:7d",
    "until:30d",
    "since:2026-01-01 until:2026-10",
    "claim:(stance:favor)",
    "claim:(holder:zeng_yi)",
    'claim:(holder:"Zeng Yi" target:inclusive_development stance:favor)',
    'claim:(holder:"Zeng Yi") claim:(target:inclusive_development)',
    "claim:(holder:曾)",
    "claim:(holder:_author)",
    "claim:(holder:_author) candidates:yes",
    "claim:(holder:zeng_yi target:inclusive_development) candidates:yes",
    "claim:(NOT stance:favor)",
    "NOT claim:(stance:favor)",
    "claim:((holder:Acme OR holder:others) -target:slowing_frontier)",
    "candidates:yes act",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers_as_the_reference(full: Index, query: str, kind: Kind) -> None:
    assert all_pages(full, query, kind) == expected(query, kind)


def test_the_cases_are_not_vacuous() -> None:
    empty = [query for query in QUERIES if not expected(query, "articles")]
    assert empty == ['"AI 治"', '"AI Act members"', "source:nobody", "tag:nothing", "claim:(holder:_author)"]


_WORDS = st.sampled_from(
    [
        *("act", "regulation", "regulated", "governance", "note", "3", "AI", "U.S.", "met", "Meta"),
        *("治", "治理", "人工智能", "法案", "규", "ガイド", "Straße", "l'IA", "ministre"),
    ]
)
_PHRASES = st.lists(_WORDS, min_size=1, max_size=3).map(lambda words: f'"{" ".join(words)}"')
_FIELDS = st.sampled_from(
    [
        *("source:wire", "kind:press", "country:CN", "lang:en", "story:s-act", "tag:eu"),
        *("topic:safety", "topic:regulation_law", "stance:favor", "stance:against"),
        *("stance.inclusive_development:favor", "date:2026-11", "date:2026-10-20..2026-11-20", "since:12d", "until:9d"),
    ]
)
_CLAIM_LEAVES = st.sampled_from(
    [
        "holder:zeng_yi",
        'holder:"Zeng Yi"',
        "holder:曾",
        "holder:Acme",
        "holder:_author",
        "target:slowing_frontier",
        "target:inclusive_development",
        "stance:favor",
        "stance:against",
    ]
)


def _nested(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" ", " AND ", " OR "]), inner).map("".join).map("({})".format),
            inner.map("NOT {}".format),
        ),
        max_leaves=5,
    )


_CLAIMS = _nested(_CLAIM_LEAVES).map("claim:({})".format)
_TITLES = st.one_of(_WORDS, _PHRASES).map("title:{}".format)
_RANDOM = st.tuples(
    _nested(st.one_of(_WORDS, _PHRASES, _TITLES, _FIELDS, _CLAIMS)), st.sampled_from(["", " candidates:yes"])
).map("".join)


@pytest.mark.parametrize("kind", KINDS)
@given(query=_RANDOM)
@example_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_answers_as_the_reference(full: Index, kind: Kind, query: str) -> None:
    try:
        wanted = expected(query, kind)
    except QueryError as error:
        if "deeper" not in str(error):
            raise
        reject()
    assert all_pages(full, query, kind) == wanted


@given(text=st.text(max_size=40), language=st.sampled_from(["en", "de", "zh", "und"]))
@example_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_found_by_itself(index: Index, text: str, language: str) -> None:
    sample = tagged("x", "", text, language=language, published_at=NOW)
    put_all(index, [sample])
    quoted = '"' + text.replace('"', " ") + '"'
    try:
        query = parse(quoted, NOW)
    except QueryError:
        # A quotation mark of another kind, or nothing to search for.
        reject()
    assert query.matches(documents_of(sample).article.body) == bool(all_pages(index, quoted))


def test_the_deepest_and_the_longest_query_are_answered(full: Index) -> None:
    deepest = "act"
    for level in range(MAX_DEPTH - 1):
        deepest = f"NOT ({deepest} OR note {level})"
    deepest = f"claim:(NOT (stance:favor OR target:a target:b)) OR {deepest}"
    longest = " OR ".join([f"word{number}" for number in range(MAX_TERMS - 1)] + ["governance"])
    for query in (deepest, longest):
        assert all_pages(full, query) == expected(query, "articles")


# --- pages, facets, intervals ---


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
def test_a_histogram_counts_matches_per_interval(full: Index, kind: Kind, interval: str) -> None:
    def begins(body: "dict[str, str]") -> str:
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
