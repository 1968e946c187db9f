"""Records on the wire: what is read, what is refused, and that yesterday's records can still be read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.errors import DecodeError, NewerSchemaError, RecordError
from govwire.core.flow import CHANNELS
from govwire.core.records import AlertMessage, Article, DeadLetter, Page, Record, Tagged
from samples import article, page, tagged

CASES = Path(__file__).parents[2] / "cases" / "records"
RECORDS: dict[str, type[Record]] = {
    "page": Page,
    "article": Article,
    "tagged": Tagged,
    "deadletter": DeadLetter,
    "alertmessage": AlertMessage,
}


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_record_is_read_and_written_as_it_was(path: Path) -> None:
    kind = RECORDS[path.stem.split(".")[0]]
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert json.loads(kind.from_json(json.dumps(golden).encode()).to_json()) == golden


def test_every_record_of_the_flow_has_a_golden_case_of_its_schema() -> None:
    names = {f"{channel.record.__name__.lower()}.{channel.record.SCHEMA}" for channel in CHANNELS}
    assert {path.stem for path in CASES.glob("*.json")} >= names


@pytest.mark.parametrize("record", [page(), article(), tagged()], ids=["page", "article", "tagged"])
def test_a_record_comes_back_equal(record: Record) -> None:
    assert type(record).from_json(record.to_json()) == record


def test_an_unknown_field_is_ignored_at_every_depth() -> None:
    raw = json.loads(tagged().to_json())
    raw["later"] = raw["article"]["later"] = raw["labels"]["later"] = {"x": 1}
    assert Tagged.from_json(json.dumps(raw).encode()) == tagged()


def test_a_newer_schema_is_named() -> None:
    raw = json.loads(article().to_json()) | {"schema": 2}
    with pytest.raises(NewerSchemaError, match="schema 2, this program knows 1") as caught:
        Article.from_json(json.dumps(raw).encode())
    assert caught.value.reason == "newer_schema"


def test_a_naive_time_is_refused() -> None:
    raw = json.loads(article().to_json()) | {"fetched_at": "2026-11-01T10:00:00"}
    with pytest.raises(DecodeError, match="fetched_at"):
        Article.from_json(json.dumps(raw).encode())


@given(st.binary(max_size=300))
def test_any_bytes_give_a_record_or_a_record_error(value: bytes) -> None:
    for kind in RECORDS.values():
        with pytest.raises(RecordError):
            kind.from_json(value)


def test_deeply_nested_json_is_a_record_error() -> None:
    with pytest.raises(DecodeError):
        Article.from_json(b"[" * 200_000)


@given(st.binary(max_size=2000))
def test_a_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert page(body=body).body() == body


def test_a_body_that_unpacks_to_more_than_the_record_says_is_refused() -> None:
    bomb = page(body=b"0" * 1_000_000).model_copy(update={"body_bytes": 1000})
    with pytest.raises(DecodeError, match="body_zstd"):
        bomb.body()


def test_an_article_without_a_trusted_date_sorts_by_when_it_was_first_seen() -> None:
    dated = article()
    assert dated.published is not None
    assert dated.sort_at == dated.published.at
    wild = dated.published.model_copy(update={"plausible": False, "at": datetime(1246, 1, 1, tzinfo=UTC)})
    assert dated.model_copy(update={"published": wild}).sort_at == dated.first_seen_at
    assert dated.model_copy(update={"published": None}).sort_at == dated.first_seen_at
