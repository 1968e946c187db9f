"""History out of archives: to the index by the backfill lane, once each, through kills; and never an alert."""

import json
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import Running, govwire
from govwire.core.flow import PAGES
from govwire.core.records import Lane, Page
from govwire.core.share import shared
from govwire.core.state import ledger
from house import House, story_page
from warc_files import damaged, member

PAGES_IN_FILE = 80
FETCHED_AT = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Room(House):
    """A house with a source whose pages are in archives, and the commands of who works there."""

    def __init__(self, folder: Path) -> None:
        data, config = folder / "data", folder / "config"
        data.mkdir()
        (config / "sources").mkdir(parents=True)
        for path in shared("config").rglob("*.toml"):
            if path.parent.name != "sources":
                (config / path.relative_to(shared("config"))).parent.mkdir(exist_ok=True)
                (config / path.relative_to(shared("config"))).write_bytes(path.read_bytes())
        (config / "sources" / "wire.toml").write_text(
            'name = "The Wire"\nhome = "https://wire.example/"\nkind = "press"\ncountry = "GB"\nlanguage = "en"\n'
            'rights = "full"\nfeeds = ["https://wire.example/feed"]\n'
        )
        self.environment = {"GOVWIRE_CONFIG": str(config), "GOVWIRE_DATA_DIR": str(data), "GOVWIRE_LOG_FORMAT": "json"}
        self.archive = folder / "news.warc.gz"
        super().__init__(data, self.environment)

    def backfill(self, *words: object, code: int = 0) -> dict[str, Any]:
        """What a backfill reports."""
        done = govwire("backfill", *words, "--json", **self.environment)
        assert done.returncode == code, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def govwire(self, *words: object) -> str:
        done = govwire(*words, **self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def brought(self) -> list[Page]:
        """Every page of the lane."""
        kafka_topic = PAGES.kafka_topic(self.settings.bus.prefix, Lane.BACKFILL)
        return [Page.from_json(delivery.message.value) for delivery in self.bus.scan(kafka_topic)]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


def answer(number: int, *, url: str | None = None, at: datetime = FETCHED_AT) -> bytes:
    """The record of a story that was fetched half a day later than the one before it."""
    story = story_page(number)
    return member(url or story.url, story.body(), at=at + timedelta(hours=12 * number))


def url(number: int) -> str:
    return story_page(number).url


def test_pages_of_sources_reach_the_index_and_fire_no_alert(room: Room) -> None:
    room.govwire("subscriptions", "add", "all", "", "json://127.0.0.1:9/")
    others = member("https://nobody.example/", b"<html>x</html>") + member(
        url(8), b"{}", headers={"Content-Type": "a/b"}
    )
    room.archive.write_bytes(b"".join([*map(answer, range(3)), others, damaged(answer(3), 400), answer(4)]))
    report = room.backfill("warc", room.archive)
    assert report["counts"] == {"read": 7, "sent": 4, "known": 0, "no_source": 1, "not_html": 1, "damaged": 1}
    room.run_to_the_end()
    found = {body["url"]: body for body in room.found()}
    assert sorted(found) == [url(number) for number in (0, 1, 2, 4)]
    assert {body["lane"] for body in found.values()} == {"backfill"}
    assert found[url(2)]["first_seen_at"].startswith("2026-08-02T12:00:00")
    assert room.outcomes() == {("indexed", None): 4}
    assert room.govwire("alerts", "log", "--json") == ""
    assert "out of news.warc.gz" in room.govwire("why", url(1))
    with room.state.begin() as transaction:
        assert ledger.unaccounted(transaction) == []


def test_a_subscription_hears_of_the_same_pages_when_they_are_news(room: Room) -> None:
    """The test above could not fail if nothing ever alerted here."""
    room.govwire("subscriptions", "add", "all", "", "json://127.0.0.1:9/")
    room.publish([story_page(0)])
    room.run_to_the_end()
    assert room.govwire("alerts", "log", "--json") != ""


def test_a_file_that_was_read_is_not_read_again_unless_asked(room: Room) -> None:
    room.archive.write_bytes(b"".join(map(answer, range(3))))
    room.backfill("warc", room.archive)
    again = room.backfill("warc", room.archive)
    assert (again["ended_before"], again["counts"]["sent"], len(room.brought())) == (1, 3, 3)
    room.run_to_the_end()
    anew = room.backfill("warc", room.archive.parent, "--again")
    assert (anew["ended_before"], anew["counts"]) == (0, {"read": 3, "sent": 0, "known": 3})
    room.archive.write_bytes(room.archive.read_bytes() + answer(3))
    grown = room.backfill("warc", room.archive)
    assert grown["counts"] == {"read": 4, "sent": 1, "known": 3}
    room.run_to_the_end()
    assert room.outcomes() == {("indexed", None): 4}


def test_only_pages_of_the_days_and_hosts_that_were_asked_for_are_sent(room: Room) -> None:
    stranger = answer(7, url="https://nobody.example/a")
    room.archive.write_bytes(b"".join([*map(answer, range(5)), stranger]))
    options = ("--since", "2026-08-02", "--until", "2026-08-02")
    assert room.backfill("warc", room.archive, *options)["counts"] == {"read": 6, "sent": 2, "known": 0, "outside": 4}
    report = room.backfill("warc", room.archive, "--all-hosts", "--since", "2026-08-04")
    assert report["counts"] == {"read": 6, "sent": 1, "known": 0, "outside": 5}
    assert sorted(page.source.id for page in room.brought()) == ["nobody.example", "wire", "wire"]


def test_of_many_pages_only_those_that_name_ai_are_sent_where_that_is_asked_for(room: Room) -> None:
    snow = member(
        url(5), "<html><title>Schnee</title><p>Snow fell on the bridge.</p></html>".encode("utf-16"), at=FETCHED_AT
    )
    room.archive.write_bytes(answer(0) + snow + member(url(6), b"", at=FETCHED_AT))
    report = room.backfill("warc", room.archive, "--prefilter")
    assert report["counts"] == {"read": 3, "sent": 1, "known": 0, "prefiltered": 2}
    assert room.backfill("warc", room.archive)["counts"]["sent"] == 3
    source = Path(room.environment["GOVWIRE_CONFIG"]) / "sources" / "wire.toml"
    source.write_text(source.read_text() + "prefilter = true\n")
    report = room.backfill("warc", room.archive, "--again")
    assert report["counts"] == {"read": 3, "sent": 1, "known": 0, "prefiltered": 2}


@pytest.mark.parametrize("fault", ["backfill.published:2", "backfill.recorded:2", "backfill.published:3"])
def test_a_kill_at_a_fault_point_loses_nothing_and_doubles_nothing(room: Room, fault: str) -> None:
    room.archive.write_bytes(b"".join(map(answer, range(PAGES_IN_FILE))))
    died = govwire("backfill", "warc", room.archive, **room.environment, GOVWIRE_FAULT=fault)
    assert died.returncode == -signal.SIGKILL, died.stderr
    report = room.backfill("warc", room.archive)
    assert (
        report["resumed_behind"]
        == {"backfill.published:2": 32, "backfill.recorded:2": 64, "backfill.published:3": 64}[fault]
    )
    assert report["counts"] == {"read": PAGES_IN_FILE, "sent": PAGES_IN_FILE, "known": 0}
    sent = [page.fetch_id for page in room.brought()]
    assert len(set(sent)) == PAGES_IN_FILE
    assert len(sent) <= PAGES_IN_FILE + 32
    room.run_to_the_end()
    assert room.indexed_urls() == sorted(url(number) for number in range(PAGES_IN_FILE))
    assert room.outcomes() == {("indexed", None): PAGES_IN_FILE}


def test_a_backfill_waits_while_many_pages_wait_and_goes_on(room: Room, tmp_path: Path) -> None:
    room.archive.write_bytes(b"".join(map(answer, range(PAGES_IN_FILE))))
    running = Running(tmp_path, "backfill", "warc", room.archive, **room.environment, GOVWIRE_CRAWL__MAX_LAG="40")
    running.wait_for("more than 40 pages wait to be extracted")
    assert len(room.brought()) == 64
    with room.running():
        assert running.wait() == 0
        room.wait_for_drain()
    assert room.outcomes() == {("indexed", None): PAGES_IN_FILE}


def test_a_page_that_the_crawl_fetched_later_is_known(room: Room) -> None:
    room.publish([story_page(0)])
    room.run_to_the_end()
    room.archive.write_bytes(answer(0) + answer(1))
    assert room.backfill("warc", room.archive)["counts"] == {"read": 2, "sent": 1, "known": 1}


def test_saved_pages_and_lines_of_text_come_in_alike(room: Room, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "a.html").write_bytes(story_page(0).body())
    (folder / "b.html").write_bytes(
        story_page(1).body().replace(b"<head>", f'<head><link rel="canonical" href="{url(1)}">'.encode())
    )
    text = "\n".join(story_page(2).body().decode().split("<p>")[1:])
    rows: list[Mapping[str, object]] = [
        {"url": url(2), "title": "Lawmakers weigh AI rules", "text": text, "published": "2026-05-01"}
    ]
    (folder / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "urls.csv").write_text(f"file,url\na.html,{url(0)}\n")
    report = room.backfill("folder", folder, "--urls", tmp_path / "urls.csv")
    assert (report["archives"], report["counts"]) == (2, {"read": 3, "sent": 3, "known": 0})
    room.run_to_the_end()
    found = {body["url"]: body for body in room.found()}
    assert sorted(found) == [url(number) for number in range(3)]
    assert found[url(2)]["sort_at"].startswith("2026-05-01")


def test_a_file_that_is_no_archive_is_named_and_the_others_go_on(room: Room, tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_text("no archive")
    room.archive.write_bytes(answer(0))
    done = govwire("backfill", "warc", tmp_path / "a.warc", room.archive, **room.environment)
    assert done.returncode == 1
    assert "sent         1" in done.stdout
    assert done.stderr.count("error:") == 1
    assert "a.warc: no WARC file" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("warc", "missing.warc"), "missing.warc: not there"),
        (("warc", "."), "no file of *.warc, *.warc.gz"),
        (("folder", "."), "no file of *.jsonl"),
        (("warc", "here.warc", "--source", "wirr"), "unknown source 'wirr'; did you mean 'wire'?"),
        (("warc", "here.warc", "--since", "sometime"), "'sometime' is no date"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    if "here.warc" in words:
        (place / "here.warc").write_bytes(answer(0))
    monkeypatch.chdir(place)
    done = govwire("backfill", *words, **room.environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
