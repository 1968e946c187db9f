"""Every answer of the index, on every backend, is the reference's: what `Query.matches` says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from govwire.core.errors import QueryError
from govwire.core.index import KINDS, Index, Kind
from govwire.core.index.documents import documents_of
from govwire.core.query import parse
from govwire.core.query.parser import MAX_DEPTH, MAX_TERMS
from index_backends import BACKENDS, all_pages, empty_index, expected, new_settings, put_all
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
    "law:eu_ai_act",
    "law:eu_ai_act -law:california_sb_53",
    "act:adopted",
    "act:adopted act:delayed OR act:signed",
    "act:vetoed",
    "instrument:ban",
    "instrument:disclosure law:eu_ai_act",
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
    nothing = ['"AI 治"', '"AI Act members"', "source:nobody", "act:vetoed", "tag:nothing", "claim:(holder:_author)"]
    assert empty == nothing


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
        *("law:eu_ai_act", "law:california_sb_53", "act:adopted", "act:signed", "instrument:ban"),
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
