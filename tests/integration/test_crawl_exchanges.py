"""What a crawl writes down of its dealings with hosts: what was asked, and what was honoured."""

from crawling import Crawl
from govwire.core.state import exchanges
from govwire.core.state.exchanges import Exchange
from servers.sites import Asked, Reply, Sites

TAGGED = {"Content-Type": "text/html", "ETag": '"1"'}


def written(crawl: Crawl, source_id: str = "one") -> dict[str, list[Exchange]]:
    """The exchanges of a source by path, oldest first."""
    with crawl.state() as state, state.begin() as transaction:
        rows = exchanges.of_source(transaction, source_id, 100)
    found: dict[str, list[Exchange]] = {}
    for row in reversed(rows):
        found.setdefault("/" + row.url.split("/", 3)[3], []).append(row)
    return found


def test_every_request_and_hop_is_written_down_with_its_end(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/robots.txt", Reply(b"User-agent: *\nCrawl-delay: 0.2\nDisallow: /private"))
    sites.set("one.test", "/a", Reply(b"<p>a</p>", headers=TAGGED))
    sites.set("one.test", "/moved", Reply(status=301, headers={"Location": "/a"}))
    sites.set("one.test", "/cut", Reply(b"<p>cut", announced=100))
    crawl.source("one", sites.feed("one.test", "/a", "/moved", "/private", "/cut", "/absent"))
    crawl.once()
    found = written(crawl)
    assert {path: [row.status for row in rows] for path, rows in found.items()} == {
        "/robots.txt": [200],
        "/feed.xml": [200],
        "/a": [200, 200],
        "/moved": [301],
        "/private": [None],
        "/cut": [None],
        "/absent": [404],
    }
    assert {rows[0].purpose: path for path, rows in found.items() if path in {"/robots.txt", "/feed.xml", "/a"}} == {
        "robots": "/robots.txt",
        "feed": "/feed.xml",
        "page": "/a",
    }
    assert found["/private"][0].honoured == ("robots: not sent",)
    assert found["/cut"][0].error is not None
    assert found["/cut"][0].error.startswith("ResponseDataLossError")
    assert found["/a"][0].bytes == len(b"<p>a</p>")
    assert found["/a"][0].honoured == ("crawl-delay 0.2 s",)
    assert {row.host for rows in found.values() for row in rows} == {f"one.test:{sites.port}"}
    # The feed waited behind the robots file; pages are leased when their host's turn has come.
    assert found["/feed.xml"][0].waited_seconds > 0.05


def test_what_a_site_wished_and_got_is_written_down(sites: Sites, crawl: Crawl) -> None:
    feed = f"<rss version='2.0'><channel><item><link>{sites.url('busy.test', '/a')}</link></item></channel></rss>"

    def same(asked: Asked) -> Reply:
        return Reply(status=304) if "if-none-match" in asked.headers else Reply(feed.encode(), headers=TAGGED)

    sites.set("busy.test", "/a", Reply(status=429, headers={"Retry-After": "7200"}))
    crawl.name("busy.test")
    crawl.source("one", sites.set("one.test", "/feed.xml", same))
    crawl.once()
    crawl.once()
    found = written(crawl)
    assert [(row.status, row.honoured) for row in found["/feed.xml"]] == [(200, ()), (304, ("conditional",))]
    assert [(row.status, row.honoured) for row in found["/a"]] == [(429, ("Retry-After 7200",))]


def test_a_request_that_no_robots_file_allows_yet_is_written_down_as_not_sent(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/robots.txt", Reply(status=503))
    crawl.source("one", sites.feed("one.test", "/a"))
    crawl.once()
    found = written(crawl)
    assert found["/robots.txt"][0].status == 503
    assert found["/feed.xml"][0].honoured == ("robots unreachable: not sent",)
    assert [each.path for each in sites.asked] == ["/robots.txt"]
