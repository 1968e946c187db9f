"""The sample sites, asked over loopback as a crawl asks them."""

import http.client
import json
import pickle
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import html

from govwire import demo
from govwire.core.settings import load_settings
from govwire.demo.site import Edit, Sample, edit, load_sites

STARTED_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = STARTED_AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(clock: Clock) -> Iterator[demo.Demo]:
    with demo.start(clock) as served:
        yield served


def ask(served: demo.Demo, url: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """What a URL of the demo answers; its name is not looked up."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        connection.request("GET", parts.path, headers={"Host": parts.netloc, **headers})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def entries(served: demo.Demo, source_id: str) -> list[dict[str, Any]]:
    """What a site's feed lists, each with its `link`."""
    (feed_url,) = served.sources()[source_id].feeds
    response, body = ask(served, feed_url)
    assert response.status == 200
    if response.headers["Content-Type"] == "application/feed+json":
        return [{**item, "link": item["url"]} for item in json.loads(body)["items"]]
    parsed = feedparser.parse(body, response_headers={"content-type": response.headers["Content-Type"]})
    assert not parsed.bozo
    return list(parsed.entries)


def everything(served: demo.Demo) -> Iterator[tuple[str, http.client.HTTPResponse, bytes]]:
    for source_id in served.sources():
        for entry in entries(served, source_id):
            yield entry["link"], *ask(served, entry["link"])


def page_of(served: demo.Demo, host: str, path: str) -> html.HtmlElement:
    response, body = ask(served, f"http://{host}.govwire.example:{served.port}{path}")
    assert response.status == 200
    return html.document_fromstring(body)


def test_feeds_list_every_article_of_every_site_in_three_formats(running: demo.Demo) -> None:
    listed = {source_id: len(entries(running, source_id)) for source_id in running.sources()}
    assert listed == {source_id: len(site.articles) for source_id, site in running.sites.items()}
    assert sum(listed.values()) >= 40
    assert {site.feed for site in running.sites.values()} == {"rss", "atom", "json"}


def test_every_address_has_the_fate_that_the_demo_shows(running: demo.Demo) -> None:
    answers = Counter((response.status, bool(body)) for _, response, body in everything(running))
    assert answers[404, True] == 1
    assert answers[503, True] == 1
    assert answers[200, False] == 1
    assert answers[200, True] >= 40
    assert sum(answers.values()) == sum(len(site.articles) for site in running.sites.values())


def test_every_page_shows_title_text_and_that_it_is_a_sample(running: demo.Demo) -> None:
    titles = {sample.title: sample for site in running.sites.values() for sample in site.articles}
    for url, response, body in everything(running):
        if response.status != 200 or not body:
            continue
        page = html.document_fromstring(body)
        (title,) = page.xpath("//article/h1/text()")
        text = " ".join(" ".join(page.xpath("//article/p[not(@class)]/text()")).split())
        assert text == " ".join(titles[title].text.split()), url
        assert "speakers and their words are invented" in page.xpath("string(//footer)")


def test_sites_say_their_dates_in_different_ways_and_one_page_says_none(running: demo.Demo) -> None:
    def said(host: str, path: str) -> set[str]:
        page = page_of(running, host, path)
        ways = {
            "json_ld": page.xpath("//script[@type='application/ld+json']"),
            "meta": page.xpath("//meta[@property='article:published_time']"),
            "time": page.xpath("//time"),
        }
        return {way for way, found in ways.items() if found}

    assert said("wire", "/un/killer-robots-vote") == {"json_ld"}
    assert said("gazette", "/city/face-recognition-ban") == {"meta"}
    assert said("institute", "/essays/one-rulebook") == {"time"}
    assert said("machines", "/policy/our-view-on-ai-law") == set()


def test_news_is_as_old_as_it_says_before_the_start_of_the_demo(running: demo.Demo) -> None:
    page = page_of(running, "wire", "/europe/high-risk-rules-put-off")
    (script,) = page.xpath("//script[@type='application/ld+json']/text()")
    assert datetime.fromisoformat(json.loads(script)["datePublished"]) == STARTED_AT - timedelta(hours=3)
    ages = [sample.hours_ago for site in running.sites.values() for sample in site.articles]
    assert max(ages) < 7 * 24


def test_agency_texts_appear_in_other_papers_with_small_edits() -> None:
    sites = load_sites()
    texts = {f"{site_id}{sample.path}": sample.text for site_id, site in sites.items() for sample in site.articles}
    for original, copy in (
        ("wire/europe/high-risk-rules-put-off", "gazette/world/eu-delays-ai-act"),
        ("wire/courts/authors-settlement", "gazette/books/anthropic-authors-settlement"),
        ("wire/un/scientific-panel", "southerndesk/world/forty-scientists"),
    ):
        ours, theirs = set(texts[original].split()), set(texts[copy].split())
        assert ours != theirs
        assert len(ours & theirs) / len(ours | theirs) > 0.85


def test_an_article_is_revised_when_its_feed_is_read_for_the_second_time(running: demo.Demo, clock: Clock) -> None:
    def read() -> tuple[str, datetime]:
        (entry,) = (each for each in entries(running, "lawandpolicy") if each["link"].endswith("/italy-law-132"))
        page = page_of(running, "lawandpolicy", "/italy-law-132")
        return page.xpath("string(//article)"), datetime.fromisoformat(entry["updated"])

    first_text, first_updated_at = read()
    clock.now += timedelta(seconds=30)
    second_text, second_updated_at = read()
    clock.now += timedelta(seconds=30)
    assert first_updated_at < STARTED_AT
    assert second_text != first_text
    assert "a sermon" in second_text
    assert second_updated_at == STARTED_AT + timedelta(seconds=30)
    assert read() == (second_text, second_updated_at)


def test_other_articles_and_sites_stay_as_they_are(running: demo.Demo, clock: Clock) -> None:
    before = {url: body for url, response, body in everything(running) if response.status == 200}
    clock.now += timedelta(minutes=1)
    after = {url: body for url, response, body in everything(running) if response.status == 200}
    assert {urlsplit(url).path for url in before if before[url] != after[url]} == {"/italy-law-132"}


def test_the_busy_host_names_the_time_it_wants_and_answers_afterwards(running: demo.Demo, clock: Clock) -> None:
    url = f"http://archive.govwire.example:{running.port}/2023/bletchley-declaration"
    clock.now += timedelta(minutes=4)
    response, _ = ask(running, url)
    assert (response.status, response.headers["Retry-After"]) == (503, "360")
    clock.now += timedelta(minutes=6)
    response, body = ask(running, url)
    assert response.status == 200
    assert b"28 states" in body


def test_a_page_that_has_not_changed_is_not_sent_again(running: demo.Demo) -> None:
    url = f"http://wire.govwire.example:{running.port}/un/killer-robots-vote"
    etag = ask(running, url)[0].headers["ETag"]
    response, body = ask(running, url, **{"If-None-Match": etag})
    assert (response.status, body) == (304, b"")


def test_members_pages_are_closed_to_robots(running: demo.Demo) -> None:
    _, robots = ask(running, f"http://lawandpolicy.govwire.example:{running.port}/robots.txt")
    closed = [sample.path for sample in running.sites["lawandpolicy"].articles if sample.path.startswith("/members/")]
    assert b"Disallow: /members/" in robots
    assert len(closed) == 1


def test_an_unknown_host_is_not_found(running: demo.Demo) -> None:
    response, _ = ask(running, "http://nobody.govwire.example/")
    assert response.status == 404


def test_settings_of_the_demo_are_valid_and_name_every_host(running: demo.Demo) -> None:
    settings = load_settings(running.overrides())
    hosts = {name for name, _, address in (rule.partition(":") for rule in settings.fetch.resolve)}
    listed = {urlsplit(url).hostname for url, _, _ in everything(running)}
    assert settings.fetch.allow == (f"127.0.0.0/8:{running.port}",)
    assert listed <= hosts
    assert settings.crawl.host_delay_seconds < 1


def test_settings_and_sources_travel_to_child_processes(running: demo.Demo) -> None:
    told = (running.overrides(), running.sources())
    assert pickle.loads(pickle.dumps(told)) == told


def test_an_edit_of_a_passage_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="'nobody wrote this' is not in the text"):
        edit("A text.", (Edit(old="nobody wrote this", new=""),))


def test_an_article_without_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="an article needs one"):
        Sample(path="/empty", title="Empty", hours_ago=1)
