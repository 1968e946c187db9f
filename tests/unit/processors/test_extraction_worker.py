"""What the children of an extract process answer of a page that asks not to be kept."""

import pytest

from govwire.core.records import Header
from processors.extraction import Drop
from processors.extraction.worker import Finding, find
from samples import page

HEAD = '<meta name="robots" content="noai"><meta property="article:content_tier" content="locked">'
TEXT = "".join(
    f"<p>Residents of district {number} will see which AI systems the town hall relies on.</p>" for number in range(9)
)
BODY = f"<html><head>{HEAD}</head><body><article><h1>Council votes</h1>{TEXT}</article></body></html>".encode()
HEADERS = (Header(name="content-type", value="text/html"), Header(name="tdm-reservation", value="1"))


@pytest.mark.parametrize(
    ("obeyed", "why"),
    [(("noai",), "noai"), (("tdm", "noai"), "noai, tdm"), (("paywall",), "paywall")],
    ids=["markup", "headers too", "paywall"],
)
def test_a_page_is_dropped_by_what_it_asks_and_the_settings_obey(obeyed: tuple[str, ...], why: str) -> None:
    assert find(page(body=BODY, headers=HEADERS), obeyed) == Drop("opted_out", f"the page asks for {why}")  # type: ignore[arg-type]


def test_what_is_not_obeyed_is_kept_with_the_article() -> None:
    found = find(page(body=BODY, headers=HEADERS), ("noindex", "noimageai"))
    assert isinstance(found, Finding)
    assert found.draft.opt_outs == ("noai", "paywall", "tdm")
    assert (found.draft.access, found.draft.partial) == ("paid", True)
