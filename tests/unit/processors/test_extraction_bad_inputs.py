"""The corpus' damaged pages, each against what a good reader does with it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from processors.extraction import Draft, Drop, extract
from processors.extraction.document import line
from processors.extraction.text import MAX_TEXT_LENGTH
from processors.extraction.titles import MAX_TITLE_LENGTH
from replay import BadInput, bad_inputs

pytestmark = pytest.mark.corpus

FETCHED_AT_MOST = 8 * 1024 * 1024
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def bad(corpus_dir: Path) -> dict[str, BadInput]:
    return bad_inputs(corpus_dir)


@pytest.fixture
def found(bad: dict[str, BadInput]) -> Callable[[str], Draft | Drop]:
    """What is found on an input by name."""

    def find(name: str) -> Draft | Drop:
        item = bad[name]
        body = item.body()[:FETCHED_AT_MOST]
        started = time.monotonic()
        result = extract(body, f"https://replay-news.example/{name}", item.headers.get("Content-Type"), None, NOW)
        assert time.monotonic() - started < item.expect.get("max_seconds", 5)
        return result

    return find


@pytest.fixture
def article(found: Callable[[str], Draft | Drop]) -> Callable[[str], Draft]:
    """The article found on an input by name."""

    def find(name: str) -> Draft:
        result = found(name)
        assert isinstance(result, Draft), result
        return result

    return find


@pytest.mark.parametrize(
    "name",
    [
        "bom-utf8-latin1-meta.html",
        "charset-cp1251-declared-utf8.html",
        "charset-header-beats-meta.html",
        "charset-unknown-name.html",
        "charset-utf8-meta-latin1.html",
        "invalid-utf8-a.html",
        "meta-charset-after-4k.html",
        "utf16le-bom.html",
    ],
)
def test_text_comes_out_right_whatever_the_charset_is_said_to_be(
    name: str, bad: dict[str, BadInput], article: Callable[[str], Draft]
) -> None:
    draft = article(name)
    assert line(bad[name].expect["contains"]) in f"{draft.title}\n{draft.text}"
    assert not set(draft.title + draft.text) & set("\ufeff\x00")


@pytest.mark.parametrize("name", ["nul-bytes-a.html", "control-chars-a.html", "char-refs-a.html"])
def test_what_no_record_may_hold_is_gone(name: str, article: Callable[[str], Draft]) -> None:
    draft = article(name)
    everything = "".join([draft.title, draft.text, draft.summary or "", *draft.authors])
    everything.encode()
    assert not [character for character in everything if ord(character) < 32 and character != "\n"]
    assert "\x7f" not in everything


@pytest.mark.parametrize("name", ["date-a0.html", "date-a1.html", "date-a2.html", "date-a3.html"])
def test_an_invalid_date_is_none_or_marked(name: str, article: Callable[[str], Draft]) -> None:
    published = article(name).published
    assert published is None or not published.plausible


def test_a_hostile_canonical_link_is_not_believed_in(article: Callable[[str], Draft]) -> None:
    assert article("canonical-hostile-a.html").canonical is None


@pytest.mark.parametrize("name", ["jsonld-broken-a.html", "jsonld-odd-types-a.html"])
def test_broken_and_odd_json_ld_harms_nothing(
    name: str, bad: dict[str, BadInput], article: Callable[[str], Draft]
) -> None:
    draft = article(name)
    assert draft.title == bad[name].expect["title"]
    assert not [author for author in draft.authors if author.startswith(("[", "{"))]


def test_the_language_attribute_is_not_believed_in(article: Callable[[str], Draft]) -> None:
    assert article("lang-mismatch-a.html").language == "zh"


def test_invisible_characters_do_not_hide_words(article: Callable[[str], Draft]) -> None:
    assert "artificial intelligence" in article("soft-hyphens-fullwidth.html").text.casefold()


def test_a_huge_title_is_cut(article: Callable[[str], Draft]) -> None:
    assert 0 < len(article("huge-title.html.gz").title) <= MAX_TITLE_LENGTH


@pytest.mark.parametrize("name", ["article-over-message-limit-a.html.gz", "giant-single-line.html.gz"])
def test_a_text_without_end_is_cut(name: str, article: Callable[[str], Draft]) -> None:
    assert 0.9 * MAX_TEXT_LENGTH < len(article(name).text) <= MAX_TEXT_LENGTH


def test_strings_that_would_be_run_elsewhere_are_plain_text_on_one_line(article: Callable[[str], Draft]) -> None:
    draft = article("injection-title-a.html")
    assert not [text for text in (draft.title, *draft.authors) if {"\r", "\n"} & set(text)]
    assert article("script-in-title-a.html").title.endswith("Council votes on AI register")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty-body-a.html", "empty"),
        ("whitespace-body-a.html", "empty"),
        ("pdf-as-html.html", "not_html"),
        ("gzip-double-a.html.gz", "not_html"),
        ("meta-refresh-a.html", "no_article"),
        ("soft-404.html", "no_article"),
        ("short-body.html", "no_article"),
        ("many-links.html.gz", "no_article"),
        ("deep-nesting-tables.html.gz", "no_article"),
        ("unclosed-everything.html", "no_article"),
    ],
)
def test_what_is_no_article_is_dropped_by_name(name: str, reason: str, found: Callable[[str], Draft | Drop]) -> None:
    result = found(name)
    assert isinstance(result, Drop), result
    assert result.reason == reason


def test_the_text_before_fifty_thousand_open_elements_is_kept(article: Callable[[str], Draft]) -> None:
    assert article("deep-nesting-divs.html.gz").text.startswith("The city council voted")


def test_near_duplicates_have_the_same_text(article: Callable[[str], Draft]) -> None:
    assert len({article(f"near-dup-{number}.html").text for number in range(3)}) == 1


def test_feeds_and_sitemaps_in_the_place_of_a_page_are_not_html(bad: dict[str, BadInput]) -> None:
    for item in bad.values():
        if item.path.suffix == ".xml" and item.kind != "html-instead-of-feed":
            result = extract(item.body(), "https://replay-news.example/x", "text/html", None, NOW)
            assert isinstance(result, Drop), item.name
            assert result.reason in {"not_html", "no_article"}
