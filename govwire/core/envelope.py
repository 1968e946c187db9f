"""The envelope of a record on the bus: CloudEvents 1.0 in Kafka binary mode, by the cloudevents package.

The attributes travel as headers (`ce_id`, `ce_lane`, `ce_traceparent` …), the record is the value as it is. `ce_id` is
deterministic, so that a record published twice is known as the same one everywhere.
Source: CloudEvents 1.0.2, Kafka protocol binding and partitioning extension; W3C Trace Context for traceparent.
"""

import hashlib
from collections.abc import Mapping

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from govwire.core.bus import Message
from govwire.core.records import Article, Lane, Page, Record, Tagged

_FORMAT = JSONFormat()


def ce_id(stage: str, record: Record) -> str:
    """The id of what a stage makes of its input: stage and id, with fetch_id for pages, else revision and epoch."""
    match record:
        case Page():
            return f"{stage}:{record.fetch_id}"
        case Article():
            return f"{stage}:{record.article_id}:{record.revision}:{record.fetch_id}"
        case Tagged():
            return f"{stage}:{record.article.article_id}:{record.article.revision}:{record.labels.epoch}"
        case _:
            return f"{stage}:{hashlib.sha256(record.to_json()).hexdigest()[:32]}"


def traceparent(trace_seed: str, span_seed: str) -> str:
    """A W3C traceparent that is the same whenever the same item passes the same stage."""
    trace, span = hashlib.sha256(trace_seed.encode()), hashlib.sha256(span_seed.encode())
    return f"00-{trace.hexdigest()[:32]}-{span.hexdigest()[:16]}-01"


def wrap(stage: str, key: str, record: Record, *, lane: Lane, url_id: str, fetch_id: str) -> Message:
    """A record as the message that `stage` publishes.

    `url_id` (the event's subject) and `fetch_id` stay readable where the record itself is not, so that the ledger can
    tell what became of it; `fetch_id` also ties the whole way of one fetch into one trace.
    """
    event_id = ce_id(stage, record)
    event = CloudEvent(
        attributes={
            "id": event_id,
            "source": f"/govwire/{stage}",
            "type": f"govwire.{type(record).__name__.lower()}.v{record.schema_number}",
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "subject": url_id,
            "fetchid": fetch_id,
            "lane": str(lane),
            "partitionkey": key,
            "traceparent": traceparent(fetch_id, event_id),
        },
        # Bytes pass as they are: a page of megabytes is written once.
        data=record.to_json(),
    )
    binary = to_binary(event, _FORMAT)
    headers = {name: value.decode() for name, value in binary.headers.items()}
    return Message(key=key, value=binary.value, headers=headers)


def lane_of(headers: Mapping[str, str]) -> Lane:
    """The lane a message travels in; live where the header is missing or unknown."""
    value = headers.get("ce_lane", "")
    return Lane(value) if value in set(Lane) else Lane.LIVE
