"""How well real pages are read: figures that may only rise, and the pages that are judged wrong, by name."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import pytest

from processors.extraction import Draft, Drop, extract
from replay import ReplayPage, pages, same_day, same_title, text_f1

pytestmark = pytest.mark.corpus

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

# A page dropped counts as one whose fields are all wrong. trafilatura alone: 0.930, 0.701, 0.917 (DECISIONS.md).
LEAST_TEXT_F1, LEAST_TITLES, LEAST_DATES, LEAST_LANGUAGES = 0.923, 0.795, 0.915, 0.985

NON_ARTICLES_THAT_PASS = {
    "charitywatch--50d244dc",  # documentation: long prose
    "inmotionhosting--065b1a2e",  # documentation: says that it is an article, and has a date
    "lmu--8a5409fc",  # a course: prose with a date
    "nextjs--6626ca1b",  # documentation: prose
}
ARTICLES_THAT_ARE_DROPPED = {
    "hankookilbo--94cb0c24",  # its text is in a script
    "parcoabruzzo--9934b572",  # says that it is a website, and spells its date with a year of two digits
}


@pytest.fixture(scope="module")
def corpus(corpus_dir: Path) -> list[ReplayPage]:
    return pages(corpus_dir)


@pytest.fixture(scope="module")
def found(corpus: list[ReplayPage]) -> Mapping[str, Draft | Drop]:
    """What is found on each page, by its file; without a feed's help, as sites link to it."""
    return {page.file: extract(page.body(), page.url, "text/html", None, NOW) for page in corpus}


def test_text_title_date_and_language_are_as_good_as_ever(
    corpus: list[ReplayPage], found: Mapping[str, Draft | Drop]
) -> None:
    texts, titles, dates, languages = [], [], [], []
    for page in corpus:
        draft = found[page.file]
        read = draft if isinstance(draft, Draft) else None
        if page.text is not None:
            texts.append(text_f1(page.text, read.text, page.language) if read else 0.0)
        if page.title is not None:
            titles.append(bool(read and same_title(page.title, read.title)))
        if page.published is not None:
            dates.append(same_day(page.published, read.published if read else None))
        if read and page.language != "und":
            languages.append(read.language == page.language)
    assert (len(texts), len(titles), len(dates)) == (299, 281, 288)
    assert fmean(texts) >= LEAST_TEXT_F1
    assert fmean(titles) >= LEAST_TITLES
    assert fmean(dates) >= LEAST_DATES
    assert fmean(languages) >= LEAST_LANGUAGES


def test_what_passes_for_an_article_and_what_is_dropped_is_known_by_name(
    corpus: list[ReplayPage], found: Mapping[str, Draft | Drop]
) -> None:
    passed = {page.name for page in corpus if isinstance(found[page.file], Draft) and not page.is_article}
    dropped = {page.name for page in corpus if isinstance(found[page.file], Drop) and page.is_article}
    assert passed == NON_ARTICLES_THAT_PASS
    assert dropped == ARTICLES_THAT_ARE_DROPPED
    blocked = {page.name for page in corpus if page.page_type == "blocked"}
    assert len(blocked) == 3
    assert not passed & blocked


def test_every_drop_has_a_name_and_a_detail(found: Mapping[str, Draft | Drop]) -> None:
    drops = [draft for draft in found.values() if isinstance(draft, Drop)]
    assert {drop.reason for drop in drops} == {"no_article"}
    assert all(drop.detail for drop in drops)


def test_every_field_can_be_stored(found: Mapping[str, Draft | Drop]) -> None:
    for draft in found.values():
        if isinstance(draft, Draft):
            for text in (draft.title, draft.text, draft.summary or "", *draft.authors):
                text.encode()
                assert "\x00" not in text
            assert draft.published is None or draft.published.at.tzinfo is UTC


def test_what_the_recorded_articles_ask_of_machines_is_known(found: Mapping[str, Draft | Drop]) -> None:
    asked = Counter(name for draft in found.values() if isinstance(draft, Draft) for name in draft.opt_outs)
    assert asked == {"unlisted": 4, "tdm": 3}
