"""The extract stage with its worker processes and a real database, page by page and in every batching."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govwire.core import urls
from govwire.core.errors import ExtractionError
from govwire.core.records import Article, Header, Lane, Page
from govwire.core.settings import ExtractSettings, Settings
from govwire.core.state import State, open_state
from govwire.core.state.ledger import Outcome
from processors.stage import Result
from processors.stages.extract import ExtractStage
from replay import pages
from samples import FETCHED_AT, SEEN_AT
from samples import page as sample_page
from state_databases import DATABASES, empty_database

SENTENCES = (
    "The city council voted on Tuesday to keep a public register of every high-risk AI system it uses.",
    "Residents will see which departments rely on such systems, and under whose responsibility they run.",
    "Housing and benefit decisions come first, because complaints about refusals have piled up there.",
    "An outside audit will follow before the end of the year, the mayor said after the session in the hall.",
)
# Enough elements that its extraction takes seconds.
HEAVY = b"<html><body><article>" + b"<div><p>word <a href='x'>and <b>link</b></a> more</p></div>" * 120_000


def html(title: str, *sentences: str, head: str = "") -> bytes:
    body = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    dated = '<meta property="article:published_time" content="2026-11-19">'
    return f"<html><head>{dated}{head}</head><body><article><h1>{title}</h1>{body}</article></body></html>".encode()


def page(url: str, body: bytes, *, hour: int = 0, **changes: object) -> Page:
    url_id = urls.url_id(url)
    fetched_at = FETCHED_AT + timedelta(hours=hour)
    fetch_id = urls.fetch_id(url_id, fetched_at)
    values = {"url": url, "final_url": url, "url_id": url_id, "fetch_id": fetch_id, "fetched_at": fetched_at}
    return sample_page(body=body, entry=None, **(values | changes))


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


@pytest.fixture
def start(state: State) -> Iterator[Callable[..., ExtractStage]]:
    """A stage by its settings; all are closed at the end."""
    started: list[ExtractStage] = []

    def make(**settings: object) -> ExtractStage:
        extract = ExtractSettings(**({"workers": 1, "timeout_seconds": 10} | settings))  # type: ignore[arg-type]
        stage = ExtractStage(Settings(extract=extract), state, patience_seconds=10)
        started.append(stage)
        return stage

    yield make
    for stage in started:
        stage.close()


def settle(stage: ExtractStage, state: State, batch: Sequence[Page]) -> list[Result]:
    drafts = stage.work(batch)
    good = [(each, draft) for each, draft in zip(batch, drafts, strict=True) if not isinstance(draft, Exception)]
    with state.begin() as transaction:
        return stage.settle(transaction, [each for each, _ in good], [draft for _, draft in good])  # type: ignore[misc]


def outcomes(results: Sequence[Result]) -> list[tuple[str, str | None]]:
    return [(outcome.outcome, outcome.reason) for result in results for outcome in result.outcomes]


def values(results: Sequence[Result]) -> list[bytes]:
    return [publication.message.value for result in results for publication in result.publications]


def articles(results: Sequence[Result]) -> list[Article]:
    return [Article.from_json(value) for value in values(results)]


def test_a_page_becomes_an_article_under_its_article_id_in_its_lane(
    start: Callable[..., ExtractStage], state: State
) -> None:
    head = '<link rel="canonical" href="/news/register?utm_source=feed">'
    fetched = page("https://gazette.example/go?to=7", html("Register of AI", *SENTENCES, head=head), lane=Lane.BACKFILL)
    [result] = settle(start(), state, [fetched])
    [publication] = result.publications
    [article] = articles([result])
    assert article.article_id == publication.message.key == urls.article_id("https://gazette.example/news/register")
    assert (article.url, article.requested_url) == ("https://gazette.example/news/register", fetched.url)
    assert (article.revision, article.title, article.language) == (1, "Register of AI", "en")
    assert (article.fetched_at, article.first_seen_at) == (FETCHED_AT, SEEN_AT)
    assert (publication.lane, publication.channel.name) == (Lane.BACKFILL, "articles")
    assert publication.message.headers["ce_subject"] == fetched.url_id
    [outcome] = result.outcomes
    assert (outcome.outcome, outcome.article_id, outcome.fetch_id) == (
        Outcome.EXTRACTED,
        article.article_id,
        fetched.fetch_id,
    )


def test_every_drop_has_its_name(start: Callable[..., ExtractStage], state: State) -> None:
    batch = [
        page("https://gazette.example/1", b"\x00" * 900),
        page("https://gazette.example/2", b"%PDF-1.7 ..."),
        page("https://gazette.example/3", html("Not found", "It moved.")),
        page("https://gazette.example/4", html("Register of AI", *SENTENCES)),
        page("https://gazette.example/4", html("Register of AI!", *SENTENCES), hour=1),
    ]
    assert outcomes(settle(start(), state, batch)) == [
        ("dropped", "empty"),
        ("dropped", "not_html"),
        ("dropped", "no_article"),
        ("extracted", None),
        ("dropped", "unchanged"),
    ]


def test_a_change_is_a_revision_and_a_redelivery_is_the_same_record_byte_for_byte(
    start: Callable[..., ExtractStage], state: State
) -> None:
    stage = start()
    url = "https://gazette.example/a"
    first = page(url, html("Register of AI", *SENTENCES))
    second = page(url, html("Register of AI", *SENTENCES, "The vote was unanimous."), hour=2)
    late = page(url, html("Register of AI", *SENTENCES[:3]), hour=1)
    once = values(settle(stage, state, [first])) + values(settle(stage, state, [second]))
    assert [Article.from_json(value).revision for value in once] == [1, 2]
    assert outcomes(settle(stage, state, [late])) == [("dropped", "unchanged")]
    again = values(settle(stage, state, [second, first, late]))
    assert again == once[::-1]
    # And in a process that knows nothing but the state.
    stage.close()
    assert values(settle(start(), state, [first, second])) == once


def test_variants_of_one_url_are_one_article_and_the_second_a_duplicate(
    start: Callable[..., ExtractStage], state: State
) -> None:
    body = html("Register of AI", *SENTENCES, head='<link rel="canonical" href="https://gazette.example/a">')
    one, other = page("https://gazette.example/a", body), page("https://gazette.example/x?id=9", body, hour=1)
    [first, second] = settle(start(), state, [one, other])
    assert outcomes([first, second]) == [("extracted", None), ("dropped", "unchanged")]
    [outcome] = second.outcomes
    assert outcome.article_id == articles([first])[0].article_id
    assert outcome.detail == f"duplicate of url_id {one.url_id}, revision 1"


def test_a_syndicated_copy_tells_the_same_story_and_another_report_its_own(
    start: Callable[..., ExtractStage], state: State
) -> None:
    wire = html("Council votes for a register of AI", *SENTENCES)
    copy = html("City opens its machines", SENTENCES[0], *SENTENCES[2:])
    rival = html(
        "A list of algorithms",
        "Harbour City will keep a public list of the algorithms that decide about its citizens, it was decided.",
        "Anyone who was refused a flat or a benefit by a computer is to learn which one, the resolution promises.",
        "Critics in the chamber warned of the price: a register nobody reads helps nobody, one of them told us.",
    )
    hosts = ("wire", "paper", "rival")
    batch = [page(f"https://{host}.example/a", body) for host, body in zip(hosts, (wire, copy, rival), strict=True)]
    [one, two, three] = articles(settle(start(), state, batch))
    assert one.story_id == two.story_id != three.story_id
    assert len({one.article_id, two.article_id, three.article_id}) == 3


@pytest.mark.corpus
def test_the_same_pages_give_the_same_articles_in_every_batching(
    start: Callable[..., ExtractStage], corpus_dir: Path, tmp_path: Path
) -> None:
    stage = start(workers=2)
    fetched = [page(each.url, each.body()) for each in pages(corpus_dir)[:60]]
    found = []
    for size in (1, 7, 60):
        with open_state(f"sqlite:///{tmp_path / f'{size}.db'}") as fresh:
            stage._state = fresh
            batches = [fetched[at : at + size] for at in range(0, len(fetched), size)]
            found.append([value for batch in batches for value in values(settle(stage, fresh, batch))])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 50


def test_a_page_that_overruns_its_time_is_an_error_and_the_stage_lives(
    start: Callable[..., ExtractStage], state: State
) -> None:
    stage = start(timeout_seconds=0.4)
    # The first page of a worker waits for its imports.
    warm(stage)
    heavy, good = page("https://gazette.example/heavy", HEAVY), page("https://gazette.example/a", html("A", *SENTENCES))
    [error, found] = stage.work([heavy, good])
    assert isinstance(error, ExtractionError)
    assert error.reason == "extraction_timeout"
    assert not isinstance(found, ExtractionError) or found.reason == "extraction_timeout"
    warm(stage)


def test_a_worker_that_dies_is_one_error_and_the_stage_lives(start: Callable[..., ExtractStage]) -> None:
    stage = start()
    warm(stage)
    [worker] = [child for child in multiprocessing.active_children() if child.is_alive()]
    killed = threading.Timer(0.3, lambda: os.kill(worker.pid or 0, signal.SIGKILL))
    killed.start()
    [error] = stage.work([page("https://gazette.example/heavy", HEAVY)])
    assert isinstance(error, ExtractionError)
    assert error.reason == "extraction_failed"
    assert "died" in str(error)
    warm(stage)


def test_a_worker_that_dies_while_idle_is_replaced(start: Callable[..., ExtractStage]) -> None:
    stage = start(timeout_seconds=1)
    warm(stage)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join(10)
    warm(stage)


def warm(stage: ExtractStage) -> None:
    """Wait until a page is read again."""
    deadline = time.monotonic() + 60
    body = html("Register of AI", *SENTENCES)
    while time.monotonic() < deadline:
        [found] = stage.work([page("https://gazette.example/warm", body)])
        if not isinstance(found, Exception):
            return
    pytest.fail("no page was read within a minute")


def test_a_worker_opens_no_connection() -> None:
    attempt = (
        "from processors.extraction.worker import prepare; prepare(); import socket; "
        "socket.create_connection(('127.0.0.1', 9), timeout=1)"
    )
    done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False, timeout=60)
    assert "PermissionError: socket." in done.stderr
    assert "pages are read without a network" in done.stderr


def test_workers_end_with_the_process_that_was_killed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import multiprocessing, sys, time\n"
        "from pathlib import Path\n"
        f"sys.path[:0] = {[str(Path(__file__).parents[1])]!r}\n"
        "from govwire.core.settings import Settings\n"
        "from govwire.core.state import open_state\n"
        "from processors.stages.extract import ExtractStage\n"
        "from samples import page\n"
        "if __name__ == '__main__':\n"
        f"    stage = ExtractStage(Settings(), open_state('sqlite:///{tmp_path}/s.db'))\n"
        "    stage.work([page()] * 4)\n"
        "    print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert workers
        parent.kill()
        parent.wait(30)
    deadline = time.monotonic() + 30
    while any(is_running(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_record_whose_body_cannot_be_unpacked_is_an_error_of_its_own(start: Callable[..., ExtractStage]) -> None:
    broken = page("https://gazette.example/a", b"<p>x</p>", body_zstd="bm90IHpzdGQ=")
    [error] = start().work([broken])
    assert getattr(error, "reason", None) == "not_a_record"


def test_headers_of_the_page_reach_the_reader(start: Callable[..., ExtractStage], state: State) -> None:
    text = html("Register", *SENTENCES).decode().replace("mayor", "Bürgermeisterin").encode("windows-1252")
    latin = page(
        "https://gazette.example/a",
        text,
        headers=(Header(name="content-type", value="text/html; charset=windows-1252"),),
    )
    assert "Bürgermeisterin" in articles(settle(start(), state, [latin]))[0].text


@pytest.mark.parametrize(("seen_before", "sort_at"), [(1, datetime(2026, 11, 19, tzinfo=UTC)), (3, None)])
def test_times_of_a_record_are_those_of_its_page(
    start: Callable[..., ExtractStage], state: State, seen_before: int, sort_at: datetime | None
) -> None:
    seen: datetime = SEEN_AT - timedelta(days=seen_before)
    [article] = articles(
        settle(start(), state, [page("https://gazette.example/a", html("A", *SENTENCES), first_seen_at=seen)])
    )
    assert article.first_seen_at == seen
    assert article.published
    # What says that it was published after it was seen has been updated since.
    assert article.published.plausible == (sort_at is not None)
    assert article.sort_at == (sort_at or seen)
