"""What a labelled article becomes in the index, and the mappings that hold it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.index import FACETS, KINDS, Kind
from govwire.core.index.documents import TOKEN_FIELDS, Fetch, documents_of, tagged_of, version_of
from govwire.core.query.tree import CLAIM_FACTS, FACTS
from govwire.core.records import Dated, Lane, Tagged
from govwire.core.share import shared
from tagged_samples import NOW, SAMPLES, claim, tagged

NUMBERS = st.integers(1, 999_999)


def mapping(kind: Kind) -> Mapping[str, Any]:
    template = json.loads((shared("elasticsearch") / f"{kind}.json").read_text(encoding="utf-8"))
    properties: Mapping[str, Any] = template["template"]["mappings"]["properties"]
    return properties


def paths(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, entry in properties.items():
        yield f"{prefix}{name}"
        yield from paths(entry.get("properties", {}), f"{prefix}{name}.")


def paths_of(value: object, prefix: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{prefix}{name}"
            yield from paths_of(inner, f"{prefix}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of(inner, prefix)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_newer_revision_wins_over_any_epoch_and_a_newer_epoch_within_a_revision(
    revision: int, epoch: int, other_revision: int, other_epoch: int
) -> None:
    one = version_of(tagged("x", revision=revision, epoch=epoch))
    other = version_of(tagged("x", revision=other_revision, epoch=other_epoch))
    assert (one < other) == ((revision, epoch) < (other_revision, other_epoch))
    # Elasticsearch holds versions in 63 bits.
    assert one < 2**63


def test_the_same_article_becomes_the_same_documents() -> None:
    for sample in SAMPLES:
        assert documents_of(sample) == documents_of(type(sample).from_json(sample.to_json()))


@given(NUMBERS, NUMBERS, st.integers(0, 998))
def test_a_correction_wins_within_its_epoch_and_never_over_a_newer_one(
    revision: int, epoch: int, corrections: int
) -> None:
    sample = tagged("x", revision=revision, epoch=epoch)
    newer = tagged("x", revision=revision, epoch=epoch + 1)
    assert version_of(sample, corrections) < version_of(sample, corrections + 1) < version_of(newer)


def fetch_of(sample: Tagged) -> Fetch:
    article = sample.article
    return Fetch(article.fetch_id, article.requested_url, article.text_hash)


def test_an_article_document_and_its_fetch_give_the_labelled_article_back() -> None:
    for sample in SAMPLES:
        assert tagged_of(documents_of(sample).article.body, fetch_of(sample)) == sample


def test_dates_come_back_as_they_were_stated() -> None:
    wild = Dated(at=NOW, precision="day", provenance="url", plausible=False)
    stated = tagged("x").article.model_copy(update={"updated": wild, "published": wild, "summary": "In short."})
    sample = Tagged(article=stated, labels=tagged("x").labels)
    assert tagged_of(documents_of(sample).article.body, fetch_of(sample)) == sample


def test_an_article_that_is_sent_through_anew_keeps_the_lane_it_came_by() -> None:
    sample = tagged("x")
    again = sample.article.model_copy(update={"lane": Lane.BACKFILL, "came_by": Lane.LIVE})
    assert documents_of(Tagged(article=again, labels=sample.labels)) == documents_of(sample)


def test_only_shown_claims_become_documents_and_are_numbered_without_a_gap() -> None:
    said = [claim("So.", name, "open_models", "favor", shown=name != "B") for name in "ABC"]
    documents = documents_of(tagged("x", claims=said))
    assert [(flat.id, flat.body["holder"]) for flat in documents.claims] == [("x-000", "A"), ("x-001", "C")]
    assert [nested["holder"] for nested in documents.article.body["claims"]] == ["A", "B", "C"]


def test_a_claim_repeats_the_facts_of_its_article_and_not_its_text() -> None:
    for sample in SAMPLES:
        documents = documents_of(sample)
        for flat in documents.claims:
            assert "text" not in flat.body
            assert flat.version == documents.article.version
            for name in (
                "article_id",
                "title",
                "source",
                "story_id",
                "topic_ids",
                "stance_labels",
                "law_ids",
                "act_ids",
                "instrument_ids",
                "sort_at",
            ):
                assert flat.body[name] == documents.article.body[name]


def test_an_act_told_in_several_sentences_is_one_fact() -> None:
    body = documents_of(tagged("x", acts=("adopted:a", "adopted:b", "signed"))).article.body
    assert body["act_ids"] == ["adopted", "signed"]
    assert [act["law"] for act in body["acts"]] == ["a", "b", None]


def test_an_article_without_a_plausible_date_is_sorted_by_when_it_was_first_seen() -> None:
    body = documents_of(tagged("x")).article.body
    assert body["published_at"] is None
    assert body["sort_at"] == body["first_seen_at"] == "2026-11-24T12:00:00.000Z"


def test_the_article_itself_has_no_name_to_search_by() -> None:
    documents = documents_of(tagged("x", claims=[claim("So.", "_author", "open_models", "favor")], published_at=NOW))
    assert documents.claims[0].body["holder_tokens"] == ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_document_is_in_the_mapping(kind: Kind) -> None:
    known = set(paths(mapping(kind)))
    for sample in SAMPLES:
        made = documents_of(sample)
        for document in (made.article,) if kind == "articles" else made.claims:
            assert set(paths_of(document.body)) <= known


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_queries_and_facets_ask_for_is_a_keyword(kind: Kind) -> None:
    known = mapping(kind)
    wanted = {*FACTS.values(), *FACETS[kind].values()}
    wanted |= {f"claims.{path}" if kind == "articles" else path for path in CLAIM_FACTS.values()}
    for path in wanted:
        entry: Mapping[str, Any] = {"properties": known}
        for name in path.split("."):
            entry = entry["properties"][name]
        assert entry["type"] == "keyword", path
    assert all(known[name]["analyzer"] == "whitespace" for name in TOKEN_FIELDS)


def test_what_articles_and_claims_share_is_mapped_alike() -> None:
    articles, claims = mapping("articles"), mapping("claims")
    for name in articles.keys() & claims.keys():
        assert articles[name] == claims[name], name
    nested = articles["claims"]["properties"]
    assert nested == {name: claims[name] for name in nested}
