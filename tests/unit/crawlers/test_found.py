"""What of a list is worth a fetch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawlers.found import _names_ai
from crawlers.readings import RECENT, Reading
from crawlers.room import FeedTask
from govwire.core.records import Entry
from govwire.core.state.sources import FeedRow
from govwire.core.terms import Relevance, load_terms

RELEVANCE = Relevance(load_terms(Path(__file__).parents[3] / "config"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ROW = FeedRow(
    "https://wire.example/sitemap.xml", "wire", "sitemap", None, None, None, None, NOW, None, None, None, 0, None, None
)


@pytest.mark.parametrize(
    ("title", "summary", "language", "named"),
    [
        ("New rules", "Parliament votes on artificial intelligence", None, True),
        ("AI Act: what now?", None, None, True),
        ("Snow tomorrow", "It will be cold, they said", None, False),
        ("KI-Verordnung tritt in Kraft", None, "de-AT", True),
        ("Neue Regeln für ChatGPT", None, "de", True),
        ("Bundestag debattiert die Rente", None, "de", False),
        ("人工智能治理", None, "zh-CN", True),
        ("OpenAI i nowe przepisy", None, "xx", True),
        (None, None, None, True),
    ],
)
def test_an_entry_names_ai_in_its_language_or_in_any(
    title: str | None, summary: str | None, language: str | None, named: bool
) -> None:
    entry = Entry(feed_url="https://wire.example/feed", title=title, summary=summary, language=language)
    assert _names_ai(RELEVANCE, entry, "en") is named


def test_news_are_those_of_a_few_days_or_since_a_sitemap_was_read_where_that_is_longer_ago() -> None:
    def since(read_at: datetime | None) -> datetime:
        known = replace(ROW, succeeded_at=read_at) if read_at else None
        return Reading(FeedTask(ROW.url, "wire", known, "sitemap"), NOW).since

    assert since(None) == since(NOW - timedelta(hours=1)) == NOW - RECENT
    assert since(NOW - timedelta(days=9)) == NOW - timedelta(days=9)
