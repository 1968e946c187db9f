"""What robots files say, those of real hosts among them."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import Response

from crawlers.robots import KEPT, LONGEST_DELAY_SECONDS, MOST_BYTES, RETRY, Rules, received, sitemaps_in

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
# It names one in a comment, which says nothing.
COMMENTED_OUT = "robots/www.hollywoodreporter.com.txt"
URL = "https://one.example/robots.txt"


def rules(body: bytes, agent: str = "ourbot/1.0", status: int = 200) -> Rules:
    return Rules.of(received(URL, Response(URL, status, body=body), NOW), agent)


@pytest.fixture(scope="module")
def recorded(corpus_dir: Path) -> list[tuple[dict[str, Any], bytes]]:
    """Every recorded robots file, with what is known of it."""
    folder = corpus_dir / "replay"
    lines = (folder / "robots.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row, (folder / row["file"]).read_bytes()) for row in map(json.loads, lines)]


@pytest.mark.corpus
def test_every_recorded_robots_file_is_read(recorded: list[tuple[dict[str, Any], bytes]]) -> None:
    assert len(recorded) == 87
    for _, body in recorded:
        found = rules(body)
        assert found.is_known
        assert found.allow("https://one.example/robots.txt") in {True, False}


@pytest.mark.corpus
def test_one_that_names_a_crawl_delay_yields_one(recorded: list[tuple[dict[str, Any], bytes]]) -> None:
    delayed = [(row["file"], body) for row, body in recorded if any("crawl-delay" in trait for trait in row["traits"])]
    assert len(delayed) == 18
    for file, body in delayed:
        if file == COMMENTED_OUT:
            assert b"\n# Crawl-delay: 10" in body
            continue
        # Most name it for one robot only.
        agents = re.findall(rb"(?im)^\s*user-agent\s*:\s*([^\s#]+)", body)
        delays = {rules(body, agent.decode("latin-1")).delay_seconds for agent in agents}
        assert {delay for delay in delays if delay is not None}, file


@pytest.mark.corpus
def test_one_that_names_a_sitemap_yields_one(recorded: list[tuple[dict[str, Any], bytes]]) -> None:
    mapped = [(row["file"], body) for row, body in recorded if any("sitemap" in trait for trait in row["traits"])]
    assert len(mapped) == 60
    for file, body in mapped:
        found = sitemaps_in(rules(body).robots.body, "https://one.example/")
        assert found, file
        assert all(url.startswith(("http://", "https://")) for url in found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_first_group_counts_in_every_encoding_and_with_any_line_ends(encoding: str) -> None:
    found = rules("User-agent: *\r\nDisallow: /private\r\n".encode(encoding))
    assert not found.allow("https://one.example/private/a")
    assert found.allow("https://one.example/a")


def test_a_delay_of_a_day_is_cut_and_one_that_is_no_number_is_none() -> None:
    assert rules(b"User-agent: *\nCrawl-delay: 86400").delay_seconds == LONGEST_DELAY_SECONDS
    assert rules(b"User-agent: *\nCrawl-delay: soon").delay_seconds is None
    assert rules(b"User-agent: *\nCrawl-delay: 1.5").delay_seconds == 1.5


def test_sitemaps_are_found_once_each_and_relative_ones_are_the_sites_own() -> None:
    named = "Sitemap: /news.xml\nsitemap: https://one.example/news.xml\nSitemap: javascript:alert(1)\nSitemap:"
    assert sitemaps_in(named, "https://one.example/") == ["https://one.example/news.xml"]


@pytest.mark.parametrize(
    ("status", "known"), [(200, True), (404, True), (403, True), (407, False), (429, False), (500, False), (503, False)]
)
def test_a_status_tells_what_is_allowed_or_that_there_is_no_telling_yet(status: int, known: bool) -> None:
    found = rules(b"User-agent: *\nDisallow: /", status=status)
    assert found.is_known == known
    assert found.ask_again_at == NOW + (KEPT if known else RETRY)
    assert found.allow("https://one.example/a") == (status != 200 if known else None)


@given(st.binary())
def test_reading_is_total(body: bytes) -> None:
    found = rules(body)
    assert found.allow("https://one.example/a") in {True, False}
    assert found.delay_seconds is None or found.delay_seconds <= LONGEST_DELAY_SECONDS
    sitemaps_in(found.robots.body, "https://one.example/")


def test_no_more_is_kept_than_the_limit() -> None:
    assert len(rules(b"#" * (2 * MOST_BYTES)).robots.body) == MOST_BYTES
