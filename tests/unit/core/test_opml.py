"""OPML: what readers write is read, and what we write comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.errors import ConfigError
from govwire.core.opml import Outline, read_opml, write_opml
from govwire.core.source import Source

FEED, OTHER = "https://one.example/feed", "https://two.example/rss"
ONE = f'<outline text="One" xmlUrl="{FEED}"/>'


def _opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head/><body>{body}</body></opml>'.encode()


def _source(**facts: object) -> Source:
    whole = {"id": "one", "name": "One", "home": "https://one.example/", "kind": "press", "country": "GB"}
    return Source.model_validate({**whole, "language": "en", "rights": "link", "feeds": [FEED], **facts})


@pytest.mark.parametrize(
    ("body", "outlines"),
    [
        (
            f'<outline text="One" title="The One" xmlUrl="{FEED}" htmlUrl="https://one.example"/>',
            [Outline((FEED,), "The One", "https://one.example/")],
        ),
        (
            f'<outline text="Law"><outline text="EU"><outline text="One" xmlUrl="{FEED}"/></outline></outline>',
            [Outline((FEED,), "One", tags=("Law", "EU"))],
        ),
        (
            f'<outline text="A">{ONE}</outline><outline text="B"><outline xmlUrl="{FEED}#x" text="1"/></outline>',
            [Outline((FEED,), "One", tags=("A", "B"))],
        ),
        (
            f'<outline text="One" xmlUrl="{FEED}" category="/Law/EU,Press" language="en-gb"/>',
            [Outline((FEED,), "One", language="en-gb", tags=("Law", "EU", "Press"))],
        ),
        (
            "".join(f'<outline text="O" htmlUrl="https://o.example/" xmlUrl="{url}"/>' for url in (FEED, OTHER)),
            [Outline((FEED, OTHER), "O", "https://o.example/")],
        ),
        (f'<OUTLINE TEXT="One" XMLURL="{FEED}"/>', [Outline((FEED,), "One")]),
        ('<outline text="a page" htmlUrl="https://one.example/"/><!-- nothing -->', []),
    ],
    ids=["a feed", "nested folders", "in two folders", "categories", "an outlet of two feeds", "capitals", "no feed"],
)
def test_feeds_are_read_with_the_names_of_their_folders(body: str, outlines: list[Outline]) -> None:
    read = read_opml(_opml(body), "mine.opml")
    assert (list(read.outlines), read.bad) == (outlines, ())


def test_an_address_that_is_none_is_named_with_its_line() -> None:
    read = read_opml(
        _opml(f'\n<outline text="x" xmlUrl="nonsense"/>\n<outline text="y" xmlUrl="{FEED}"/>'), "mine.opml"
    )
    assert [outline.feeds for outline in read.outlines] == [(FEED,)]
    assert [bad.partition(" and ")[0] for bad in read.bad] == [
        "line 2: address 'nonsense': neither http nor https; write a whole http or https URL"
    ]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"<rss/>", b"\0\xff"], ids=["empty", "text", "RSS", "bytes"])
def test_what_is_no_opml_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"mine\.opml: no OPML"):
        read_opml(content, "mine.opml")


def test_a_broken_file_is_read_as_far_as_it_goes_and_entities_are_off() -> None:
    entity = '<!DOCTYPE opml [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    hostile = f'{entity}<opml><body><outline text="&file;" xmlUrl="{FEED}"/>'
    [outline] = read_opml(hostile.encode(), "mine.opml").outlines
    assert (outline.feeds, outline.name) == ((FEED,), FEED)


_words = st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
_urls = st.integers(0, 20).map(lambda number: f"https://one.example/feed/{number}?a=1&b={number}")


@given(
    st.lists(
        st.builds(
            lambda name, feeds, tags, number: _source(
                id=f"s{number}", name=name, home=f"https://one.example/{number}", feeds=feeds, tags=tags
            ),
            _words,
            st.lists(_urls, min_size=1, max_size=3, unique=True),
            st.lists(_words, max_size=3, unique=True),
            st.integers(0, 1000),
        ),
        unique_by=(lambda source: source.id, lambda source: source.feeds),
        max_size=5,
    )
)
def test_what_is_written_comes_back_whole(sources: list[Source]) -> None:
    feeds = [feed for source in sources for feed in source.feeds]
    if len(set(feeds)) < len(feeds):
        return  # a feed has one source
    written = write_opml(sources)
    read = {dict(outline.facts)["id"]: outline for outline in read_opml(written, "ours").outlines}
    assert read.keys() == {source.id for source in sources}
    for source in sources:
        outline, facts = read[source.id], dict(read[source.id].facts)
        assert (set(outline.feeds), outline.home, outline.language) == (set(source.feeds), source.home, source.language)
        assert (facts["kind"], facts["country"], facts["rights"]) == (source.kind, source.country, source.rights)
        if source.name.isprintable() and all(tag.isprintable() for tag in source.tags):
            assert (outline.name, set(outline.tags)) == (source.name, set(source.tags))
