"""The shipped sources: enough, from everywhere, each told once, with its rights and where its address was seen."""

import re
from collections import Counter
from typing import get_args

from cssselect import HTMLTranslator

from govwire.core.share import shared
from govwire.core.source import Source, SourceKind
from govwire.core.terms import load_terms
from govwire.core.urls import normalise, registrable_domain
from govwire.core.vocabulary import load_vocabulary

CONFIG = shared("config")
SOURCES = load_vocabulary(CONFIG).sources
CONTINENTS = {
    "Africa": "CI EG KE NG UG ZA",
    "Asia": "AE BD CN HK ID IL IN IR JP KR LB MY PH PK QA SG TH TR TW VN",
    "Europe": "AT BE CH CZ DE EE ES EU FR GB HR IT LV NL PL PT RO RU SE UA",
    "North America": "CA MX US",
    "Oceania": "AU NZ",
    "South America": "AR BR CL CO PY UY",
}
# Where outlets keep feeds under a name that is not their own.
FEED_HOSTS = {
    "cna-tw": "feedburner.com",
    "bbc-technology": "bbci.co.uk",
    "hacker-news": "hnrss.org",
    "msit-kr": "korea.kr",
}


def _text(source: Source) -> str:
    return (CONFIG / "sources" / f"{source.id}.toml").read_text(encoding="utf-8")


def _addresses(source: Source) -> list[str]:
    return [*source.feeds, *source.sitemaps, *(listing.url for listing in source.listings)]


def test_there_are_enough_sources_of_every_kind() -> None:
    kinds = Counter(source.kind for source in SOURCES.values())
    assert kinds.total() >= 120
    assert set(kinds) == set(get_args(SourceKind))
    assert kinds["press"] + kinds["trade_press"] > kinds["state_media"] >= 8


def test_sources_come_from_every_continent() -> None:
    continent = {country: name for name, countries in CONTINENTS.items() for country in countries.split()}
    counted = Counter(continent[source.country] for source in SOURCES.values() if source.country != "INT")
    assert set(counted) == set(CONTINENTS)
    assert min(counted.values()) >= 4


def test_many_sources_speak_other_languages_than_english() -> None:
    languages = Counter(source.language for source in SOURCES.values())
    assert len(languages) >= 12
    assert languages.total() - languages["en"] >= 60
    assert all(languages[each] >= 3 for each in ("de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "zh"))


def test_no_address_is_asked_for_two_sources() -> None:
    asked = Counter(normalise(url) for source in SOURCES.values() for url in _addresses(source))
    assert [url for url, times in asked.items() if times > 1] == []


def test_an_address_is_on_the_sources_own_host_or_where_it_is_known_to_keep_feeds() -> None:
    for source in SOURCES.values():
        hosts = {registrable_domain(url) for url in _addresses(source)}
        assert hosts == {FEED_HOSTS.get(source.id, registrable_domain(source.home))}, source.id
        assert all(url.startswith("https://") for url in [source.home, *_addresses(source)]), source.id


def test_a_source_is_asked_neither_greedily_nor_too_seldom() -> None:
    assert [source.id for source in SOURCES.values() if not 15 <= source.every_minutes <= 24 * 60] == []


def test_an_address_that_we_have_not_seen_answer_says_where_it_was_seen() -> None:
    told = re.compile(r"#.*(?:in (?:a )?public (?:feed )?lists?|public checks?)\b")
    assert [each.id for each in SOURCES.values() if not (each.verified or told.search(_text(each)))] == []


def test_a_source_that_may_be_shown_whole_names_its_licence() -> None:
    told = re.compile(r'^rights = "full" # \S', re.MULTILINE)
    assert [each.id for each in SOURCES.values() if each.rights == "full" and not told.search(_text(each))] == []


def test_a_source_that_is_off_says_why() -> None:
    assert [each.id for each in SOURCES.values() if not (each.enabled or _text(each).startswith("# Off: "))] == []


def test_every_language_of_a_general_feed_has_terms_for_ai() -> None:
    assert {source.language for source in SOURCES.values() if source.prefilter} <= set(load_terms(CONFIG))


def test_feeds_of_the_press_are_about_ai_or_bring_only_what_names_it() -> None:
    about_ai = re.compile(r"artifi[a-z-]*?intelligen|intelligence-artificielle")
    general = (each for each in SOURCES.values() if each.kind in ("press", "state_media") and not each.prefilter)
    assert [each.id for each in general if not all(map(about_ai.search, each.feeds))] == []


def test_listing_pages_have_selectors_that_can_be_read() -> None:
    selectors = [listing.links for source in SOURCES.values() for listing in source.listings]
    assert selectors
    assert all(HTMLTranslator().css_to_xpath(selector) for selector in selectors)
