"""Which addresses are the same page, and which page is which article."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from w3lib.url import safe_url_string

from govwire.core import urls
from govwire.core.errors import UrlError
from govwire.core.urls import (
    MAX_URL_LENGTH,
    article_id,
    authority,
    canonical,
    clean,
    fetch_id,
    normalise,
    registrable_domain,
    url_id,
)

PLAIN = "https://example.org/a?id=7&page=2"


@pytest.mark.parametrize(
    "variant",
    [
        "HTTPS://EXAMPLE.org/a?id=7&page=2",
        "https://example.org:443/a?id=7&page=2",
        "https://example.org./a?id=7&page=2",
        "https://user:secret@example.org/a?id=7&page=2",
        "https://example.org/a?page=2&id=7",
        "https://example.org/a?id=7&page=2#comments",
        "https://example.org/b/../a?id=7&page=2",
        "  https://example.org/a?id=7&page=2\n",
        "https://example.org/a?utm_source=x&id=7&page=2&fbclid=z&UTM_Medium=mail",
        "https://example.org/a/amp?id=7&page=2",
        "https://example.org/a.amp?id=7&page=2",
        "https://example.org/a?id=7&page=2&amp=1",
        "https://example.org/a?id=7&page=2&outputType=amp",
        "https://example.org/a/print?id=7&page=2",
        "https://example.org/a?id=7&page=2&print=true",
        "https://example.org/a/print/amp?id=7&&page=2",
    ],
)
def test_variants_of_one_page_have_one_spelling_and_one_id(variant: str) -> None:
    assert normalise(variant) == PLAIN
    assert url_id(variant) == url_id(PLAIN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://example.org/a", "https://example.org/a"),
        ("https://www.example.org/a", "https://example.org/a"),
        ("https://www1.example.org/a", "https://example.org/a"),
        ("https://m.example.org/a", "http://www.example.org/a"),
        ("https://mobile.example.co.uk/a", "https://example.co.uk/a"),
        ("https://amp.example.org/a?utm_source=RSS", "https://www.example.org/a"),
        ("https://www.m.example.org/a", "https://example.org/a"),
        ("https://example.org/a/", "https://example.org/a"),
        ("https://example.org/a/?x=1", "https://example.org/a?x=1"),
        ("https://example.org", "http://www.example.org/"),
        ("https://example.org/amp/2019/11/a.html", "https://example.org/2019/11/a.html"),
        ("https://example.org/.amp/2019/11/a", "https://example.org/2019/11/a"),
        ("https://example.org/rd/AMP/p/7.html", "https://example.org/rd/p/7.html"),
        ("https://example.org/a-nt_amp.html", "https://example.org/a-nt.html"),
        ("https://example.org/posts/a/amp.html", "https://example.org/posts/a/"),
        ("https://example.org/a/?display=amp", "https://example.org/a"),
        ("https://example.org/a?_amp=true", "https://example.org/a"),
        ("https://example.org/a?source=rss", "https://example.org/a"),
        ("https://example.org/a/922379?rss", "https://example.org/a/922379"),
        ("https://www.example.org:8443/a", "http://example.org:8443/a/"),
    ],
)
def test_addresses_that_no_two_articles_differ_in_are_one_page_and_each_keeps_its_spelling(
    one: str, other: str
) -> None:
    assert url_id(one) == url_id(other)
    assert article_id(one) == article_id(other)
    for address in (one, other):
        assert normalise(address).split("/")[2] == address.split("/")[2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example.org/a", "https://example.org/a"),
        ("https://m.blogspot.com/a", "https://www.blogspot.com/a"),
        ("https://www.com/a", "https://m.com/a"),
        ("https://mexample.org/a", "https://example.org/a"),
        ("https://example.org/amplifier/a", "https://example.org/lifier/a"),
        ("https://example.org/guitar-amp", "https://example.org/guitar"),
        ("https://example.org/story.php?id=1", "https://example.org/story.php?id=2"),
        ("https://example.org/?p=1", "https://example.org/"),
        ("https://example.org/a?source=1", "https://example.org/a?source=2"),
        ("https://example.org/a?cid=1", "https://example.org/a?cid=2"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://example.org/a?print=2", "https://example.org/a"),
        ("https://example.org:8443/a", "https://example.org/a"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
        ("https://example.org/amp", "https://example.org/"),
    ],
)
def test_other_differences_distinguish(one: str, other: str) -> None:
    assert url_id(one) != url_id(other)


@given(
    st.text() | st.text().map(lambda text: "https://example.org/" + text) | st.text().map(lambda text: "http://" + text)
)
@example("http://[::1]:80/a")
@example("http://[fe80::1%25eth0]/")
@example("https://example.org/\ud800")
@example("https://example.org/?a=%FF&a=%ff")
@example("https://example.org:99999/")
@example("https://example.org:0/")
@example("https://example.org/" + "/print" * 600)
@example("http://a/;amp;amp=1?&amp=&=")
def test_normalising_is_total_and_idempotent(text: str) -> None:
    try:
        once = normalise(text)
    except UrlError:
        return
    assert normalise(once) == once
    assert once.startswith(("http://", "https://"))
    assert url_id(once) == url_id(text)
    assert authority(once)
    assert registrable_domain(once)


@given(st.text() | st.text().map(lambda text: "https://example.org/" + text))
def test_cleaning_is_total_and_keeps_the_identity(text: str) -> None:
    try:
        address = clean(text, base="https://example.org/feed.xml")
    except UrlError:
        return
    assert clean(address) == address
    assert "#" not in address


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), unique=True), st.randoms(use_true_random=False))
def test_id_is_stable_under_parameter_order_and_tracking(pairs: list[tuple[str, int]], random: object) -> None:
    query = [f"{name}={value}" for name, value in pairs]
    shuffled = [*query, "utm_campaign=x", "gclid=y"]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert url_id("https://example.org/a?" + "&".join(query)) == url_id("https://example.org/a?" + "&".join(shuffled))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/relative",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "mailto:a@example.org",
        "http://",
        "http:///a",
        "https://exa mple.org/",
        "https://<host>/",
        "http://[::1",
        "file:///etc/passwd",
        "https://two.example/\nhttps://lines.example/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_what_is_no_web_address_is_a_named_error_on_one_line(text: str) -> None:
    with pytest.raises(UrlError) as caught:
        normalise(text)
    assert "\n" not in str(caught.value)
    with pytest.raises(UrlError):
        url_id(text)


def test_a_fetched_address_keeps_its_query_and_loses_fragment_and_credentials() -> None:
    assert (
        clean("https://u:p@Example.org/a b?utm_source=feed&x=1#top") == "https://example.org/a%20b?utm_source=feed&x=1"
    )
    assert clean("../b?x=1", base="https://example.org/news/feed.xml") == "https://example.org/b?x=1"
    assert clean("//cdn.example.org/a", base="https://example.org/") == "https://cdn.example.org/a"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.parliament.uk/a", "parliament.uk"),
        ("https://news.example.co.uk/a", "example.co.uk"),
        ("https://one.blogspot.com/", "one.blogspot.com"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://[::1]/", "::1"),
        ("http://localhost/", "localhost"),
        ("https://co.uk/", "co.uk"),
        ("https://amp.news.example/a", "news.example"),
        ("http://wiki.corp/", "wiki.corp"),
    ],
)
def test_registrable_domain_is_what_an_owner_registered(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("https://example.org/b", "https://example.org/b"),
        ("/b?utm_source=x", "https://example.org/b"),
        ("https://www.example.org/a", "https://www.example.org/a"),
        (" https://example.org/b \n", "https://example.org/b"),
        (None, "https://example.org/a"),
        ("", "https://example.org/a"),
        ("https://other.example/b", "https://example.org/a"),
        ("https://example.org/", "https://example.org/a"),
        ("https://example.org/index.html", "https://example.org/a"),
        ("javascript:void(0)", "https://example.org/a"),
        ("http://[garbage", "https://example.org/a"),
        ("{{ url }}", "https://example.org/%7B%7B%20url%20%7D%7D"),
    ],
)
def test_a_declared_canonical_counts_within_the_domain_and_never_for_a_home_page(
    declared: str | None, expected: str
) -> None:
    assert canonical("https://example.org/a?utm_medium=feed", declared) == expected


@given(st.text())
def test_canonical_is_total_on_declarations(declared: str) -> None:
    assert registrable_domain(canonical("https://example.org/a", declared)) == "example.org"


def test_article_and_url_of_one_address_have_different_ids() -> None:
    assert article_id(PLAIN) != url_id(PLAIN)
    assert article_id(PLAIN) == article_id(PLAIN + "&utm_source=x")


@given(
    st.integers(0, 2**33).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=9)),
)
def test_fetch_ids_of_one_url_sort_as_text_in_the_order_of_time(first: datetime, later: timedelta) -> None:
    assert "" < fetch_id("x", first) < fetch_id("x", first + later)


GOAL = "https://wire.example/rules?id=7"


@pytest.mark.parametrize(
    "wrapper",
    [
        "https://www.google.com/url?rct=j&sa=t&url=https://wire.example/rules%3Fid%3D7&ct=ga&cd=CAEYACoT&usg=AOvVaw0",
        "https://www.google.co.uk/url?q=https%3A%2F%2Fwire.example%2Frules%3Fid%3D7&sa=D",
        "http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url=https%3a%2f%2fwire.example%2frules%3fid%3d7&c=1",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fwire.example%2Frules%3Fid%3D7&h=AT0",
        "https://t.umblr.com/redirect?z=https%3A%2F%2Fwire.example%2Frules%3Fid%3D7&t=abc",
        "https://www.youtube.com/redirect?event=video&q=https%3A%2F%2Fwire.example%2Frules%3Fid%3D7",
        "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwire.example%2Frules%3Fid%3D7&data=05",
        "https://www.google.com/url?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fwire.example%252Frules%253Fid%253D7",
    ],
)
def test_an_address_that_only_leads_on_is_the_one_it_leads_to(wrapper: str) -> None:
    assert clean(wrapper) == normalise(wrapper) == GOAL
    assert url_id(wrapper) == url_id(GOAL)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.google.com/search?q=https://wire.example/",
        "https://www.google.com/url?q=AI+rules",
        "https://www.google.com/url?q=file:///etc/passwd",
        "https://google.com.evil.example/url?q=https://wire.example/",
        "https://share.example/?url=https://wire.example/",
        "https://news.google.com/rss/articles/CBMiK2h0dHBzOi8vd2lyZS5leGFtcGxl?oc=5",
    ],
)
def test_other_addresses_that_carry_one_are_themselves(url: str) -> None:
    assert clean(url) == url


@given(
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTP://"]),
        st.lists(st.text("ab0-", min_size=1, max_size=4), min_size=1, max_size=6).map(".".join),
        st.sampled_from(["", ".com", ".co", ":80", ".c1"]),
        st.text("abz09._~!$&()*+,;=:@/-%4fF?#'[]|\\ é"),
    ).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2]}/{parts[3]}")
)
def test_an_address_that_needs_no_cleaning_is_told_from_one_that_does(url: str) -> None:
    """The short way and the long way give the same."""
    if urls._CLEAN.fullmatch(url):
        assert urls._parse(urljoin("https://base.example/a/b", url), safe_url_string).geturl() == url
