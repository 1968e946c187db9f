"""Whose page an archive holds: told by the host, and by the home page's address where several share one."""

import pytest

from crawlers.archives.owners import Owners
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
        source("search", "https://search.example/", kind="aggregator"),
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
    assert others.id == owner or (owner is None and others.id == "asked")


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
