"""The sample sites as a reader sees them."""

from collections.abc import Iterator

import pytest
from lxml import html

from govwire import demo
from servers.chromium import Chromium


@pytest.fixture
def running() -> Iterator[demo.Demo]:
    with demo.start() as served:
        yield served


def opened(served: demo.Demo, url: str) -> html.HtmlElement:
    """The page as a browser holds it that finds the demo's names on loopback."""
    return html.document_fromstring(Chromium(dict.fromkeys(served.hosts, "127.0.0.1")).dump_dom(url))


def test_a_front_page_leads_to_an_article_and_back(running: demo.Demo) -> None:
    home = running.sources()["wire"].home
    front = opened(running, home)
    links = front.xpath("//main//a/@href")
    assert front.xpath("string(//title)") == "Sample Wire"
    assert len(links) == len(running.sites["wire"].articles)

    article = opened(running, links[0])
    assert article.xpath("string(//article/h1)") == "Europe puts off its strictest AI rules until December 2027"
    assert len(article.xpath("//article/p[not(@class)]")) == 5
    assert links[1] in article.xpath("//aside//a/@href")
    assert article.xpath("//body/header/a/@href") == ["/"]


def test_a_chinese_article_is_whole_in_a_browser(running: demo.Demo) -> None:
    article = opened(running, f"http://statenews.govwire.example:{running.port}/zh/quanqiu-zhili")
    assert article.get("lang") == "zh"
    assert "发展中国家在人工智能治理中必须拥有平等的发言权" in article.xpath("string(//article)")
