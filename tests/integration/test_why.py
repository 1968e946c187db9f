"""`govwire why` of any URL, also of one never seen; and which URLs stand for a reason."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands import govwire
from crawling import Crawl
from govwire.core.records import Lane
from govwire.core.state import frontier, identity, ledger
from govwire.core.state.frontier import Found
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.urls import article_id, url_id
from servers.sites import Reply, Sites

NOW = datetime.now(UTC)


class Desk:
    """A site, a crawl of it, and a person who asks."""

    def __init__(self, sites: Sites, folder: Path) -> None:
        self.sites = sites
        self.crawl = Crawl(folder, sites.port)
        self.crawl.source("one", sites.feed("one.test", "/a"))
        sites.set("one.test", "/a", "<p>a</p>")

    def setting(self, line: str) -> None:
        path = self.crawl.config / "sources" / "one.toml"
        name = line.partition(" ")[0]
        others = [each for each in path.read_text().splitlines() if not each.startswith(f"{name} =")]
        path.write_text("\n".join([*others, line]))

    def why(self, url: str, *, known: bool = False) -> list[str]:
        done = govwire("why", url, **self.crawl.environment())
        assert done.returncode == (0 if known else 1), done.stderr
        return [line.strip() for line in str(done.stdout).splitlines()]

    def never(self, path: str = "/never") -> list[str]:
        return self.why(self.sites.url("one.test", path))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Sites() as sites:
        made = Desk(sites, tmp_path)
        yield made
        made.crawl.close()


def test_a_url_of_a_watched_site_is_told_by_its_lists(desk: Desk) -> None:
    feed, page = desk.sites.url("one.test", "/feed.xml"), desk.sites.url("one.test", "/never")
    crawl = f"'govwire crawl --url {page}' fetches it now"
    assert desk.never() == [
        page,
        "never seen: no list that was read has it, and nobody has asked for it",
        "watched as one",
        f"feed {feed}: not read yet",
        f"next: {crawl}; 'govwire backfill' brings what is older than its lists reach",
    ]
    item = f"<item><link>{page}s</link><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate></item>"
    rss = f'<rss version="2.0"><channel>{item}</channel></rss>'
    desk.sites.set("one.test", "/feed.xml", Reply(rss.encode(), headers={"Content-Type": "application/rss+xml"}))
    desk.crawl.once(source_ids=("one",))
    told = desk.never()
    assert told[3].startswith(f"feed {feed}: read {NOW:%Y-%m-%d}")
    assert told[3].endswith(", 1 entries back to 2026-11-16 08:00")
    assert told[4].startswith(f"{desk.sites.url('one.test', '/robots.txt')}, of {NOW:%Y-%m-%d}")
    assert told[4].endswith("allows it")


def test_a_list_that_fails_says_since_when_and_why(desk: Desk) -> None:
    desk.sites.set("one.test", "/feed.xml", Reply(b"", 404))
    desk.crawl.once(source_ids=("one",))
    [line] = [line for line in desk.never() if line.startswith("feed ")]
    assert f"failing since {NOW:%Y-%m-%d}" in line
    assert line.endswith(": HTTP 404")


def test_what_the_robots_file_forbids_is_told_and_nothing_is_advised(desk: Desk) -> None:
    desk.sites.set("one.test", "/robots.txt", Reply(b"User-agent: *\nDisallow: /private/", headers={}))
    desk.crawl.once(source_ids=("one",))
    told = desk.never("/private/x")
    assert told[-2].endswith("forbids it")
    assert told[-1] == "next: none: the site does not want it fetched"
    assert desk.never("/public")[-2].endswith("allows it")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("prefilter = true", "watched as one; only entries that name AI are fetched (drop prefiltered)"),
        ("enabled = false", "watched as one; switched off"),
    ],
)
def test_what_holds_for_the_source_is_told(desk: Desk, line: str, says: str) -> None:
    desk.setting(line)
    told = desk.never()
    assert says in told
    assert ("enabled = true in config/sources/one.toml" in told[-1]) == ("enabled" in line)


def test_what_is_no_page_and_what_nobody_watches_is_told(desk: Desk) -> None:
    told = desk.never("/report.PDF?x=1")
    assert told[-2:] == [
        "it ends as application/pdf: such are dropped (not_html)",
        "next: none: only pages are read; the link is kept where a source lists it",
    ]
    page = "https://other.example/2026/news"
    crawl = f"'govwire crawl --url {page}' fetches it now"
    assert desk.why(page)[1:] == [
        "never seen: no list that was read has it, and nobody has asked for it",
        "no source of other.example is watched",
        f"next: {crawl}; 'govwire sources add https://other.example/' watches the site",
    ]
    refused = govwire("why", "mailto:me@one.test", **desk.crawl.environment())
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


def test_the_answer_is_data_for_programs(desk: Desk) -> None:
    done = govwire("why", desk.sites.url("one.test", "/never"), "--json", **desk.crawl.environment())
    prospect = json.loads(done.stdout)["prospect"]
    assert [(each["source_id"], each["lists"][0]["read"]) for each in prospect["watched"]] == [("one", None)]
    assert prospect["next_step"].startswith("'govwire crawl --url")


def test_other_addresses_of_the_same_article_are_told_and_found(desk: Desk) -> None:
    a, b = "https://one.test/a", "https://one.test/b"
    with desk.crawl.state() as state, state.begin() as transaction:
        frontier.add(transaction, [Found(a, "one"), Found(b, "one")], NOW)
        canonical = article_id("https://one.test/canonical")
        identity.assign_articles(transaction, {url_id(a): canonical, url_id(b): canonical})
    assert desk.why(a, known=True)[:2] == [a, f"also {b}"]
    told = desk.why("https://one.test/canonical", known=True)
    assert {told[0], told[1].removeprefix("also ")} == {a, b}


def test_urls_that_stand_for_a_reason_are_listed_page_by_page(desk: Desk) -> None:
    def row(number: int, reason: str | None, outcome: Outcome = Outcome.DROPPED) -> Outcomes:
        url = f"https://one.test/{number}"
        return Outcomes(url_id(url), url, "one", Lane.LIVE, "f", "crawl", outcome, reason, f"detail {number}")

    with desk.crawl.state() as state, state.begin() as transaction:
        for number in range(5):
            at = NOW.replace(microsecond=number)
            ledger.record(transaction, [row(number, "not_html")], at)
        ledger.record(transaction, [row(9, "not_found"), row(8, None, Outcome.INDEXED)], NOW)

    def listed(*words: object) -> list[Any]:
        done = govwire("status", *words, "--json", **desk.crawl.environment())
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    everything = listed("--reason", "not_html")
    assert [each["url"][-1] for each in everything] == ["4", "3", "2", "1", "0"]
    assert (everything[0]["outcome"], everything[0]["stage"], everything[0]["detail"]) == (
        "dropped",
        "crawl",
        "detail 4",
    )
    pages = [listed("--reason", "not_html", "--limit", 2, "--page", page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [each for page in pages for each in page] == everything
    table = govwire("status", "--reason", "not_found", **desk.crawl.environment()).stdout
    assert "https://one.test/9" in table
    nothing = govwire("status", "--reason", "nonsense", **desk.crawl.environment()).stdout
    assert nothing == "no URL stands for 'nonsense' on page 1\n"
