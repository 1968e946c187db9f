"""Extraction of a page's fields: what counts before what, and what is no article."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govwire.core.errors import ExtractionError
from govwire.core.records import Entry
from processors.extraction import Draft, Drop, extract

URL = "https://gazette.example/news/register-of-ai-systems"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BODY = "\n".join(
    f"<p>{sentence}</p>"
    for sentence in (
        "The city council voted on Tuesday to keep a public register of every high-risk AI system it uses.",
        "Residents will see which departments rely on such systems, and under whose responsibility they run.",
        "Housing and benefit decisions come first, because complaints about refusals have piled up there.",
        "An outside audit will follow before the end of the year, the mayor said after the session in the hall.",
    )
)


def page(head: str = "", body: str = BODY, *, shown: str = "<h1>Council votes for a register of AI</h1>") -> bytes:
    return f"<!doctype html><html><head>{head}</head><body><article>{shown}{body}</article></body></html>".encode()


def json_ld(**fields: object) -> str:
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def draft(body: bytes, url: str = URL, content_type: str | None = "text/html", entry: Entry | None = None) -> Draft:
    found = extract(body, url, content_type, entry, NOW)
    assert isinstance(found, Draft), found
    return found


def drop(body: bytes, content_type: str | None = "text/html", entry: Entry | None = None) -> Drop:
    found = extract(body, URL, content_type, entry, NOW)
    assert isinstance(found, Drop), found
    return found


def test_the_text_is_one_paragraph_a_line_without_the_title_and_the_page_around_it() -> None:
    around = "<nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav>"
    found = draft(page(body=around + BODY + "<footer>Imprint, privacy and cookies of the gazette</footer>"))
    assert len(found.text.splitlines()) == 4
    assert found.text.startswith("The city council voted")
    assert "Imprint" not in found.text
    assert "Sport" not in found.text
    assert found.title == "Council votes for a register of AI"
    assert found.language == "en"


def test_the_headline_wins_over_a_title_with_the_sites_name_behind_it() -> None:
    head = "<title>Council votes for a register of AI | Gazette</title><meta property='og:site_name' content='Gazette'>"
    assert draft(page(head, shown="<h1>Gazette</h1>")).title == "Council votes for a register of AI"
    assert draft(page(head)).title == "Council votes for a register of AI"


def test_a_headline_element_of_the_site_is_no_title_of_the_article() -> None:
    shown = "<h1>The Daily Example</h1><h1>Council votes for a register of AI</h1>"
    assert draft(page(json_ld(headline="Council votes for a register of AI"), shown=shown)).title.startswith("Council")


def test_what_the_page_lacks_comes_from_the_feed_entry() -> None:
    entry = Entry(
        feed_url="https://gazette.example/feed",
        title="A title from the feed",
        summary="A summary from the feed",
        authors=("Ada Example",),
        published_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        updated_at=datetime(2026, 11, 21, 8, 30, 5, tzinfo=UTC),
    )
    found = draft(page(shown=""), entry=entry)
    assert (found.title, found.summary, found.authors) == (entry.title, entry.summary, ("Ada Example",))
    assert found.published
    assert (found.published.at, found.published.provenance) == (entry.published_at, "feed")
    assert found.updated
    assert found.updated.precision == "second"


def test_the_page_comes_before_the_feed_entry() -> None:
    entry = Entry(feed_url="https://gazette.example/feed", title="Other", published_at=NOW, authors=("Somebody Else",))
    head = json_ld(
        datePublished="2026-11-19", author={"@type": "Person", "name": "By Ada Example"}, description="Short."
    )
    found = draft(page(head), entry=entry)
    assert found.title == "Council votes for a register of AI"
    assert found.authors == ("Ada Example",)
    assert found.summary == "Short."
    assert found.published
    assert found.published.provenance == "json_ld"


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ada Example and Max Muster", ("Ada Example", "Max Muster")),
        ([{"name": "Ada Example"}, {"name": "Reuters"}], ("Ada Example", "Reuters")),
        ([["Ada Example"], {"name": {"name": "Max"}}, 7, None], ("Max",)),
        ("https://gazette.example/ada", ()),
        ("Ada Example\r\nX-Injected: 1", ("Ada Example X-Injected: 1",)),
        ({"name": ["Ada Example", "ADA EXAMPLE"]}, ("ADA EXAMPLE",)),
    ],
    ids=["joined", "list", "odd", "address", "line break", "twice"],
)
def test_authors_are_names_each_once(author: object, names: tuple[str, ...]) -> None:
    assert draft(page(json_ld(author=author))).authors == names


def test_the_articles_own_json_ld_is_told_from_that_of_others() -> None:
    others = json_ld(headline="Another article altogether", url="https://gazette.example/news/other")
    own = json_ld(headline="Council votes for a register", mainEntityOfPage={"@id": URL}, datePublished="2026-11-18")
    found = draft(page(others + own, shown=""))
    assert found.title == "Council votes for a register"
    assert found.published
    assert found.published.at == datetime(2026, 11, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("https://gazette.example/other", "https://gazette.example/other"),
        ("/relative?id=1#top", "https://gazette.example/relative?id=1"),
        ("javascript:alert(1)", None),
        ("  ", None),
        ("http://[broken", None),
    ],
)
def test_the_canonical_url_is_what_the_page_declares_where_that_is_an_address(link: str, canonical: str | None) -> None:
    assert draft(page(f'<link rel="canonical" href="{link}">')).canonical == canonical


@pytest.mark.parametrize("body", [b"", b"\x00" * 500, b" \r\n\t" * 90, b"\xef\xbb\xbf\n \n", "\u3000\u00a0\n".encode()])
def test_nothing_but_nul_bytes_and_white_space_is_empty(body: bytes) -> None:
    assert drop(body).reason == "empty"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"%PDF-1.7\n1 0 obj << /Type /Catalog >>", "text/html; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\n....", "text/html"),
        (b"PK\x03\x04....", None),
        (b"\x1f\x8b\x08\x00....", "text/html"),
        (b'{"title": "An answer of an API"}', "application/json"),
        (b"<?xml version='1.0'?><!-- feed --><rss version='2.0'><channel/></rss>", "text/html"),
        (b"Just words, and no markup anywhere in them.", "text/plain"),
    ],
    ids=["pdf", "png", "zip", "gzip", "json", "feed", "plain"],
)
def test_what_is_no_page_is_not_html(body: bytes, content_type: str | None) -> None:
    assert drop(body, content_type).reason == "not_html"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (page(body="<p>Loading</p>"), "7 characters of text"),
        (page(shown="<h1>404 – page not found</h1>", body="<p>Sorry. It may have moved. Try our search.</p>" * 2), ""),
        (page("<title>Just a moment...</title>", shown="", body=BODY), "a challenge in place of the page"),
        (page('<meta property="og:type" content="product">'), "a page of type product, without a date"),
        (page('<meta name="generator" content="XenForo 2.3">'), "a forum's thread"),
        (page(body=BODY + '<div itemscope itemtype="https://schema.org/Product">Buy</div>'), "a shop's page"),
        (page(body="".join(f"<p>Entry number {n} of a long list</p>" for n in range(40))), "a list"),
    ],
    ids=["short", "soft 404", "challenge", "product", "thread", "shop", "list"],
)
def test_a_page_without_an_article_says_what_it_is(body: bytes, detail: str) -> None:
    found = drop(body)
    assert found.reason == "no_article"
    assert detail in found.detail


def test_a_short_flash_is_an_article_where_it_is_dated() -> None:
    flash = page(body="<p>Parliament has adopted the AI liability directive by 402 votes to 131.</p>")
    assert drop(flash).reason == "no_article"
    entry = Entry(feed_url="https://gazette.example/feed", published_at=NOW)
    assert draft(flash, entry=entry).text.startswith("Parliament")


def test_an_article_on_error_pages_is_an_article() -> None:
    assert draft(page(json_ld(datePublished="2026-11-19"), shown="<h1>Why every site has a 404 page</h1>")).title


def test_the_language_is_that_of_the_text_and_not_of_the_template() -> None:
    body = "".join(
        f"<p>{sentence}</p>"
        for sentence in (
            "Der Stadtrat beschloss am Dienstag ein öffentliches Register für alle Systeme künstlicher Intelligenz.",
            "Bewohnerinnen und Bewohner sollen darin nachlesen, welche Ämter solche Systeme wofür verwenden dürfen.",
            "Zuerst kommen Wohnungen und Beihilfen an die Reihe, weil sich dort die Beschwerden gehäuft haben.",
            "Eine Prüfung von außen soll noch in diesem Jahr folgen, sagte die Bürgermeisterin nach der Sitzung.",
        )
    )
    found = draft(page(body=body).replace(b"<html>", b'<html lang="en">'))
    assert found.language == "de"


def test_no_character_that_breaks_a_record_reaches_it() -> None:
    body = (
        BODY.replace("public", "pub\u00adlic").replace("city", "ci\x00ty").replace("Tuesday", "Tues\u200bday\x1b[31m")
    )
    found = draft(page(body=body + "<p>References: &#0; &#xD800; &#x110000; &#1; and so on until the end of it.</p>"))
    assert "public register" in found.text
    assert "The city council voted on Tuesday" in found.text
    assert not set(found.text) & set("\x00\x01\x1b\u00ad\u200b")
    found.text.encode()


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=600), st.sampled_from([None, "text/html", "text/html; charset=utf-16", "text/html; charset=x"])
)
def test_extraction_is_total_on_any_bytes(body: bytes, content_type: str | None) -> None:
    try:
        found = extract(body, URL, content_type, None, NOW)
    except ExtractionError:
        return
    assert isinstance(found, Draft | Drop)


TAGS = st.sampled_from(
    ["p", "div", "h1", "table", "td", "article", "script", "time", "title", "ruby", "li", "a", "svg"]
)
SOUP = st.lists(
    st.one_of(
        st.builds("<{}>".format, TAGS),
        st.builds("</{}>".format, TAGS),
        st.builds('<time datetime="{}">'.format, st.text(max_size=12)),
        st.builds('<meta property="article:published_time" content="{}">'.format, st.text(max_size=25)),
        st.builds('<script type="application/ld+json">{}</script>'.format, st.text(max_size=30)),
        st.text(max_size=60),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(SOUP)
def test_extraction_is_total_and_deterministic_on_tag_soup(soup: str) -> None:
    body = page(soup, BODY + soup)
    try:
        found = extract(body, URL, "text/html", None, NOW)
    except ExtractionError:
        return
    assert found == extract(body, URL, "text/html", None, NOW)


def test_a_million_open_elements_are_no_trouble() -> None:
    found = extract(b"<div>" * 1_000_000 + BODY.encode(), URL, "text/html", None, NOW)
    assert isinstance(found, Draft | Drop)
