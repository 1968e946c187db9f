"""What a feed lists, whatever it is written in, and that nothing in it is believed too much."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crawlers.readers import read_feed
from crawlers.readers.entries import MAX_ENTRIES, MAX_SUMMARY
from govwire.core.errors import FeedError

URL = "https://wire.example/news/feed.xml"

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Wire</title>
<item><title>Rules &amp;amp; &lt;b&gt;rights&lt;/b&gt;</title><link>/a?x=1&amp;y=2</link>
<pubDate>Mon, 23 Nov 2026 08:00:00 +0100</pubDate><dc:creator>Ana Ruiz</dc:creator>
<description>&lt;p&gt;Ministers&lt;/p&gt; met.</description></item>
<item><guid isPermaLink="true">https://wire.example/b</guid></item>
<item><title>No address</title><guid isPermaLink="false">tag:wire,1</guid></item>
<item><title>Script</title><link>javascript:alert(1)</link></item>
<item><title>Again</title><link>https://wire.example/b#comments</link></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>
<entry><title type="html">K&lt;i&gt;I&lt;/i&gt;-Verordnung</title><id>urn:1</id>
<link rel="enclosure" href="https://wire.example/a.mp3"/><link rel="alternate" href="https://wire.example/a"/>
<published>2026-11-22T09:00:00Z</published><updated>2026-11-23T09:30:00+01:00</updated>
<author><name>Jan Kok</name></author><summary>Kurz</summary></entry></feed>"""

JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Wire",
    "items": [
        {
            "id": "1",
            "url": "https://wire.example/a",
            "title": "治理",
            "summary": "Short",
            "date_published": "2026-11-23T09:00:00Z",
            "date_modified": "2026-11-24T09:00:00Z",
            "authors": [{"name": "Li Wei"}],
        },
        {"id": "https://wire.example/b"},
        {"id": "3", "title": "no address"},
    ],
}


def test_rss_gives_entries_with_resolved_links_and_plain_text() -> None:
    feed = read_feed(RSS.encode(), URL)
    assert [listed.url for listed in feed.listed] == ["https://wire.example/a?x=1&y=2", "https://wire.example/b"]
    assert feed.skipped == {"no_address": 1, "bad_address": 1, "listed_twice": 1}
    entry = feed.listed[0].entry
    assert entry.feed_url == URL
    assert entry.title == "Rules & rights"
    assert entry.summary == "Ministers met."
    assert entry.authors == ("Ana Ruiz",)
    assert entry.published_at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    assert entry.updated_at is None


def test_atom_gives_its_alternate_link_and_both_dates() -> None:
    (listed,) = read_feed(ATOM.encode(), URL).listed
    assert listed.url == "https://wire.example/a"
    assert listed.entry.title == "KI-Verordnung"
    assert listed.entry.published_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert listed.entry.updated_at == datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def test_json_feed_is_read() -> None:
    feed = read_feed(json.dumps(JSON_FEED, ensure_ascii=False).encode(), URL, "application/feed+json")
    assert [listed.url for listed in feed.listed] == ["https://wire.example/a", "https://wire.example/b"]
    assert feed.listed[0].entry.title == "治理"
    assert feed.listed[0].entry.updated_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert feed.skipped == {"no_address": 1}


def test_every_entry_is_counted_once() -> None:
    feed = read_feed(RSS.encode(), URL)
    assert feed.read == 5


@pytest.mark.parametrize(
    ("item", "address"),
    [
        ('<guid isPermaLink="true">/a</guid>', "https://wire.example/a"),
        ('<guid isPermaLink="false">https://wire.example/a</guid>', None),
        ("<link/><guid>https://wire.example/a</guid>", "https://wire.example/a"),
        ('<enclosure url="/a.pdf" type="application/pdf"/>', "https://wire.example/a.pdf"),
        ('<link>/a</link><enclosure url="/a.pdf"/>', "https://wire.example/a"),
        (
            '<link>/r/1</link><o:origLink xmlns:o="http://rssnamespace.org/feedburner/ext/1.0">/a</o:origLink>',
            "https://wire.example/a",
        ),
        (
            "<link>https://www.google.com/url?rct=j&amp;url=https://wire.example/a&amp;ct=ga</link>",
            "https://wire.example/a",
        ),
        ('<a:link xmlns:a="http://www.w3.org/2005/Atom" href="/self"/><link>/a</link>', "https://wire.example/a"),
    ],
)
def test_an_entrys_address_is_the_pages_own(item: str, address: str | None) -> None:
    feed = read_feed(f'<rss version="2.0"><channel><item>{item}</item></channel></rss>'.encode(), URL)
    assert [listed.url for listed in feed.listed] == ([address] if address else [])
    assert feed.skipped == ({} if address else {"no_address": 1})


def test_a_list_may_say_that_its_page_is_none() -> None:
    item = '<item><enclosure url="/a.pdf" type="application/pdf"/></item>'
    (listed,) = read_feed(f'<rss version="2.0"><channel>{item}</channel></rss>'.encode(), URL).listed
    assert listed.media_type == "application/pdf"


@pytest.mark.parametrize(
    ("markup", "name"),
    [
        ("<author>ana@wire.example (Ana Ruiz)</author>", ("Ana Ruiz",)),
        ("<author>Ana Ruiz</author>", ("Ana Ruiz",)),
        ("<author>ana@wire.example</author>", ()),
    ],
)
def test_an_authors_name_is_no_mail_address(markup: str, name: tuple[str, ...]) -> None:
    item = f"<item><link>/a</link>{markup}</item>"
    (listed,) = read_feed(f'<rss version="2.0"><channel>{item}</channel></rss>'.encode(), URL).listed
    assert listed.entry.authors == name


def test_rss_1_puts_its_items_beside_the_channel() -> None:
    rdf = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://wire.example/"><title>Wire</title></channel>
        <item rdf:about="https://wire.example/a"><title>One</title><dc:date>2026-11-23T08:00:00+01:00</dc:date></item></rdf:RDF>"""
    (listed,) = read_feed(rdf.encode(), URL).listed
    assert listed.url == "https://wire.example/a"
    assert listed.entry.published_at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def test_an_entity_that_the_document_declares_is_not_expanded() -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>' + RSS.split("?>", 1)[1].replace("met.", "&b;")
    assert read_feed(bomb.encode(), URL).listed[0].entry.summary == "Ministers &b;"


def test_xml_base_is_honoured() -> None:
    atom = ATOM.replace("<entry>", '<entry xml:base="https://other.example/x/">').replace(
        'href="https://wire.example/a"', 'href="a"'
    )
    assert [listed.url for listed in read_feed(atom.encode(), URL).listed] == ["https://other.example/x/a"]


@pytest.mark.parametrize(
    "text", ["Yesterday", "This October", "October 2026", "10:30", "Monday 09:00", "2 hours ago", ""]
)
def test_a_date_that_is_not_written_out_is_no_date(text: str) -> None:
    rss = RSS.replace("Mon, 23 Nov 2026 08:00:00 +0100", text)
    assert read_feed(rss.encode(), URL).listed[0].entry.published_at is None


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 07:00:00 GMT",
        "23 Nov 2026 07:00:00 +0000",
        "2026-11-23T07:00:00Z",
        "2026-11-23 07:00:00",
        "November 23, 2026 7:00 am",
        "<![CDATA[Mon, 23 Nov 2026 07:00:00 GMT]]>",
    ],
)
def test_a_date_that_is_written_out_counts_in_any_form(text: str) -> None:
    rss = RSS.replace("Mon, 23 Nov 2026 08:00:00 +0100", text)
    assert read_feed(rss.encode(), URL).listed[0].entry.published_at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def test_a_date_of_change_that_most_entries_share_is_the_feeds_own() -> None:
    entry = "<entry><link href='https://wire.example/{0}'/><updated>2026-11-24T0{1}:00:00Z</updated></entry>"
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>"
    stamped = feed.format("".join(entry.format(number, 9 if number else 8) for number in range(6)))
    assert [each.entry.updated_at for each in read_feed(stamped.encode(), URL).listed[1:]] == [None] * 5
    assert read_feed(stamped.encode(), URL).listed[0].entry.updated_at == datetime(2026, 11, 24, 8, tzinfo=UTC)
    dated = feed.format("".join(entry.format(number, number) for number in range(6)))
    assert None not in [each.entry.updated_at for each in read_feed(dated.encode(), URL).listed]


def test_a_broken_feed_is_read_as_far_as_it_goes() -> None:
    broken = RSS.replace("</channel></rss>", "<item><title>R&D & <unclosed").replace(
        "Rules &amp;amp;", "Rules & &nbsp;"
    )
    assert "https://wire.example/a?x=1&y=2" in [listed.url for listed in read_feed(broken.encode(), URL).listed]


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"<!DOCTYPE html><html><body>Not found</body></html>", b"\x00\x01\x02", b"{}", b"[1]", b"nonsense"],
)
def test_what_is_no_feed_is_a_named_error_on_one_line(body: bytes) -> None:
    with pytest.raises(FeedError, match=r"wire\.example") as caught:
        read_feed(body, URL)
    assert "\n" not in str(caught.value)


def test_an_empty_feed_lists_nothing() -> None:
    empty = b'<rss version="2.0"><channel><title>Wire</title></channel></rss>'
    assert read_feed(empty, URL).listed == ()


def test_a_body_that_is_a_path_opens_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text(RSS)
    with pytest.raises(FeedError):
        read_feed(str(secret).encode(), URL)
    with pytest.raises(FeedError):
        read_feed(b"file://" + str(secret).encode(), URL)


def test_an_external_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("confidential")
    hostile = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]>' + RSS.split("?>", 1)[1].replace("met.", "&x;")
    summaries = [listed.entry.summary for listed in read_feed(hostile.encode(), URL).listed]
    assert not any("confidential" in (summary or "") for summary in summaries)


def test_an_endless_feed_is_read_up_to_the_limit() -> None:
    items = "".join(f"<item><link>https://wire.example/{number}</link></item>" for number in range(MAX_ENTRIES + 3))
    feed = read_feed(f'<rss version="2.0"><channel><title>w</title>{items}</channel></rss>'.encode(), URL)
    assert len(feed.listed) == MAX_ENTRIES
    assert feed.skipped == {"too_many": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"<!---->" * 500 + b"nothing",
        ATOM.replace("Kurz", f"<![CDATA[<{'date' * 100_000}]]>").encode(),
        json.dumps({**JSON_FEED, "description": "<" + "date" * 100_000}).encode(),
    ],
    ids=["comments", "one long name in XML", "one long name in JSON"],
)
@pytest.mark.timeout(20)
def test_hostile_bytes_do_not_hold_the_process(body: bytes) -> None:
    with contextlib.suppress(FeedError):
        read_feed(body, URL)


def test_a_long_summary_is_cut() -> None:
    feed = read_feed(RSS.replace("met.", "met. " * 5000).encode(), URL)
    assert len(feed.listed[0].entry.summary or "") == MAX_SUMMARY


trees = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["version", "items", "url", "id", "authors"]), inner)
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: RSS.replace("Ministers", text).encode("utf-8", "surrogatepass"))
    | st.text(max_size=80).map(lambda text: RSS.replace("/a?x=1&amp;y=2", text).encode("utf-8", "surrogatepass"))
    | st.text(max_size=80).map(lambda text: ATOM.replace("2026-11-23T09:30:00+01:00", text).encode("utf-8", "replace"))
    | st.integers(0, len(RSS)).map(lambda end: RSS[:end].encode())
    | trees.map(lambda tree: json.dumps(tree).encode())
)
@example(b'{"version": "https://jsonfeed.org/version/1", "items": [{"url": 5, "authors": [3]}]}')
@example(b'{"version": "https://jsonfeed.org/version/1", "items": 7}')
def test_reading_is_total(body: bytes) -> None:
    try:
        feed = read_feed(body, URL)
    except FeedError:
        return
    for listed in feed.listed:
        assert listed.url.startswith(("http://", "https://"))
        assert listed.entry.title is None or "\x00" not in listed.entry.title
