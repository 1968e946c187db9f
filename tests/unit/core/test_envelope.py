"""The envelope: deterministic, readable by any CloudEvents program, and the record inside untouched."""

import re

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.envelope import ce_id, lane_of, traceparent, wrap
from govwire.core.records import AlertMessage, Lane, Record
from samples import article, page, tagged

ALERT = AlertMessage(
    message_id="m1",
    subscription="mine",
    kind="new_story",
    story_id="s1",
    article_id="a1",
    title="A title",
    url="https://wire.example/a1",
    source_name="The Wire",
    subject="A subject",
    body="A body",
)


@pytest.mark.parametrize("record", [page(), article(), tagged(), ALERT], ids=["page", "article", "tagged", "alert"])
def test_a_cloudevents_program_reads_the_record_and_its_attributes(record: Record) -> None:
    message = wrap("classify", "the-key", record, lane=Lane.BACKFILL, url_id="u1", fetch_id="f1")
    headers = {name: value.encode() for name, value in message.headers.items()}
    event = from_binary(KafkaMessage(headers, message.key, message.value), JSONFormat(), CloudEvent)
    assert event.get_id() == ce_id("classify", record)
    assert event.get_type() == f"govwire.{type(record).__name__.lower()}.v1"
    assert event.get_source() == "/govwire/classify"
    assert event.get_datacontenttype() == "application/json"
    assert (event.get_subject(), event.get_extension("fetchid")) == ("u1", "f1")
    assert (event.get_extension("lane"), event.get_extension("partitionkey")) == ("backfill", "the-key")
    assert type(record).from_json(message.value) == record


def test_the_same_record_has_the_same_envelope_but_for_the_time() -> None:
    first, second = (wrap("extract", "k", article(), lane=Lane.LIVE, url_id="u1", fetch_id="f1") for _ in range(2))
    assert (first.key, first.value) == (second.key, second.value)
    assert {**first.headers, "ce_time": ""} == {**second.headers, "ce_time": ""}


def test_ids_differ_by_stage_revision_fetch_and_epoch() -> None:
    first = article()
    labelled = tagged()
    later = labelled.labels.model_copy(update={"epoch": labelled.labels.epoch + 1})
    ids = [
        ce_id("extract", first),
        ce_id("classify", first),
        ce_id("extract", first.model_copy(update={"revision": first.revision + 1})),
        ce_id("extract", first.model_copy(update={"fetch_id": "another"})),
        ce_id("classify", labelled),
        ce_id("classify", labelled.model_copy(update={"labels": later})),
        ce_id("deliver", ALERT),
        ce_id("deliver", ALERT.model_copy(update={"message_id": "m2"})),
        ce_id("crawl", page()),
    ]
    assert len(set(ids)) == len(ids)


def test_all_that_stages_make_of_one_fetch_lies_in_one_trace() -> None:
    traces = [
        wrap(stage, "k", record, lane=Lane.LIVE, url_id="u1", fetch_id="f1").headers["ce_traceparent"]
        for stage, record in (("crawl", page()), ("extract", article()), ("classify", tagged()))
    ]
    assert len({trace.split("-")[1] for trace in traces}) == 1
    assert len({trace.split("-")[2] for trace in traces}) == 3


@given(seeds=st.tuples(st.text(), st.text()))
def test_a_traceparent_has_the_form_of_w3c(seeds: tuple[str, str]) -> None:
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", traceparent(*seeds))


@pytest.mark.parametrize(
    ("headers", "lane"),
    [
        ({"ce_lane": "backfill"}, Lane.BACKFILL),
        ({"ce_lane": "live"}, Lane.LIVE),
        ({"ce_lane": "sideways"}, Lane.LIVE),
        ({}, Lane.LIVE),
    ],
)
def test_the_lane_is_read_from_the_headers_and_live_where_it_is_unknown(headers: dict[str, str], lane: Lane) -> None:
    assert lane_of(headers) is lane
