"""Dates: which statement counts, how precise it is, and that none is ever invented."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.records import Dated, Entry
from processors.extraction.date_text import parse
from processors.extraction.dates import find_published, find_updated
from processors.extraction.document import Document, read

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def document(html: str, url: str = "https://gazette.example/a") -> Document:
    found = read(html, url)
    assert found
    return found


def published(html: str, url: str = "https://gazette.example/a", language: str = "en") -> Dated | None:
    return find_published(document(html, url), language, None, NOW)


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("2026-03-04", "en", "2026-03-04"),
        ("20260304", "en", "2026-03-04"),
        ("2026/3/4", "en", "2026-03-04"),
        ("2026年3月4日", "ja", "2026-03-04"),
        ("2026년 3월 4일", "ko", "2026-03-04"),
        ("March 4, 2026", "en", "2026-03-04"),
        ("4th of March 2026", "en", "2026-03-04"),
        ("Von Ada Example, 4. März 2026", "de", "2026-03-04"),
        ("04.03.2026", "de", "2026-03-04"),
        ("04.03.26 | 14:07 Uhr", "de", "2026-03-04"),
        ("4 de marzo de 2026", "es", "2026-03-04"),
        ("mercredi 4 mars 2026", "fr", "2026-03-04"),
        ("4 марта 2026", "ru", "2026-03-04"),
        ("4 listopada 2026", "pl", "2026-11-04"),
        ("4. listopada 2026.", "hr", "2026-10-04"),
        ("４ March ２０２６", "en", "2026-03-04"),
        ("3/4/2026", "en-US", "2026-03-04"),
        ("4/3/2026", "en-GB", "2026-03-04"),
        ("4/3/2026", "it", "2026-03-04"),
        ("13/3/2026", "en", "2026-03-13"),
        ("Wed, 04 Mar 2026 08:00:00 GMT", "en", "2026-03-04"),
    ],
)
def test_a_whole_date_is_read_in_any_spelling(text: str, language: str, day: str) -> None:
    found = parse(text, language, "text")
    assert found
    assert f"{found.at:%Y-%m-%d}" == day


@pytest.mark.parametrize(
    "text",
    [
        "This October", "October 2026", "2026", "2026-10", "10/2026", "3 hours ago", "yesterday", "Tuesday, 9:00",
        "32 Feb 2026", "2026-02-30T25:61:00Z", "0000-00-00", "3/4/2026", "version 1.10.2026.4", "+49 2026 123456", "",
        "May 2026 be a good year",
    ],
)  # fmt: skip
def test_no_date_is_ever_invented(text: str) -> None:
    assert parse(text, "en", "text") is None


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2026-03-04T10:30:15+09:00", datetime(2026, 3, 4, 1, 30, 15, tzinfo=UTC), "second"),
        ("2026-03-04T10:30Z", datetime(2026, 3, 4, 10, 30, tzinfo=UTC), "minute"),
        ("2026-03-04T10:30:15.123+0100", datetime(2026, 3, 4, 9, 30, 15, tzinfo=UTC), "second"),
        ("2026-03-04 10:30:15", datetime(2026, 3, 4, tzinfo=UTC), "day"),  # local time of nobody knows where
        ("2026-03-04T00:00:00+08:00", datetime(2026, 3, 4, tzinfo=UTC), "day"),
        ("Wed, 04 Mar 2026 23:30:00 -0500", datetime(2026, 3, 5, 4, 30, tzinfo=UTC), "second"),
    ],
)
def test_precision_is_what_the_text_bears_out(text: str, at: datetime, precision: str) -> None:
    assert parse(text, "en", "meta") == Dated(at=at, precision=precision, provenance="meta")  # type: ignore[arg-type]


@given(st.text(max_size=80), st.sampled_from(["en", "de", "zh", "und", "no-such-language", "en-GB"]))
def test_reading_a_date_is_total(text: str, language: str) -> None:
    found = parse(text, language, "text")
    assert found is None or found.at.tzinfo


@given(st.integers(0, 31 * 366 * 86_400), st.integers(-12 * 60, 14 * 60))
def test_every_instant_in_iso_8601_comes_back(seconds: int, offset_minutes: int) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    local = datetime(1995, 1, 2, tzinfo=zone) + timedelta(seconds=seconds)
    found = parse(local.isoformat(), "en", "meta")
    assert found
    # Midnight is how templates print a date without a time.
    assert found.at == local if local.time() != time() else found.at.date() == local.date()
    assert found.at.tzinfo is UTC


JSON_LD = '<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": "2026-01-01"}</script>'
META = '<meta property="article:published_time" content="2026-01-02">'
TIME = '<time datetime="2026-01-03">yesterday</time>'
TEXT = '<p class="byline">Ada Example, 5 January 2026</p>'
PATH = "https://gazette.example/2026/01/04/register"


@pytest.mark.parametrize(
    ("html", "url", "day", "provenance"),
    [
        (JSON_LD + META + TIME + TEXT, PATH, 1, "json_ld"),
        (META + TIME + TEXT, PATH, 2, "meta"),
        (TIME + TEXT, PATH, 3, "time_element"),
        (TEXT, PATH, 4, "url"),
        (TEXT, "https://gazette.example/a", 5, "text"),
    ],
    ids=["json_ld", "meta", "time_element", "url", "text"],
)
def test_what_is_meant_for_machines_counts_first(html: str, url: str, day: int, provenance: str) -> None:
    found = published(html, url)
    assert found
    assert (found.at.day, found.provenance) == (day, provenance)


def test_a_date_in_a_sentence_is_none_of_the_article() -> None:
    assert (
        published("<h1>AI Act enters into force on 2 August 2026</h1><p>It took until 1 August 2024 to pass.</p>")
        is None
    )


def test_dates_of_related_articles_and_comments_are_none_of_this_one() -> None:
    assert published('<aside><time datetime="2026-01-03">x</time><time datetime="2026-01-04">y</time></aside>') is None
    assert published('<div class="comments"><p class="date">3 January 2026</p></div>') is None


@pytest.mark.parametrize("day", ["2027-01-01T10:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01", "1899-12-30"])
def test_an_implausible_date_is_kept_and_marked_unless_a_better_one_is_there(day: str) -> None:
    claim = f'<meta property="article:published_time" content="{day}">'
    found = published(claim)
    assert found
    assert not found.plausible
    better = published(claim + TIME)
    assert better
    assert (better.at.day, better.plausible) == (3, True)


def test_a_day_ahead_is_plausible_as_zones_are() -> None:
    found = published('<meta property="article:published_time" content="2026-11-25">')
    assert found
    assert found.plausible


@pytest.mark.parametrize(
    ("said", "plausible"),
    [
        ("2026-11-24T09:00:03Z", False),  # the moment of the answer
        ("2026-11-24T08:57:00Z", True),
        ("2026-11-24T09:50:00Z", True),  # a clock that is wrong
        ("2026-11-24T20:00:00Z", False),
        ("2026-11-24", True),
    ],
)
def test_a_time_ahead_of_clocks_or_of_the_very_answer_is_marked(said: str, *, plausible: bool) -> None:
    found = published(f'<meta property="article:published_time" content="{said}">')
    assert found
    assert found.plausible == plausible


def test_a_page_that_says_it_was_published_after_it_was_seen_was_updated() -> None:
    claim = document('<meta property="article:published_time" content="2026-11-20T10:00:00Z">')
    before = find_published(claim, "en", None, NOW, datetime(2026, 11, 18, tzinfo=UTC))
    after = find_published(claim, "en", None, NOW, datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    assert before
    assert after
    assert (before.plausible, after.plausible) == (False, True)


@pytest.mark.parametrize(
    ("page", "feed", "at", "provenance"),
    [
        ("2026-11-20", "2026-11-20T21:30:00Z", "2026-11-20T21:30", "feed"),
        ("2026-11-20", "2026-11-19T22:00:00Z", "2026-11-19T22:00", "feed"),  # the 20th in Asia
        ("2026-11-20", "2026-11-22T21:30:00Z", "2026-11-20T00:00", "meta"),
        ("2026-11-20T08:00:00Z", "2026-11-20T21:30:00Z", "2026-11-20T08:00", "meta"),
        ("2026-11-20", "2027-01-01T00:00:00Z", "2026-11-20T00:00", "meta"),
    ],
)
def test_the_feed_tells_the_time_of_a_day_that_the_page_names(page: str, feed: str, at: str, provenance: str) -> None:
    entry = Entry(feed_url="https://gazette.example/feed", published_at=datetime.fromisoformat(feed))
    found = find_published(document(f'<meta property="article:published_time" content="{page}">'), "en", entry, NOW)
    assert found
    assert (f"{found.at:%Y-%m-%dT%H:%M}", found.provenance) == (at, provenance)


def test_a_feeds_date_of_which_nothing_else_tells_is_marked_like_any_other() -> None:
    entry = Entry(feed_url="https://gazette.example/feed", published_at=datetime(2031, 1, 1, tzinfo=UTC))
    found = find_published(document("<p>x</p>"), "en", entry, NOW)
    assert found
    assert (found.provenance, found.plausible) == ("feed", False)


def test_broken_json_ld_still_tells_its_date() -> None:
    broken = '<script type="application/ld+json">{"headline": "A", "datePublished": "2026-01-01", oops</script>'
    found = published(broken)
    assert found
    assert found.provenance == "json_ld"


def test_published_and_updated_are_told_apart() -> None:
    html = '<time class="published" datetime="2026-01-03">a</time><time class="updated" datetime="2026-01-05">b</time>'
    found, changed = published(html), find_updated(document(html), "en", None, NOW)
    assert found
    assert changed
    assert (found.at.day, changed.at.day) == (3, 5)
