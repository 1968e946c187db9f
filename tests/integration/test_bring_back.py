"""What relevance dropped and a person calls relevant: fetched anew, labelled, found, and told to nobody as news."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import govwire
from crawling import Crawl
from govwire.core.state import outbox
from house import House
from servers.sites import Sites

# A term of AI governance in no word of it: the keyword engine drops it.
_DAYS = "".join(
    f"<p>On day {day} the chamber heard engineers on what their talking machines may do.</p>" for day in range(9)
)
_HEAD = "<html lang='en'><head><title>The chamber and the machines</title></head>"
PAGE = f"{_HEAD}<body><article>{_DAYS}</article></body></html>"


class Desk:
    """A newsroom: a site, a crawl of it, the stages, and a person at the command line."""

    def __init__(self, sites: Sites, folder: Path) -> None:
        self.sites = sites
        self.crawl = Crawl(folder, sites.port)
        self.url = sites.set("one.test", "/machines", PAGE)
        self.crawl.source("one", sites.feed("one.test", "/machines"))
        self.house = House(self.crawl.data_dir)

    def go_round(self) -> None:
        """Fetch what is due, and let the stages have it."""
        assert self.crawl.once().code == 0
        self.house.run_to_the_end()

    def govwire(self, *words: object) -> Any:
        return govwire(*words, **self.crawl.environment())

    def says(self, *words: object) -> str:
        done = self.govwire(*words)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Sites() as sites:
        made = Desk(sites, tmp_path)
        yield made
        made.house.close()
        made.crawl.close()


def test_an_article_goes_from_its_drop_to_the_index_and_out_again(desk: Desk) -> None:
    desk.says("subscriptions", "add", "all", "", "json://127.0.0.1:9/")
    desk.go_round()
    assert (desk.house.found(), desk.house.outcomes()) == ([], {("dropped", "irrelevant"): 1})

    assert "'govwire correct URL --relevant --by NAME' brings it back" in desk.says("why", desk.url)
    made = desk.says("correct", desk.url, "--relevant", "--by", "Ana", "--note", "on machines that talk")
    assert made.startswith("correction 1 (made): relevant\n")
    assert desk.house.outcomes() == {("waiting", "asked"): 1}
    desk.go_round()
    [found] = desk.house.found()
    assert (found["url"], found["relevance_by"], found["lane"]) == (desk.url, "person", "live")
    assert [stance["target"] for stance in found["stance"]] == ["stronger_governance"]
    assert desk.house.outcomes() == {("indexed", None): 1}
    with desk.house.state.begin() as transaction:
        assert outbox.pending(transaction) == {}
    assert "correction 1 (made): relevant, by Ana" in desk.says("why", desk.url)

    assert desk.says("corrections", "export") == ""
    desk.says("corrections", "confirm", "1", "--by", "Bo")
    row = json.loads(desk.says("corrections", "export"))
    assert (row["source"], row["relevant"], row["corrections"][0]["says"]) == (desk.url, True, "relevant")

    desk.says("corrections", "withdraw", "1", "--by", "Ana")
    assert (desk.house.found(), desk.house.outcomes()) == ([], {("dropped", "irrelevant"): 1})
    # What is not vouched for any more comes back by no later look.
    desk.says("crawl", "--url", desk.url)
    desk.house.run_to_the_end()
    assert desk.house.found() == []


def test_what_was_brought_back_stays_under_later_texts_and_later_looks(desk: Desk) -> None:
    desk.go_round()
    desk.says("correct", desk.url, "--relevant", "--by", "Ana")
    desk.go_round()
    desk.says("crawl", "--url", desk.url)
    desk.house.run_to_the_end()
    assert [hit["revision"] for hit in desk.house.found()] == [1]


def test_an_entry_that_the_prefilter_left_out_comes_back_as_the_article_that_its_page_is(desk: Desk) -> None:
    canonical = desk.url.replace("/machines", "/canonical")
    desk.crawl.source("one", desk.sites.feed("one.test", "/machines"), prefilter=True)
    desk.sites.set(
        "one.test", "/machines", PAGE.replace("</head>", f'<link rel="canonical" href="{canonical}"></head>')
    )
    desk.go_round()
    assert desk.house.outcomes() == {("dropped", "prefiltered"): 1}
    desk.says("correct", desk.url, "--relevant", "--by", "Ana")
    desk.go_round()
    [found] = desk.house.found()
    assert (found["url"], found["relevance_by"]) == (canonical, "person")
    [correction] = map(json.loads, desk.says("corrections", "list", "--json").splitlines())
    assert correction["article_id"] == found["article_id"]
    desk.says("corrections", "confirm", "1", "--by", "Bo")
    assert json.loads(desk.says("corrections", "export"))["relevant"] is True


def test_only_what_was_dropped_by_our_own_judgement_is_brought_back(desk: Desk) -> None:
    unknown = desk.govwire("correct", "https://one.test/never", "--relevant", "--by", "Ana")
    assert (unknown.returncode, "never seen" in unknown.stderr) == (2, True)
    nobody = desk.govwire("correct", desk.url, "--relevant")
    assert (nobody.returncode, "--by NAME" in nobody.stderr) == (2, True)
    assert desk.crawl.once().code == 0
    fetched = desk.govwire("correct", desk.url, "--relevant", "--by", "Ana")
    assert "only what was dropped as irrelevant or prefiltered is brought back" in fetched.stderr
    desk.house.run_to_the_end()
    desk.says("correct", desk.url, "--relevant", "--by", "Ana")
    twice = desk.govwire("correct", desk.url, "--relevant", "--by", "Bo")
    assert (twice.returncode, "correction 1 calls it relevant already" in twice.stderr) == (2, True)
