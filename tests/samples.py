"""Small, whole records that tests begin with and change by `model_copy`."""

from datetime import UTC, datetime
from typing import Any

from govwire.core.records import (
    Article,
    Claim,
    Dated,
    Entry,
    Evidence,
    Header,
    Labels,
    Lane,
    Page,
    Score,
    SourceFacts,
    StanceLabel,
    Tagged,
    TopicLabel,
)

SEEN_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FETCHED_AT = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
TEXT = (
    "Ministers met in Geneva on Thursday. “We need binding rules for frontier systems,” said Ana Ruiz, who chairs the "
    "talks. Industry groups called the plan premature."
)


def source(**changes: Any) -> SourceFacts:
    facts = {
        "id": "wire",
        "name": "The Wire",
        "kind": "press",
        "country": "GB",
        "language": "en",
        "rights": "excerpt",
        "tags": ("europe",),
    }
    return SourceFacts(**(facts | changes))


def page(*, body: bytes = b"<html><body><p>Hello</p></body></html>", **changes: Any) -> Page:
    values = {
        "url_id": "u" * 32,
        "fetch_id": "u" * 32 + "-20261120T090500.000000Z",
        "lane": Lane.LIVE,
        "source": source(),
        "url": "https://wire.example/a?id=1",
        "final_url": "https://wire.example/a?id=1",
        "status": 200,
        "headers": (Header(name="content-type", value="text/html; charset=utf-8"),),
        "fetched_at": FETCHED_AT,
        "first_seen_at": SEEN_AT,
        "entry": Entry(feed_url="https://wire.example/feed.xml", title="Talks in Geneva"),
        "body_zstd": Page.pack(body),
        "body_bytes": len(body),
    }
    return Page(**(values | changes))


def article(**changes: Any) -> Article:
    values = {
        "article_id": "a" * 32,
        "url_id": "u" * 32,
        "fetch_id": "u" * 32 + "-20261120T090500.000000Z",
        "revision": 1,
        "lane": Lane.LIVE,
        "source": source(),
        "url": "https://wire.example/a?id=1",
        "requested_url": "https://wire.example/a?id=1",
        "title": "Talks on binding AI rules open in Geneva",
        "text": TEXT,
        "authors": ("Jo Field",),
        "language": "en",
        "published": Dated(at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC), precision="minute", provenance="json_ld"),
        "fetched_at": FETCHED_AT,
        "first_seen_at": SEEN_AT,
        "text_hash": "h" * 32,
        "story_id": "s" * 32,
        "extractor": "govwire-1",
    }
    return Article(**(values | changes))


def evidence(text: str, of: str = TEXT) -> Evidence:
    start = of.index(text)
    return Evidence(text=text, start=start, end=start + len(text))


def labels(**changes: Any) -> Labels:
    quote = evidence("We need binding rules for frontier systems")
    values = {
        "relevant": True,
        "relevance_score": 0.97,
        "relevance_by": "model",
        "topics": (
            TopicLabel(id="regulation_law", score=0.9),
            TopicLabel(id="safety_risk", score=0.6, role="mentioned"),
        ),
        "stance": (
            StanceLabel(target="stronger_governance", label="favor", score=0.8, evidence=quote),
            StanceLabel(target="binding_regulation", label="favor", score=0.7, evidence=quote),
        ),
        "claims": (
            Claim(holder="Ana Ruiz", target="binding_regulation", label="favor", score=0.7, evidence=quote),
            Claim(
                holder="Industry groups",
                target="binding_regulation",
                label="against",
                score=0.3,
                evidence=evidence("called the plan premature"),
                shown=False,
            ),
        ),
        "topic_scores": (Score(id="regulation_law", score=0.9),),
        "model": "test-1",
        "epoch": 1,
    }
    return Labels(**(values | changes))


def tagged(**changes: Any) -> Tagged:
    return Tagged(article=changes.pop("article", article()), labels=labels(**changes))
