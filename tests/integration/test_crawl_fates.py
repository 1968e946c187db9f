"""What becomes of a fetch, answer by answer; and that nothing outside the public internet is asked."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from crawling import Crawl, Ended
from servers.sites import Reply, Sites

HTML = {"Content-Type": "text/html"}


@dataclass(frozen=True)
class Done:
    crawl: Crawl
    sites: Sites
    inner: Sites
    ended: Ended


def _bomb() -> bytes:
    return gzip.compress(b"<p>" + b"0" * 4_000_000)


ANSWERS = {
    "/fine": Reply(b"<p>fine</p>", headers={"Content-Type": "Text/HTML; charset=x"}),
    "/typeless": Reply(b"<p>fine</p>", headers={}),
    "/zipped": Reply(gzip.compress(b"<p>zipped</p>"), headers={**HTML, "Content-Encoding": "gzip"}),
    "/empty": Reply(b"", headers=HTML),
    "/not-found": Reply(status=404),
    "/gone": Reply(status=410),
    "/unauthorised": Reply(status=401),
    "/forbidden": Reply(status=403),
    "/teapot": Reply(status=418),
    "/no-location": Reply(status=302),
    "/pdf": Reply(b"%PDF", headers={"Content-Type": "application/pdf"}),
    "/server-error": Reply(status=500),
    "/unavailable": Reply(status=503),
    "/slow": Reply(b"late", after_seconds=3),
    "/cut": Reply(b"<p>cut", announced=100),
    "/announced": Reply(b"x" * 70_000, headers=HTML),
    "/incompressible": Reply(bytes(range(256)) * 300, headers=HTML),
    "/bomb": Reply(_bomb(), headers={**HTML, "Content-Encoding": "gzip"}),
    "/broken-gzip": Reply(b"no gzip at all", headers={**HTML, "Content-Encoding": "gzip"}),
    "/loop": Reply(status=302, headers={"Location": "/loop"}),
    "/moved": Reply(status=301, headers={"Location": "/fine"}),
    "/to-file": Reply(status=302, headers={"Location": "file:///etc/passwd"}),
    "/to-metadata": Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
    "/to-port": Reply(status=302, headers={"Location": "http://fates.test:22/"}),
    "/to-no-port": Reply(status=302, headers={"Location": "http://fates.test:99999/"}),
    "/to-no-host": Reply(status=302, headers={"Location": "http://@/"}),
    "/to-half-an-address": Reply(status=302, headers={"Location": "http://[::1/"}),
    "/to-a-script": Reply(status=302, headers={"Location": "javascript:alert(1)"}),
    "/to-a-long-address": Reply(status=302, headers={"Location": "/" + "x" * 5000}),
    "/to-credentials": Reply(status=302, headers={"Location": "http://user:secret@fates.test/"}),
}
FATES = {
    "/fine": ("fetched", None),
    "/typeless": ("fetched", None),
    "/zipped": ("fetched", None),
    "/empty": ("fetched", None),
    "/moved": ("fetched", None),
    "/not-found": ("dropped", "not_found"),
    "/gone": ("dropped", "gone"),
    "/unauthorised": ("dropped", "forbidden"),
    "/forbidden": ("dropped", "forbidden"),
    "/teapot": ("dropped", "refused_by_site"),
    "/no-location": ("dropped", "bad_redirect"),
    "/pdf": ("dropped", "not_html"),
    "/server-error": ("waiting", "server_error"),
    "/unavailable": ("waiting", "server_error"),
    "/slow": ("waiting", "timeout"),
    "/cut": ("waiting", "fetch_failed"),
    "/announced": ("dropped", "too_large"),
    "/incompressible": ("dropped", "too_large"),
    "/bomb": ("dropped", "too_large"),
    "/broken-gzip": ("waiting", "fetch_failed"),
    "/loop": ("dropped", "too_many_redirects"),
    "/to-file": ("dropped", "bad_redirect"),
    "/to-metadata": ("dropped", "address_refused"),
    "/to-port": ("dropped", "address_refused"),
    "/to-no-port": ("dropped", "bad_redirect"),
    "/to-no-host": ("dropped", "bad_redirect"),
    "/to-half-an-address": ("dropped", "bad_redirect"),
    "/to-a-script": ("dropped", "bad_redirect"),
    "/to-a-long-address": ("dropped", "bad_redirect"),
    "/to-credentials": ("dropped", "address_refused"),
}
# Addresses that lead to the inner server, or would: none of them is asked.
REFUSED = {
    "literal": "http://127.0.0.1:{inner}/secret",
    "decimal": "http://2130706433:{inner}/secret",
    "octal": "http://0177.0.0.1:{inner}/secret",
    "hexadecimal": "http://0x7f.1:{inner}/secret",
    "short": "http://127.1:{inner}/secret",
    "v6": "http://[::1]:{inner}/secret",
    "v4 in v6": "http://[::ffff:127.0.0.1]:{inner}/secret",
    "name": "http://localhost:{inner}/secret",
    "web port": "http://127.0.0.1/secret",
    "private": "http://10.0.0.1/secret",
    "shared": "http://100.64.0.1/secret",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "zero": "http://0.0.0.0/secret",
    "multicast": "http://224.0.0.1/",
    "nat64": "http://[64:ff9b::7f00:1]/secret",
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """One crawl over every answer."""
    with Sites() as sites, Sites() as inner:
        crawl = Crawl(
            tmp_path_factory.mktemp("fates"),
            sites.port,
            GOVWIRE_FETCH__MAX_BYTES="65536",
            GOVWIRE_FETCH__TIMEOUT_SECONDS="1.5",
        )
        for path, answer in ANSWERS.items():
            sites.set("fates.test", path, answer)
        inner.set("127.0.0.1", "/secret", "<p>secret</p>")
        crawl.source("fates", sites.feed("fates.test", *ANSWERS))
        items = "".join(f"<item><link>{url.format(inner=inner.port)}</link></item>" for url in REFUSED.values())
        nameless = f"<item><link>http://no-such-name.invalid:{sites.port}/</link></item>"
        closed = f"<item><link>{sites.url('closed.test').replace(str(sites.port), '1')}</link></item>"
        rss = f'<rss version="2.0"><channel><title>r</title>{items}{nameless}{closed}</channel></rss>'
        crawl.source("hostile", sites.set("hostile.test", "/feed", Reply(rss.encode())))
        try:
            yield Done(crawl, sites, inner, crawl.once())
        finally:
            crawl.close()


@pytest.mark.parametrize("path", FATES)
def test_each_answer_has_its_fate(done: Done, path: str) -> None:
    assert done.ended.code == 0, done.ended.log
    assert done.crawl.standing(done.sites.url("fates.test", path)) == FATES[path]


def test_every_answer_is_tried() -> None:
    assert FATES.keys() == ANSWERS.keys()


def test_what_is_published_is_what_was_fetched(done: Done) -> None:
    bodies = {page.url.rsplit("/", 1)[1]: page for page in done.crawl.pages()}
    assert bodies.keys() == {"fine", "typeless", "zipped", "empty", "moved"}
    assert bodies["zipped"].body() == b"<p>zipped</p>"
    assert bodies["empty"].body() == b""
    assert bodies["moved"].final_url == done.sites.url("fates.test", "/fine")
    assert bodies["moved"].url == done.sites.url("fates.test", "/moved")


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_outside_the_public_internet_is_refused(done: Done, address: str) -> None:
    url = REFUSED[address].format(inner=done.inner.port)
    assert done.crawl.standing(url) == ("dropped", "address_refused")


def test_nothing_was_asked_there(done: Done) -> None:
    assert done.inner.asked == []


def test_a_name_without_address_waits(done: Done) -> None:
    outcome, reason = done.crawl.standing(f"http://no-such-name.invalid:{done.sites.port}/")
    assert (outcome, reason) == ("waiting", "robots_unreachable")


def test_the_books_add_up(done: Done) -> None:
    assert sum(done.crawl.counts().values()) == len(FATES) + len(REFUSED) + 2


def test_no_site_gets_a_cookie_back_or_a_referrer(done: Done) -> None:
    assert not any({"cookie", "referer", "authorization"} & each.headers.keys() for each in done.sites.asked)
