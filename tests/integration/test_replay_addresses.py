"""Which addresses are one page, on what real sites say of their own pages."""

import os
import re
from pathlib import Path

import pytest

from govwire.core.errors import UrlError
from govwire.core.urls import clean, url_id
from replay import ReplayPage, pages

pytestmark = pytest.mark.corpus

_LINK = re.compile(rb"<link\b[^>]*>", re.IGNORECASE)
_REL = re.compile(r"rel=[\"']?([^\"'>]+?)[\"'\s>]")
_HREF = re.compile(r"href=[\"']?([^\"'\s>]+)")


@pytest.fixture(scope="module")
def corpus() -> list[ReplayPage]:
    return pages(Path(os.environ["CORPUS_DIR"]))


def variants(page: ReplayPage, kind: str) -> list[str]:
    """What a page links to as its AMP page (`amphtml`) or its mobile one (`alternate`, for a width of screen)."""
    links = [link[0].decode("utf-8", "replace") for link in _LINK.finditer(page.body()[:400_000])]
    named = [link for link in links if (rel := _REL.search(link)) and rel[1].strip().lower() == kind]
    wanted = named if kind == "amphtml" else [link for link in named if "media=" in link]
    return [href[1].replace("&amp;", "&") for link in wanted if (href := _HREF.search(link))]


@pytest.mark.parametrize(("kind", "folded", "named"), [("amphtml", 133, 171), ("alternate", 23, 36)])
def test_most_variants_that_sites_name_are_the_page_itself(
    corpus: list[ReplayPage], kind: str, folded: int, named: int
) -> None:
    pairs = [(page.url, link) for page in corpus for link in variants(page, kind)]
    assert len(pairs) == named
    assert sum(_is_one(*pair) for pair in pairs) >= folded


def test_no_two_pages_of_real_sites_are_taken_for_one(corpus: list[ReplayPage]) -> None:
    urls = {page.url for page in corpus}
    assert len({url_id(url) for url in urls}) == len(urls)


def _is_one(url: str, link: str) -> bool:
    try:
        return url_id(clean(link, base=url)) == url_id(url)
    except UrlError:
        return False
