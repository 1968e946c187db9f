"""Whose a page is: told by the host, and by the home page's address where several share one."""

import pytest

from crawlers.owners import Owners
from crawlers.room import ASKED
from govwire.core.records import SourceFacts
from govwire.core.source import Source


def source(source_id: str, home: str, kind: str = "press", **ways: object) -> Source:
    facts = {"name": source_id, "country": "INT", "language": "en", "rights": "full"}
    return Source.model_validate(facts | {"id": source_id, "home": home, "kind": kind} | (ways or {"feeds": [home]}))


SOURCES = {
    each.id: each
    for each in (
        source("wire", "https://www.wire.example/"),
        source("gazette", "https://gazette.example/", feeds=["https://feeds.gazette.example/all.xml"]),
        source("gazette-law", "https://gazette.example/law/"),
        source("search", "https://search.example/", kind="aggregator", feeds=["https://search.example/"], tags=["s"]),
    )
}


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://www.wire.example/a", "wire"),
        ("http://wire.example:8080/a", "wire"),
        ("https://feeds.gazette.example/a", "gazette"),
        ("https://gazette.example/law/a", "gazette-law"),
        ("https://gazette.example/sports/a", "gazette"),
        ("https://amp.wire.example/a", "wire"),
        ("https://blog.wire.example/a", None),
        ("https://notwire.example/a", None),
        ("https://search.example/a", None),
    ],
)
def test_a_page_belongs_to_the_source_of_its_host(url: str, owner: str | None) -> None:
    facts = Owners(SOURCES).of(url)
    assert (facts.id if facts else None) == owner
    others = Owners(SOURCES, all_hosts=True).of(url)
    assert others is not None
    assert others.id == owner or (owner is None and others.kind == "unwatched")


def test_only_the_sources_that_were_asked_for_own_pages() -> None:
    owners = Owners(SOURCES, ["gazette"])
    own = owners.of("https://gazette.example/a")
    assert own is not None
    assert own.id == "gazette"
    assert owners.of("https://gazette.example/law/a") is None
    assert owners.of("https://wire.example/a") is None


def test_owners_are_told_apart_by_what_they_would_answer() -> None:
    assert repr(Owners(SOURCES)) == repr(Owners(dict(reversed(SOURCES.items()))))
    told = {repr(Owners(SOURCES)), repr(Owners(SOURCES, ["wire"])), repr(Owners(SOURCES, all_hosts=True))}
    assert len(told) == 3


@pytest.mark.parametrize("finder", [SOURCES["search"].facts, ASKED])
def test_what_an_aggregator_finds_is_its_outlets(finder: SourceFacts) -> None:
    owners = Owners(SOURCES)
    assert owners.outlet("https://m.wire.example/a", finder).id == "wire"
    other = owners.outlet("https://news.other.co.uk/a", finder)
    assert (other.id, other.kind, other.country, other.language) == ("other.co.uk", "unwatched", "ZZ", "und")
    assert (other.rights, other.tags) == (finder.rights, finder.tags)
    assert owners.outlet("https://search.example/about", finder).id == "search.example"
    assert owners.outlet("http://192.0.2.7/1", finder).id == "192.0.2.7"


def test_what_another_source_lists_is_its_own_wherever_it_lies() -> None:
    wire = SOURCES["wire"].facts
    assert Owners(SOURCES).outlet("https://gazette.example/1", wire) == wire
