"""What a page says of who may read it, and whether its text is the whole."""

import json
from datetime import UTC, datetime

import pytest

from processors.extraction import Draft, extract
from processors.extraction.text import MAX_TEXT_LENGTH

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LEAD = "The city council voted on Tuesday to keep a public register of every high-risk AI system that it uses. "
REST = "".join(
    f"<p>Residents of district {number} will see which departments rely on such systems, and under whose "
    "responsibility they run, the mayor said after the session in the old town hall.</p>"
    for number in range(20)
)


def draft(*, mark: str = "", rest: str = "", **fields: object) -> Draft:
    node = {"@type": "NewsArticle", "headline": "Council votes", "datePublished": "2026-11-20", **fields}
    script = f'<script type="application/ld+json">{json.dumps(node)}</script>'
    body = f"<article><h1>Council votes</h1><p>{LEAD * 3}</p>{rest}</article>"
    page = f"<html><head>{mark}{script}</head><body>{body}</body></html>"
    found = extract(page.encode(), "https://one.example/a", "text/html", None, NOW)
    assert isinstance(found, Draft), found
    return found


def paid(selector: object) -> dict[str, object]:
    return {
        "isAccessibleForFree": False,
        "hasPart": {"@type": "WebPageElement", "isAccessibleForFree": "False", "cssSelector": selector},
    }


@pytest.mark.parametrize(
    ("fields", "mark", "access"),
    [
        ({}, "", None),
        ({"isAccessibleForFree": True}, "", "free"),
        ({"isAccessibleForFree": "http://schema.org/False"}, "", "paid"),
        ({"hasPart": [{"isAccessibleForFree": False}, 7]}, "", "paid"),
        ({}, '<meta property="article:content_tier" content="metered">', "metered"),
        ({"isAccessibleForFree": True}, '<meta property="og:article:content_tier" content="Locked">', "paid"),
        ({"isAccessibleForFree": ["False"], "hasPart": "x"}, "", None),
    ],
)
def test_who_may_read_it_is_what_the_page_says(fields: dict[str, object], mark: str, access: str | None) -> None:
    assert draft(mark=mark, **fields).access == access


def test_a_text_that_a_paywall_cuts_is_partial_and_one_that_is_only_hidden_is_not() -> None:
    assert draft(**paid(".paid")).partial
    assert draft(rest="<div class='paid'><p>Subscribe to read on.</p></div>", **paid(".paid")).partial
    assert not draft(rest=f"<div class='paid'>{REST}</div>", **paid([".gone", ".paid"])).partial


def test_without_a_named_part_the_stated_length_tells_and_else_the_length() -> None:
    assert draft(isAccessibleForFree=False, wordCount=800).partial
    assert not draft(isAccessibleForFree=False, wordCount="60").partial
    assert draft(isAccessibleForFree=False).partial
    assert not draft(isAccessibleForFree=False, rest=REST).partial
    assert not draft(isAccessibleForFree=True).partial
    assert not draft().partial


@pytest.mark.parametrize("selector", ["][", "a" * 5000, "p:unknown-pseudo(", {"x": 1}, ["", None], "::first-line"])
def test_a_selector_that_is_none_harms_nothing(selector: object) -> None:
    assert draft(rest=REST, **paid(selector)).access == "paid"


def test_a_text_beyond_the_limit_is_cut_and_partial() -> None:
    found = draft(rest=f"<p>{LEAD * 12_000}</p>")
    assert found.partial
    assert len(found.text) <= MAX_TEXT_LENGTH


def test_what_a_page_asks_of_machines_is_kept_with_it() -> None:
    mark = '<meta name="robots" content="noai, noindex"><meta name="tdm-reservation" content="1">'
    assert draft(mark=mark).opt_outs == ("noai", "tdm", "unlisted")
    assert draft(mark='<meta name="robots" value="noindex, nofollow">').opt_outs == ()
