"""Pace and robots, as the sites see them."""

import itertools
import json
from contextlib import closing
from pathlib import Path

import pytest

from crawling import Crawl
from servers.sites import Asked, Reply, Sites, http_date
from servers.tls import make_certificates

# Between the taking of a turn and the request's arrival lie a connection and a busy machine's scheduling.
JITTER_SECONDS = 0.15


def gaps(asked: list[Asked]) -> list[float]:
    return [later.at - sooner.at for sooner, later in itertools.pairwise(asked)]


def test_two_processes_together_keep_the_pace_of_a_host(sites: Sites, crawl: Crawl) -> None:
    paths = [f"/{number}" for number in range(6)]
    for path in paths:
        sites.set("slow.test", path, "<p>x</p>")
        sites.set("other.test", path, "<p>x</p>")
    crawl.source("slow", sites.feed("slow.test", *paths))
    crawl.source("other", sites.feed("other.test", *paths))
    pace = {"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0.4"}
    processes = [crawl.start(once=True, environment=pace) for _ in range(2)]
    for process in processes:
        assert process.end().code == 0
    for host in ("slow.test", "other.test"):
        asked = [each for each in sites.asked if each.host == host]
        assert len(asked) >= 8
        assert min(gaps(asked)) >= 0.4 - JITTER_SECONDS
    assert crawl.counts() == {("fetched", None): 12}


def test_the_pace_holds_over_a_kill(sites: Sites, crawl: Crawl) -> None:
    sites.set("slow.test", "/a", "<p>x</p>")
    crawl.source("slow", sites.feed("slow.test", "/a"))
    pace = {"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "1.5"}
    crawl.once(environment=pace | {"GOVWIRE_FAULT": "crawl.fetched"})
    crawl.once(environment=pace)
    assert [each.path for each in sites.asked] == ["/robots.txt", "/feed.xml", "/feed.xml", "/a"]
    assert min(gaps(sites.asked)) >= 1.5 - JITTER_SECONDS


def test_a_crawl_delay_is_kept(sites: Sites, crawl: Crawl) -> None:
    sites.set("slow.test", "/robots.txt", Reply(b"User-agent: *\nCrawl-delay: 0.6\n"))
    for path in ("/a", "/b"):
        sites.set("slow.test", path, "<p>x</p>")
    crawl.source("slow", sites.feed("slow.test", "/a", "/b"))
    crawl.once()
    asked = [each for each in sites.asked if each.path != "/robots.txt"]
    assert len(asked) == 3
    assert min(gaps(asked)) >= 0.6 - JITTER_SECONDS


def test_what_robots_forbids_is_not_asked_for(sites: Sites, crawl: Crawl) -> None:
    robots = b"User-agent: *\nDisallow: /private\nAllow: /private/press\n\nUser-agent: ourbot\nDisallow: /ours\n"
    sites.set("one.test", "/robots.txt", Reply(robots, headers={"Content-Type": "text/plain"}))
    paths = ["/open", "/private/a", "/private/press", "/ours"]
    for path in paths:
        sites.set("one.test", path, "<p>x</p>")
    sites.set("two.test", "/away", Reply(status=302, headers={"Location": sites.url("one.test", "/private/a")}))
    crawl.source("one", sites.feed("one.test", *paths))
    crawl.source("two", sites.feed("two.test", "/away"))
    crawl.once()
    assert crawl.standing(sites.url("one.test", "/private/a")) == ("dropped", "robots")
    assert crawl.standing(sites.url("two.test", "/away")) == ("dropped", "robots")
    assert sites.asked_for("one.test", "/private/a") == []
    assert sorted(page.url for page in crawl.pages()) == [
        sites.url("one.test", path) for path in ("/open", "/ours", "/private/press")
    ]
    assert len(sites.asked_for("one.test", "/robots.txt")) == 1
    crawl.once(
        urls=[sites.url("one.test", "/ours")],
        environment={"GOVWIRE_USER_AGENT": "ourbot/1.0 (+https://our.example/contact)"},
    )
    assert crawl.standing(sites.url("one.test", "/ours")) == ("dropped", "robots")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_without_robots_file_allows_all(sites: Sites, crawl: Crawl, status: int) -> None:
    sites.set("one.test", "/robots.txt", Reply(b"Disallow: /", status))
    sites.set("one.test", "/a", "<p>x</p>")
    crawl.once(urls=[sites.url("one.test", "/a")], environment=named(crawl, "one.test"))
    assert crawl.standing(sites.url("one.test", "/a")) == ("fetched", None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=429),
        Reply(after_seconds=3),
        Reply(status=302, headers={"Location": "http://10.0.0.1/robots.txt"}),
        Reply(status=302, headers={"Location": "http://@/robots.txt"}),
    ],
    ids=["500", "429", "silent", "moved to a private address", "moved to no address"],
)
def test_a_site_whose_robots_file_cannot_be_had_is_left_alone_for_now(sites: Sites, crawl: Crawl, reply: Reply) -> None:
    sites.set("one.test", "/robots.txt", reply)
    for path in ("/a", "/b", "/c"):
        sites.set("one.test", path, "<p>x</p>")
    urls = [sites.url("one.test", path) for path in ("/a", "/b", "/c")]
    quick = {"GOVWIRE_FETCH__TIMEOUT_SECONDS": "1"}
    crawl.once(urls=urls, environment=named(crawl, "one.test") | quick)
    assert crawl.counts() == {("waiting", "robots_unreachable"): 3}
    assert [each.path for each in sites.asked] == ["/robots.txt"]


def test_a_robots_file_beyond_the_limit_is_read_up_to_it(sites: Sites, crawl: Crawl) -> None:
    long = b"User-agent: *\nDisallow: /private\n" + b"# padding\n" * 60_000 + b"Disallow: /open\n"
    sites.set("one.test", "/robots.txt", Reply(long))
    sites.set("one.test", "/open", "<p>x</p>")
    sites.set("one.test", "/private", "<p>x</p>")
    urls = [sites.url("one.test", "/open"), sites.url("one.test", "/private")]
    crawl.once(urls=urls, environment=named(crawl, "one.test"))
    assert [crawl.standing(url) for url in urls] == [("fetched", None), ("dropped", "robots")]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_host_is_left_alone_as_long_as_it_asks(sites: Sites, crawl: Crawl, status: int, form: str) -> None:
    value = "7200" if form == "seconds" else http_date(7200)
    sites.set("one.test", "/a", Reply(status=status, headers={"Retry-After": value}))
    sites.set("one.test", "/b", Reply(status=status, headers={"Retry-After": value}))
    urls = [sites.url("one.test", "/a"), sites.url("one.test", "/b")]
    slow = {"GOVWIRE_CRAWL__HOST_DELAY_SECONDS": "0.3"}
    crawl.once(urls=urls, environment=named(crawl, "one.test") | slow)
    assert len([each for each in sites.asked if each.path != "/robots.txt"]) == 1
    reason = "throttled" if status == 429 else "server_error"
    assert crawl.counts() == {("waiting", reason): 1, ("waiting", "asked"): 1}


def test_no_request_keeps_its_place_while_a_host_is_left_alone(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/feed.xml", Reply(status=429, headers={"Retry-After": "7200"}))
    crawl.source("one", sites.url("one.test", "/feed.xml"))
    assert crawl.once().failed_feeds == {sites.url("one.test", "/feed.xml"): "HTTP 429"}
    again = crawl.once()
    (why,) = again.failed_feeds.values()
    assert why.startswith(f"throttled: one.test:{sites.port} asked to be left alone until")
    assert [each.path for each in sites.asked] == ["/robots.txt", "/feed.xml"]


def test_a_host_is_left_alone_as_long_as_its_robots_file_asks(sites: Sites, crawl: Crawl) -> None:
    sites.set("one.test", "/robots.txt", Reply(status=503, headers={"Retry-After": "7200"}))
    url = sites.set("one.test", "/a", "<p>x</p>")
    crawl.once(urls=[url], environment=named(crawl, "one.test"))
    assert crawl.standing(url) == ("waiting", "robots_unreachable")
    _let_due(crawl)
    crawl.once()
    assert [each.path for each in sites.asked] == ["/robots.txt"]


def named(crawl: Crawl, *hosts: str) -> dict[str, str]:
    crawl.name(*hosts)
    return {}


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with Sites(certificates) as sites, closing(Crawl(tmp_path / "crawl", sites.port)) as crawl:
        url = sites.set("localhost", "/a", "<p>a</p>")
        crawl.name("localhost")
        crawl.once(urls=[url], environment={"GOVWIRE_CRAWL__RETRY_BASE_SECONDS": "0.1"})
        assert crawl.standing(url) == ("waiting", "robots_unreachable")
        assert sites.asked == []
        _forget_robots(crawl)
        crawl.once(urls=[url], environment={"GOVWIRE_FETCH__CA_FILE": str(certificates.ca_file)})
        assert crawl.standing(url) == ("fetched", None)


def test_an_authority_of_ones_own_is_trusted_beside_those_of_the_system(tmp_path: Path) -> None:
    for name in ("system", "office"):
        (tmp_path / name).mkdir()
    system, office = make_certificates(tmp_path / "system"), make_certificates(tmp_path / "office")
    with Sites(system) as one, Sites(office) as two, closing(Crawl(tmp_path / "crawl", one.port)) as crawl:
        urls = [one.set("localhost", "/a", "<p>a</p>"), two.set("localhost", "/b", "<p>b</p>")]
        crawl.name("localhost")
        environment = {
            "GOVWIRE_FETCH__ALLOW": json.dumps([f"127.0.0.0/8:{port}" for port in (one.port, two.port)]),
            "GOVWIRE_FETCH__CA_FILE": str(office.ca_file),
            "SSL_CERT_FILE": str(system.ca_file),
        }
        crawl.once(urls=urls, environment=environment)
        assert [crawl.standing(url) for url in urls] == [("fetched", None)] * 2


def test_a_file_of_authorities_that_holds_none_is_told_in_one_line(crawl: Crawl, tmp_path: Path) -> None:
    for name, why in (("nowhere.pem", "not there"), ("config/settings.toml", "cannot be read")):
        ended = crawl.once(environment={"GOVWIRE_FETCH__CA_FILE": str(tmp_path / name)})
        assert ended.code == 1
        assert ended.log.splitlines()[-1].startswith(f"ConfigError: fetch.ca_file {tmp_path / name}: {why}")


def _forget_robots(crawl: Crawl) -> None:
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql("DELETE FROM hosts")


def _let_due(crawl: Crawl) -> None:
    """Let every URL be due, and every robots file be asked for again."""
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql("UPDATE frontier SET due_at = '2026-01-01'")
        transaction.exec_driver_sql("UPDATE hosts SET robots_fetched_at = '2026-01-01'")
