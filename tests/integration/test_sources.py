"""The commands of sources, as their users run them, against sites on loopback."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from commands import govwire
from crawling import Crawl
from servers.process import wait_until
from servers.sites import Reply, Sites

HTML = {"Content-Type": "text/html; charset=utf-8"}
XML = {"Content-Type": "application/xml"}
ARTICLE = """<html lang="en"><head><title>{title}</title>
<meta property="article:published_time" content="2026-11-20T10:00:00Z">
<meta property="og:type" content="article"></head><body><article><h1>{title}</h1>{text}</article></body></html>"""
TEXT = "<p>The committee adopted its report on the oversight of large models after a debate of several hours.</p>" * 6


@pytest.fixture
def place(sites: Sites, tmp_path: Path) -> Iterator[Crawl]:
    made = Crawl(tmp_path, sites.port)
    made.name("one.test", "two.test", "www.one.test")
    yield made
    made.close()


def _run(place: Crawl, *arguments: object, **more: str) -> "CompletedProcess[str]":
    return govwire("sources", *arguments, **place.environment(**more))


def _rss(sites: Sites, host: str, *paths: str, head: str = "", day: int = 20) -> Reply:
    items = "".join(
        f"<item><link>{sites.url(host, path)}</link><title>About {path}</title>"
        f"<pubDate>{day} Nov 2026 09:00:00 GMT</pubDate></item>"
        for path in paths
    )
    return Reply(f'<rss version="2.0"><channel>{head}{items}</channel></rss>'.encode(), headers=XML)


def _news_sitemap(sites: Sites, host: str, path: str) -> Reply:
    news = "<news:news><news:title>A</news:title><news:publication_date>2026-11-20</news:publication_date></news:news>"
    return Reply(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{sites.url(host, path)}</loc>'
        f"{news}</url></urlset>".encode(),
        headers=XML,
    )


def _home(*links: str, name: str = "The One") -> Reply:
    heads = "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}">' for link in links)
    head = f'<html lang="en-GB"><head><meta property="og:site_name" content="{name}">{heads}</head>'
    return Reply(f"{head}<body><p>hello</p></body></html>".encode(), headers=HTML)


def _written(place: Crawl, source_id: str) -> dict[str, Any]:
    return tomllib.loads((place.config / "sources" / f"{source_id}.toml").read_text())


def _rows(done: "CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- add ---


def test_adding_a_home_page_writes_its_feeds_and_what_the_site_says(sites: Sites, place: Crawl) -> None:
    home = sites.set("one.test", "/", _home("/feed", "/atom", "/broken"))
    feed = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a", "/b"))
    sites.set("one.test", "/atom", _rss(sites, "one.test", "/b"))
    broken = sites.url("one.test", "/broken")
    news = sites.set("one.test", "/news.xml", _news_sitemap(sites, "one.test", "/c"))
    sites.set("one.test", "/robots.txt", Reply(f"Sitemap: {news}\n".encode()))
    asked = ("add", home, "--kind", "press", "--country", "GB", "--tag", "law")
    dry = _run(place, *asked, "--dry-run")
    assert (dry.returncode, list((place.config / "sources").iterdir())) == (0, []), dry.stderr
    done = _run(place, *asked)
    assert done.returncode == 0, done.stderr
    assert f"found feed {feed}: 2 entries" in done.stderr
    assert f"passed over {broken}: HTTP 404" in done.stderr
    assert _written(place, "one") == tomllib.loads(dry.stdout) == {
        "name": "The One",
        "home": home,
        "kind": "press",
        "country": "GB",
        "language": "en",
        "rights": "link",
        "feeds": [feed],  # the other one lists no page of its own
        "sitemaps": [news],
        "tags": ["law"],
        "verified": True,
    }  # fmt: skip
    assert [row["id"] for row in _rows(_run(place, "list", "--json"))] == ["one"]


def test_what_the_site_does_not_say_is_asked_of_the_user_all_at_once(sites: Sites, place: Crawl) -> None:
    feed = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a"))
    done = _run(place, "add", feed)
    assert done.returncode == 2
    mistakes = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert mistakes == [f"error: --{name}: not said by the site" for name in ("name", "kind", "country", "language")]
    assert not list((place.config / "sources").iterdir())


def test_a_feed_that_moved_for_ever_is_shown_and_written_where_it_answered(sites: Sites, place: Crawl) -> None:
    head = "<title>One</title><link>http://one.test/</link><language>en-us</language>"
    new = sites.set("www.one.test", "/new", _rss(sites, "one.test", "/a", head=head))
    old = sites.set("one.test", "/feed", Reply(status=301, headers={"Location": new}))
    done = _run(place, "add", old, "--kind", "press", "--country", "GB", "--id", "mine")
    assert done.returncode == 0, done.stderr
    assert f"found feed {new}: 1 entries" in done.stderr
    written = _written(place, "mine")
    assert (written["name"], written["home"], written["feeds"]) == ("One", "http://one.test/", [new])


def test_feeds_are_sought_where_they_usually_lie_when_the_page_names_none(sites: Sites, place: Crawl) -> None:
    home = sites.set("one.test", "/", _home())
    feed = sites.set("one.test", "/rss.xml", _rss(sites, "one.test", "/a"))
    done = _run(place, "add", home, "--kind", "press", "--country", "GB")
    assert done.returncode == 0, done.stderr
    assert _written(place, "one")["feeds"] == [feed]


def test_an_index_of_sitemaps_leads_to_those_of_news(sites: Sites, place: Crawl) -> None:
    news = sites.set("one.test", "/news-1.xml", _news_sitemap(sites, "one.test", "/c"))
    old = sites.url("one.test", "/archive.xml")
    named = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in (old, news))
    index = sites.set("one.test", "/map.xml", Reply(f"<sitemapindex>{named}</sitemapindex>".encode(), headers=XML))
    done = _run(place, "add", index, "--name", "One", "--kind", "press", "--country", "GB", "--language", "en")
    assert done.returncode == 0, done.stderr
    assert _written(place, "one")["sitemaps"] == [news]
    assert not sites.asked_for("one.test", "/archive.xml")


def test_a_site_without_feeds_is_told_with_its_sitemaps(sites: Sites, place: Crawl) -> None:
    home = sites.set("one.test", "/", _home())
    pages = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://one.test/a</loc></url></urlset>'
    )
    sitemap = sites.set("one.test", "/map.xml", Reply(pages.encode(), headers=XML))
    sites.set("one.test", "/robots.txt", Reply(f"Sitemap: {sitemap}\n".encode()))
    done = _run(place, "add", home, "--kind", "press")
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"no feed and no news sitemap found; sitemaps of pages: {sitemap}" in line


def test_a_feed_that_lists_nothing_is_no_way_in(sites: Sites, place: Crawl) -> None:
    empty = sites.set("one.test", "/feed", _rss(sites, "one.test"))
    done = _run(place, "add", empty, "--kind", "press")
    assert (done.returncode, done.stderr) == (1, f"error: {empty}: lists nothing\n")


def test_a_site_that_does_not_answer_is_told_and_asked_nothing_more(sites: Sites, place: Crawl) -> None:
    done = _run(place, "add", sites.url("one.test"), "--kind", "press")
    assert (done.returncode, done.stderr) == (1, f"error: {sites.url('one.test')}: HTTP 404\n")
    assert {each.path for each in sites.asked} == {"/robots.txt", "/"}


def test_what_is_watched_already_is_refused(sites: Sites, place: Crawl) -> None:
    feed = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a"))
    home = sites.set("one.test", "/", _home("/feed?utm_source=page"))
    place.source("old", feed)
    for url in (feed, home):
        sites.set("one.test", "/feed?utm_source=page", _rss(sites, "one.test", "/a"))
        done = _run(place, "add", url, "--kind", "press", "--country", "GB")
        assert done.returncode == 2, done.stderr
        assert done.stderr.splitlines()[-1].endswith("source old watches it already; edit its file, sources/old.toml")


def test_the_shipped_config_folder_is_not_written_to(
    sites: Sites, place: Crawl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "data")
    environment = place.environment()
    del environment["GOVWIRE_CONFIG"]
    for command in (("add", sites.url("one.test")), ("import", __file__), ("check", "--write")):
        done = govwire("sources", *command, **environment)
        assert done.returncode == 2
        assert "is the one shipped with the program; 'govwire init config' writes one of your own here" in done.stderr
    assert not sites.asked


# --- check ---


def test_a_check_tells_how_every_way_in_does(sites: Sites, place: Crawl) -> None:
    well = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a", "/b"))
    moved = sites.set("one.test", "/old", Reply(status=301, headers={"Location": well}))
    quiet = sites.set("one.test", "/quiet", Reply(_rss(sites, "one.test", "/a").body.replace(b"2026", b"2020")))
    empty = sites.set("two.test", "/empty", _rss(sites, "two.test"))
    page = sites.set("two.test", "/page", "<!doctype html><p>no feed</p>")
    private = sites.set("two.test", "/private", _rss(sites, "two.test", "/a"))
    missing = sites.url("two.test", "/missing")
    sites.set("two.test", "/robots.txt", Reply(b"User-agent: *\nDisallow: /private\n"))
    place.source("well", well, moved, quiet)
    place.source("ill", empty, page, private, missing)
    done = _run(place, "check", "--json")
    assert done.returncode == 1, done.stderr
    rows = {row["url"]: row for row in _rows(done)}
    assert (rows[well]["ok"], rows[well]["entries"], rows[well]["remark"]) == (True, 2, "")
    assert rows[well]["newest_at"].startswith("2026-11-20T09:00")
    assert (rows[moved]["ok"], rows[moved]["moved_to"]) == (True, well)
    assert rows[quiet]["remark"] == "quiet since 2020-11-20"
    assert (rows[empty]["ok"], rows[empty]["error"]) == (False, "lists nothing")
    assert "a web page, not a feed" in rows[page]["error"]
    assert rows[private]["error"].startswith("robots: ")
    assert rows[missing]["error"] == "HTTP 404"
    assert _run(place, "check", "well").returncode == 0
    assert "unknown source" in _run(place, "check", "nobody").stderr


def test_a_host_that_asks_to_be_left_alone_is_not_checked_again_so_soon(sites: Sites, place: Crawl) -> None:
    place.source("one", sites.set("one.test", "/feed.xml", Reply(status=429, headers={"Retry-After": "7200"})))
    assert _run(place, "check").returncode == 1
    assert "asked to be left alone until" in _run(place, "check").stdout
    assert len(sites.asked_for("one.test", "/feed.xml")) == 1


def test_sitemap_indexes_and_listing_pages_are_checked_too(sites: Sites, place: Crawl) -> None:
    news = sites.set("one.test", "/news.xml", _news_sitemap(sites, "one.test", "/c"))
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    index = f'<sitemapindex xmlns="{namespace}"><sitemap><loc>{news}</loc></sitemap></sitemapindex>'
    sitemap = sites.set("one.test", "/index.xml", Reply(index.encode(), headers=XML))
    links = '<div class="new"><a href="/a">A</a><a href="/b">B</a></div><a href="/x">x</a>'
    listing = sites.set("one.test", "/latest", links)
    feed = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a"))
    place.source("one", feed, sitemaps=[sitemap], listings=[(listing, ".new a")])
    done = _run(place, "check", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["kind"]: row for row in _rows(done)}
    assert {kind: (row["ok"], row["entries"]) for kind, row in rows.items()} == {
        "feed": (True, 1),
        "sitemap": (True, 1),
        "listing": (True, 2),
    }


def test_a_check_marks_what_answered_as_verified_and_leaves_the_rest_of_the_file(sites: Sites, place: Crawl) -> None:
    place.source("well", sites.set("one.test", "/feed", _rss(sites, "one.test", "/a")))
    place.source("ill", sites.url("two.test", "/missing"))
    file = place.config / "sources" / "well.toml"
    text = file.read_text().replace('kind = "press"', 'kind = "press" # of a party') + "verified = false # not yet\n"
    file.write_text(text)
    done = _run(place, "check", "--write")
    assert (done.returncode, "verified: well" in done.stderr) == (1, True)
    assert file.read_text() == text.replace("verified = false", "verified = true")
    assert "verified" not in _written(place, "ill")


# --- record and replay ---


def test_a_recorded_source_is_read_again_offline_and_tells_what_changed(
    sites: Sites, place: Crawl, tmp_path: Path
) -> None:
    place.source("one", sites.set("one.test", "/feed", _rss(sites, "one.test", "/a", "/b", "/c")))
    for path in ("/a", "/b"):
        page = ARTICLE.format(title=f"Committee adopts report {path}", text=TEXT)
        sites.set("one.test", path, Reply(page.encode(), headers=HTML | {"Set-Cookie": "id=secret"}))
    cases = tmp_path / "cases"
    done = _run(place, "record", "one", "--folder", cases, "--pages", "2")
    assert done.returncode == 0, done.stderr
    kept = "\n".join(path.read_text() for path in (cases / "one").iterdir())
    assert ("secret" in kept, "Content-Type" in kept) == (False, True)
    asked = len(sites.asked)
    again = _run(place, "check", "--replay", cases, "--json")
    assert again.returncode == 0, again.stderr
    rows = {row["url"]: row for row in _rows(again)}
    assert {row["remark"] for row in rows.values()} == {"as recorded"}
    article = rows[sites.url("one.test", "/a")]["now"]
    assert (article["title"], article["published_at"]) == ("Committee adopts report /a", "2026-11-20T10:00:00+00:00")
    assert len(sites.asked) == asked
    body = next(path for path in (cases / "one").iterdir() if b"<item>" in path.read_bytes())
    body.write_bytes(body.read_bytes().replace(b"<item>", b"<iten>", 1).replace(b"</item>", b"</iten>", 1))
    changed = _run(place, "check", "--replay", cases / "one")
    assert changed.returncode == 1
    assert "entries: 2, when recorded 3" in changed.stdout


def test_a_source_of_which_nothing_answers_makes_no_case(sites: Sites, place: Crawl, tmp_path: Path) -> None:
    place.source("one", sites.url("one.test", "/missing"))
    done = _run(place, "record", "one", "--folder", tmp_path / "cases")
    assert (done.returncode, (tmp_path / "cases").exists()) == (1, False)
    assert done.stderr.splitlines()[-1].startswith("error: source one: nothing to record")
    done = _run(place, "check", "--replay", tmp_path)
    assert (done.returncode, "no case of a source" in done.stderr) == (2, True)


# --- health ---


def test_health_tells_schedule_ways_and_what_was_asked_and_honoured(sites: Sites, place: Crawl) -> None:
    feed = sites.set("one.test", "/feed", _rss(sites, "one.test", "/a", "/private"))
    sites.set("one.test", "/a", "<p>text</p>")
    sites.set("one.test", "/robots.txt", Reply(b"User-agent: *\nDisallow: /private\nCrawl-delay: 0.1\n"))
    missing = sites.url("one.test", "/missing")
    place.source("one", feed, missing)
    place.source("new", sites.url("two.test", "/feed"))
    assert "no crawl has seen it yet" in _run(place, "health", "new").stdout
    assert place.once(source_ids=["one"]).failed_feeds == {missing: "HTTP 404"}
    [told] = _rows(_run(place, "health", "one", "--json"))
    ways = {way["url"]: way for way in told["ways"]}
    assert ways[feed]["succeeded_at"]
    assert (ways[missing]["failures"], ways[missing]["error"]) == (1, "HTTP 404")
    honoured = {each["url"]: each["honoured"] for each in told["exchanges"]}
    assert "robots: not sent" in honoured[sites.url("one.test", "/private")]
    assert any("crawl-delay" in wish for wish in honoured[sites.url("one.test", "/a")])
    shown = _run(place, "health", "one").stdout
    assert "1 failures in a row" in shown
    assert "robots: not sent" in shown
    assert len(_rows(_run(place, "health", "one", "--json", "--limit", "1"))[0]["exchanges"]) == 1
    lines = {row["id"]: row for row in _rows(_run(place, "health", "--json"))}
    assert (lines["one"]["failing"], lines["one"]["slots_fired"], lines["new"]["next_due_at"]) == (1, 1, None)


def test_fetch_asks_whoever_crawls_and_says_when_nobody_does(sites: Sites, place: Crawl) -> None:
    sites.set("one.test", "/feed.xml", _rss(sites, "one.test"))
    place.source("one", sites.url("one.test", "/feed.xml"))
    nobody = _run(place, "fetch", "one")
    assert (nobody.returncode, nobody.stdout) == (1, "one: waits for a crawl process\n")
    assert nobody.stderr.startswith("error: no crawl process takes them up: none runs")
    process = place.start()
    wait_until(lambda: sites.asked_for("one.test", "/feed.xml"), seconds=30, what="the feed is read")
    sites.set("one.test", "/new", "<p>new</p>")
    sites.set("one.test", "/feed.xml", _rss(sites, "one.test", "/new"))
    taken = _run(place, "fetch", "one")
    assert (taken.returncode, taken.stdout) == (0, "one: taken up\n"), taken.stderr
    wait_until(lambda: place.counts() == {("fetched", None): 1}, seconds=30, what="the new page arrives")
    process.stop()
    assert process.end().code == 0
    [row] = [json.loads(line) for line in _run(place, "list", "--json").stdout.splitlines()]
    # The first reading found nothing.
    assert (row["interval_minutes"], row["next_due_at"] > "2026") == (45, True)


def test_fetch_refuses_a_source_that_no_crawl_reads(place: Crawl) -> None:
    place.source("one", "http://one.test/feed.xml")
    file = place.config / "sources" / "one.toml"
    file.write_text(file.read_text() + "enabled = false\n")
    off = _run(place, "fetch", "one")
    assert (off.returncode, off.stderr) == (
        2,
        "error: one: enabled = false, so no crawl reads it; 'govwire crawl one' does\n",
    )
    assert _run(place, "fetch", "eon").stderr.startswith("error: unknown source 'eon'; did you mean 'one'?")
