"""Lists of pages that somebody wants fetched, and what else is fetched on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import govwire
from crawling import Crawl
from servers.sites import Reply, Sites


@pytest.fixture
def crawl(sites: Sites, tmp_path: Path) -> Iterator[Crawl]:
    place = Crawl(tmp_path, sites.port)
    place.source("one", sites.feed("one.test", "/listed"))
    place.name("two.test")
    for host, path in (("one.test", "/listed"), ("two.test", "/a"), ("two.test", "/b")):
        sites.set(host, path, "<p>text</p>")
    yield place
    place.close()


def test_every_page_of_a_list_is_fetched_and_bad_rows_are_named(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    a, b = sites.url("two.test", "/a"), sites.url("two.test", "/b")
    file = tmp_path / "wanted.csv"
    file.write_text(f"title,url,source\nAlpha,{a},one\n,nonsense,\nBeta,{b},\n,{b},nobody\n")
    done = govwire("crawl", "--file", file, **crawl.environment())
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith(str(file))]
    assert lines == [
        f"{file}, line 3: address 'nonsense': neither http nor https; write a whole http or https URL; skipped",
        f"{file}, line 5: unknown source 'nobody'; skipped",
        f"{file}: 2 pages, 2 rows skipped",
    ]
    pages = {page.url: page for page in crawl.pages()}
    assert {url: page.source.id for url, page in pages.items()} == {a: "one", b: "two.test"}
    assert pages[a].entry is not None
    assert (pages[a].entry.title, pages[a].entry.feed_url) == ("Alpha", "wanted.csv")
    assert not sites.asked_for("one.test", "/feed.xml")


def test_a_list_without_a_page_is_wrong_usage(crawl: Crawl, tmp_path: Path) -> None:
    file = tmp_path / "wanted.csv"
    file.write_text("nonsense\n")
    done = govwire("crawl", "--file", file, **crawl.environment())
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: {file}: no page to fetch; ")


def test_pages_of_other_sources_that_are_due_meanwhile_are_fetched_as_theirs(sites: Sites, crawl: Crawl) -> None:
    listed = sites.url("one.test", "/listed")
    sites.set("one.test", "/listed", Reply(status=500))
    again = {"GOVWIRE_CRAWL__RETRY_BASE_SECONDS": "0.01"}
    assert not crawl.once(environment=again).failed_feeds
    assert crawl.standing(listed) == ("waiting", "server_error")
    sites.set("one.test", "/listed", "<p>text</p>")
    crawl.once(urls=[sites.url("two.test", "/a")])
    assert crawl.standing(listed) == ("fetched", None)
