"""Pages that are looked at again, from a real site to the index: what changed, what is gone, what came back."""

import json
from contextlib import closing
from datetime import UTC, datetime

from commands import govwire
from crawling import Crawl
from govwire.core.records import Lane
from govwire.core.state import frontier, ledger
from govwire.core.state.frontier import Found
from govwire.core.state.ledger import Outcome, Outcomes
from govwire.core.urls import fetch_id, url_id
from house import House, story_page
from servers.process import wait_until
from servers.sites import Asked, Reply, Sites

HOST = "wire.test"


def look(crawl: Crawl) -> None:
    """Let the time of the next look come, or that of the next try, and crawl."""
    with crawl.state() as state, state.begin() as transaction:
        for column in ("look_at", "due_at"):
            set_back = f"UPDATE frontier SET {column} = '2026-01-01 00:00:00.000000' WHERE {column} IS NOT NULL"
            transaction.exec_driver_sql(set_back)
    crawl.once()


def say_indexed(crawl: Crawl, url: str) -> None:
    """What the stages would write into the books."""
    with crawl.state() as state, state.begin() as transaction:
        now = datetime.now(UTC)
        row = Outcomes(url_id(url), url, "wire", Lane.LIVE, fetch_id(url_id(url), now), "index", Outcome.INDEXED)
        ledger.record(transaction, [row], now)


def test_a_change_a_going_and_a_coming_back_are_revisions_and_nothing_is_deleted(sites: Sites, crawl: Crawl) -> None:
    first = story_page(0).body()
    second = first.replace(b"debated a bill", b"passed a bill yesterday")
    url = sites.set(HOST, "/story", first.decode())
    crawl.source("wire", sites.feed(HOST, "/story"))
    answers = [Reply(second), Reply(second), Reply(status=404), Reply(status=404), Reply(status=404), Reply(second)]
    seen = []
    with closing(House(crawl.data_dir)) as house, house.running():
        crawl.once()
        house.wait_for_drain()
        for answer in answers:
            sites.set(HOST, "/story", answer)
            look(crawl)
            house.wait_for_drain()
            (found,) = house.found()
            seen.append((found["revision"], found["state"], crawl.standing(url)))
        assert len(crawl.pages()) == 5
        log = house.log()
    there = ("indexed", None)
    assert seen == [
        (2, "there", there),
        (2, "there", there),
        (2, "there", ("waiting", "not_found")),  # the first 404 may be a hiccup
        (3, "gone", there),
        (3, "gone", ("waiting", "not_found")),
        (4, "there", there),
    ], log
    _assert_told(crawl, url)


def _assert_told(crawl: Crawl, url: str) -> None:
    here = {"GOVWIRE_DATA_DIR": str(crawl.data_dir), "GOVWIRE_CONFIG": str(crawl.config)}
    told = govwire("revisions", url, **here).stdout.splitlines()
    assert [line.split()[4] for line in told if line.startswith("revision")] == ["there", "there", "gone", "there"]
    (change,) = [line for line in told if line.startswith(" ")]
    assert change.startswith("  ~ Lawmakers in region 0 [-debated-]{+passed+} a bill{+ yesterday+} on artificial")
    rows = [json.loads(line) for line in govwire("revisions", url, "--json", **here).stdout.splitlines()]
    assert [(row["revision"], row["state"], len(row["changes"])) for row in rows] == [
        (1, "there", 0),
        (2, "there", 1),
        (3, "gone", 0),
        (4, "there", 0),
    ]
    back = govwire("revisions", url, "--diff", 4, 1, **here)
    assert back.stdout.startswith("~ Lawmakers in region 0 [-passed-]{+debated+}")
    none = govwire("revisions", url, "--diff", 1, 9, **here)
    assert (none.returncode, none.stderr) == (2, "error: unknown revision '9'; known: 1, 2, 3, 4\n")
    assert govwire("revisions", "https://nowhere.test/", **here).returncode == 1
    why = govwire("why", url, **here).stdout
    assert "revision 3 gone" in why
    assert "(revisit)" in why


def test_a_410_is_believed_at_once_and_a_page_that_was_no_article_just_ends(sites: Sites, crawl: Crawl) -> None:
    paths = ["/article", "/listing"]
    urls = [sites.set(HOST, path, "<p>x</p>") for path in paths]
    crawl.source("wire", sites.feed(HOST, *paths))
    crawl.once()
    say_indexed(crawl, urls[0])
    for path in paths:
        sites.set(HOST, path, Reply(b"away", 410))
    crawl.once(urls=urls)
    assert [page.url for page in crawl.pages() if page.status == 410] == [urls[0]]
    assert [crawl.standing(url) for url in urls] == [("fetched", None), ("dropped", "gone")]


def test_a_look_is_conditional_and_one_that_changes_nothing_leaves_all_as_it_was(sites: Sites, crawl: Crawl) -> None:
    def page(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"v1"':
            return Reply(status=304)
        return Reply(b"<p>x</p>", headers={"Content-Type": "text/html", "ETag": '"v1"'})

    url = sites.set(HOST, "/a", page)
    crawl.source("wire", sites.feed(HOST, "/a"))
    crawl.once()
    say_indexed(crawl, url)
    look(crawl)
    assert [each.headers.get("if-none-match") for each in sites.asked_for(HOST, "/a")] == [None, '"v1"']
    assert crawl.counts() == {("indexed", None): 1}
    assert len(crawl.pages()) == 1


def test_a_look_that_fails_is_made_up_for_by_the_next(sites: Sites, crawl: Crawl) -> None:
    url = sites.set(HOST, "/a", "<p>x</p>")
    crawl.source("wire", sites.feed(HOST, "/a"))
    crawl.once()
    say_indexed(crawl, url)
    for answer in (Reply(status=500), Reply(status=403)):
        sites.set(HOST, "/a", answer)
        look(crawl)
        assert crawl.counts() == {("indexed", None): 1}
    with crawl.state() as state, state.begin() as transaction:
        assert frontier.next_visit(transaction, url_id(url)) is None
        assert [step.reason for step in ledger.steps_of(transaction, url_id(url)) if step.stage == "crawl"] == [
            "forbidden"
        ]


def test_once_waits_for_no_look_and_history_gets_none(sites: Sites, crawl: Crawl) -> None:
    url = sites.set(HOST, "/a", "<p>x</p>")
    old = sites.set(HOST, "/old", "<p>x</p>")
    crawl.source("wire", sites.feed(HOST, "/a"))
    with crawl.state() as state, state.begin() as transaction:
        frontier.add(transaction, [Found(old, "wire", Lane.BACKFILL)], datetime.now(UTC))
    crawl.once()
    for each in (url, old):
        say_indexed(crawl, each)
    look(crawl)
    crawl.once()
    assert [len(sites.asked_for(HOST, path)) for path in ("/a", "/old")] == [2, 1]
    with crawl.state() as state, state.begin() as transaction:
        rows = transaction.exec_driver_sql("SELECT lane, look_at IS NULL FROM frontier ORDER BY lane").all()
    assert [tuple(row) for row in rows] == [("backfill", 1), ("live", 0)]


def test_a_running_crawl_makes_the_looks_that_fall_due(sites: Sites, crawl: Crawl) -> None:
    url = sites.set(HOST, "/a", "<p>x</p>")
    crawl.source("wire", sites.feed(HOST, "/a"))
    crawl.once()
    say_indexed(crawl, url)
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql("UPDATE frontier SET look_at = '2026-01-01 00:00:00.000000'")
    running = crawl.start()
    wait_until(lambda: running.told("revisits_due") == 1, seconds=30, what="the look")
    wait_until(lambda: len(sites.asked_for(HOST, "/a")) == 2, seconds=30, what="the page to be asked for")
    running.stop()
    assert running.end().code == 0
