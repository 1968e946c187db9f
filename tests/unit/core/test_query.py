"""The query language: what it means, and what its errors say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.errors import QueryError
from govwire.core.index.documents import article_body
from govwire.core.query import parse
from govwire.core.settings import find_config
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from tagged_samples import NOW, article_documents, claim_documents, tagged

ARTICLES = article_documents()
CLAIMS = claim_documents()


def found(query: str) -> set[str]:
    parsed = parse(query, NOW)
    return {document["article_id"] for document in ARTICLES if parsed.matches(document)}


ALL = found("")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"binding regulation"', {"a01", "a02"}),
        ("warns regulate", {"a03"}),
        ("Regulierung", {"a04"}),
        ("régulation", {"a05"}),
        ("治理", {"a06"}),
        ("治", {"a06", "a07"}),
        ("人工智能", {"a06"}),
        ("KI-Verordnung", {"a04"}),
        ("STRASSEN", {"a04"}),
        ("Meta", {"a05"}),
        ("met lang:en", {"a10"}),
        ("regulation lang:und", {"a12"}),
        ("title:act source:parliament", {"a01"}),
        ('title:"AI Act"', {"a01", "a02"}),
        ('"AI Act members"', set()),
        ("U.S.", {"a14"}),
        ("US", {"a14"}),
        ("규제", {"a21"}),
        ("ガイド", {"a20"}),
        ("กฎหมาย", {"a23"}),
        ("الذكاء", {"a22"}),
        ("country:de lang:DE", {"a04"}),
        ("kind:legislator date:2026-11", {"a01"}),
        ("tag:agency topic:regulation_law lang:de", {"a04"}),
        ("story:s-act", {"a01", "a02"}),
        ("law:eu_ai_act", {"a01", "a02", "a04"}),
        ("law:eu_ai_act -law:california_sb_53 lang:en", {"a01"}),
        ("act:adopted", {"a01"}),
        ("act:signed OR act:delayed", {"a01", "a02"}),
        ("act:vetoed", set()),
        ("instrument:ban", {"a01", "a02"}),
        ("instrument:disclosure", {"a01"}),
        ("story:s-act -source:wire", {"a01"}),
        ("title:governance OR 治理", {"a06", "a16"}),
        ("industry (warns OR frontier)", {"a03"}),
        ("stance.binding_regulation:favor", {"a01"}),
        ("stance:unsure", {"a08"}),
        ("stance:against since:7d", {"a03"}),
        ("date:2024-02-29", {"a17"}),
        ("date:2025", {"a18"}),
        ("date:2026-01-01", {"a19"}),
        ("until:2025-12-30", {"a17"}),
        ("date:..2025-12-31", {"a17", "a18"}),
        ("date:2025-12-31..2026-01", {"a18", "a19"}),
        ("since:24h undated", {"a11"}),
        ("claim:(holder:zeng_yi)", {"a06", "a08", "a09"}),
        ('claim:(holder:"Zeng Yi")', {"a08", "a09"}),
        ("claim:(holder:曾)", {"a06"}),
        ('claim:(holder:"Zeng Yi" target:inclusive_development)', {"a08"}),
        ('claim:(holder:"Zeng Yi") claim:(target:inclusive_development)', {"a08", "a09"}),
        ("claim:(target:inclusive_development -stance:favor)", {"a08"}),
        ("claim:(holder:_author)", set()),
        ("claim:(holder:_author) candidates:yes", {"a03"}),
        ("candidates:yes claim:(target:inclusive_development stance:favor holder:zeng_yi)", {"a06", "a08"}),
        ("claim:(holder:Acme (target:slowing_frontier OR stance:favor))", {"a02", "a03", "a09"}),
        ("claim:(holder:author) candidates:yes", set()),
        ("“binding regulations”", {"a01", "a02"}),
        ("（治理 OR KI-Verordnung）", {"a04", "a06"}),
        ("title：governance title:only", {"a16"}),
    ],
)
def test_a_query_finds(query: str, expected: set[str]) -> None:
    assert found(query) == expected


def test_the_empty_query_finds_everything() -> None:
    assert found("  ") == ALL
    assert len(ALL) == len(ARTICLES)


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("a OR b c", "a OR (b AND c)"),
        ("NOT a b", "(NOT a) b"),
        ("-a", "NOT a"),
        ("NOT NOT act", "act"),
        ("stance:favor", "stance.stronger_governance:favor"),
        ("AI-Act", '"AI Act"'),
        ("candidates:no act", "act"),
    ],
)
def test_two_ways_to_write_the_same(query: str, same: str) -> None:
    assert found(query) == found(same)


def test_a_flat_claim_is_its_own_only_claim_and_its_text() -> None:
    query = parse('claim:(holder:"Zeng Yi" stance:favor) inclusive topic:international', NOW)
    assert [claim["claim_id"] for claim in CLAIMS if query.matches(claim)] == ["a08-000"]


def test_a_flat_claim_repeats_the_laws_acts_and_instruments_of_its_article() -> None:
    query = parse("law:california_sb_53 act:signed instrument:ban", NOW)
    assert [claim["claim_id"] for claim in CLAIMS if query.matches(claim)] == ["a02-000", "a02-001"]


def test_a_query_keeps_its_text() -> None:
    assert parse(" AI  act ", NOW).text == " AI  act "


def test_relative_dates_count_from_the_given_now() -> None:
    document = article_body(tagged("x", published_at=NOW - timedelta(days=6)))
    assert parse("since:7d", NOW).matches(document)
    assert not parse("since:7d", NOW + timedelta(days=2)).matches(document)
    assert parse("until:5d", NOW).matches(document)


def test_a_day_ends_where_the_next_begins() -> None:
    last = article_body(tagged("x", published_at=datetime(2026, 10, 5, 23, 59, 59, 999999, tzinfo=UTC)))
    first = article_body(tagged("x", published_at=datetime(2026, 10, 6, tzinfo=UTC)))
    query = parse("date:2026-10-05", NOW)
    assert query.matches(last)
    assert not query.matches(first)


@pytest.mark.parametrize(
    ("query", "column", "words"),
    [
        ("act sourc:x", 5, "did you mean source?"),
        ("foo:bar", 1, "known: title, source"),
        ("https://a.example", 1, "goes in quotes"),
        ("(act", 1, "never closed"),
        ("act)", 4, "closes nothing"),
        ('act "law', 5, "never closed"),
        ("()", 2, "missing here"),
        ("act AND", 8, "AND needs something after it"),
        ("OR act", 1, "OR needs something before it"),
        ("act NOT", 8, "NOT needs something after it"),
        ("topic:", 7, "a value is missing after topic:"),
        ("act !!", 5, "nothing to search for"),
        ("stance:favour", 8, "did you mean favor?"),
        ("kind:pres", 6, "did you mean press?"),
        ("topic:regulation_lw", 7, "did you mean regulation_law?"),
        ("law:eu_ai_akt", 5, "did you mean eu_ai_act or "),
        ("a law:sb_53", 7, "california_sb_53"),
        ("act:adoption", 5, "did you mean adopted?"),
        ("instrument:licence", 12, "did you mean licensing?"),
        ("stance.binding_regulatio:favor", 1, "did you mean binding_regulation?"),
        ("claim:(target:open_model)", 15, "did you mean open_models?"),
        ("date:2026-13", 6, "is no date"),
        ("date:2026-10-01..2026-10-99", 18, "is no date"),
        ("date:..", 6, "no date"),
        ("date:7d", 6, "is no date"),
        ("since:9999999d", 7, "is no date"),
        ("since:999999w", 7, "is no date"),
        ("claim:(act)", 8, "not a word alone"),
        ("claim:(holder:a claim:(holder:b))", 17, "holds no other claim"),
        ("claim:(topic:x)", 8, "unknown field inside claim"),
        ("claim:act", 1, "takes brackets"),
        ("holder:Acme", 1, "stands inside brackets"),
        ("title:(a b)", 1, "only claim: takes brackets"),
        ("a OR candidates:yes", 6, "beside the rest"),
        ("candidates:maybe", 12, "yes or no"),
        ("act\nsourc:x", 5, "did you mean source?"),
        ("x" * 5000, 4001, "longer than"),
        ("(" * 9 + "a" + ")" * 9, 9, "nest deeper"),
        ("a " * 300, 401, "more than 200"),
    ],
)
def test_a_mistake_names_its_column_and_the_way_out(
    query: str, column: int, words: str, vocabulary: Vocabulary
) -> None:
    with pytest.raises(QueryError) as error:
        parse(query, NOW, vocabulary)
    assert error.value.column == column
    assert words in str(error.value)
    assert "\n" not in str(error.value).replace(query, "")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(find_config())


def test_topics_targets_laws_and_instruments_are_only_checked_against_a_vocabulary(vocabulary: Vocabulary) -> None:
    assert parse("topic:regulation_law stance.open_models:favor law:eu_ai_act instrument:ban", NOW, vocabulary)
    assert parse("topic:something_new law:something_new instrument:something_new", NOW)


@given(st.text("ab (\"'):-.治AND ORNT\ttitlesourceclaimholdersincedate0123456789dhw“"))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = parse(text, NOW)
    except QueryError as error:
        column = error.column
    else:
        column = 1
        for document in ARTICLES[:3]:
            assert isinstance(query.matches(document), bool)
    assert 1 <= column <= len(text) + 1


def test_a_long_row_of_negations_is_no_deep_recursion() -> None:
    assert found("NOT " * 900 + "act") == found("act")


def test_a_document_without_optional_facts_can_be_asked_anything() -> None:
    bare: Mapping[str, object] = article_body(tagged("x", "", "", language="und"))
    for query in ("topic:a", "stance:favor", "tag:b", "claim:(holder:x)", "act", "since:2026"):
        assert isinstance(parse(query, NOW).matches(bare), bool)


@pytest.mark.parametrize("query", ["topic:minors_overreliance", "stance.delay_rules:favor"])
def test_what_is_on_trial_is_in_no_search_and_the_error_says_so(query: str) -> None:
    with pytest.raises(QueryError, match=r"on trial \(`experimental` in config/(topics|targets)\.toml"):
        parse(query, datetime.now(UTC), load_vocabulary(Path(__file__).parents[3] / "config"))
