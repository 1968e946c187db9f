"""Every command as its users run it: what it prints, how it fails, and with which exit code."""

import csv
import io
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from commands import Running, free_ports, govwire, health, metrics
from govwire import __version__
from govwire.cli import adding, app, backfill, correct, label, operate, read, relabel, sources, subscribe  # noqa: F401 - the commands, by their import
from govwire.core.bus import Message, open_bus
from govwire.core.flow import DEADLETTERS, PAGES
from govwire.core.index.elastic import Server
from govwire.core.index.plan import plan
from govwire.core.settings import Settings
from servers.elastic import ElasticServer
from servers.process import free_port, wait_until

QUIET = {"GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0", "GOVWIRE_EXTRACT__WORKERS": "1"}
SUMMARY = [
    "known",
    "crawled",
    "extracted",
    "relevant",
    "indexed",
    "dropped",
    "waiting",
    "dead",
    "in flight",
    "revisits",
    "alerts",
]
COMMANDS = [
    (),
    *[(name,) for name in ("run", "crawl", "process", "setup", "init", "status", "doctor", "search", "why", "export")],
    ("revisions",),
    *[(name,) for name in ("classify", "evaluate", "train", "sources", "subscriptions", "alerts", "deadletters")],
    *[(name,) for name in ("backfill", "relabel", "correct", "corrections")],
    *[("sources", name) for name in ("list", "add", "check", "record", "import", "export", "health", "fetch")],
    *[("corrections", name) for name in ("list", "show", "confirm", "withdraw", "export")],
    *[("subscriptions", name) for name in ("add", "list", "pause", "remove")],
    *[("backfill", name) for name in ("warc", "folder", "sitemaps")],
    *[("alerts", name) for name in ("log", "retry")],
    *[("deadletters", name) for name in ("list", "show", "replay", "drop")],
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a demo `--once` leaves behind."""
    folder = tmp_path_factory.mktemp("demo")
    done = Running(folder, "--data-dir", folder / "data", "run", "--demo", "--once", **QUIET)
    assert done.wait() == 0, done.log
    assert [line[:10].strip() for line in done.out.splitlines() if line] == SUMMARY
    return folder / "data"


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _assert_refused(*arguments: object, code: int, says: str, **settings: str) -> None:
    """It ends with this code, and one line that says why."""
    done = govwire(*arguments, **settings)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line


# --- help, versions, wrong usage ---


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0, done.output
    assert "Usage: " in done.output


def test_every_command_there_is_is_tried_here() -> None:
    def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        yield path
        for name, each in getattr(command, "commands", {}).items():
            yield from walk(each, (*path, name))

    assert sorted(walk(get_command(app))) == sorted(COMMANDS)


def test_the_version_is_told_and_no_command_is_wrong_usage() -> None:
    assert govwire("--version").stdout == f"govwire {__version__}\n"
    done = govwire()
    assert (done.returncode, "Usage: govwire" in done.stdout) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("search", "ai AND ("), "query, column 8"),
        (("search", "topic:nonsense"), "query, column 7"),
        (("search", "(ai", "--since", "2026"), "query, column 1: this bracket is never closed"),
        (("search", "--since", "someday"), "'someday' is no date"),
        (("search", "--facets", "colour"), "unknown facet 'colour'"),
        (("export", "ai OR"), "query, column"),
        (("why", "nonsense"), "address 'nonsense'"),
        (("process", "extrct"), "did you mean 'extract'?"),
        (("process", "crawl", "index"), "stage crawl wants a process of its own"),
        (("crawl", "nosuch"), "unknown source 'nosuch'"),
        (("crawl", "--url", "ftp://wire.example/a"), "address 'ftp://wire.example/a'"),
        (("run",), "user_agent: not set"),
        (("deadletters", "show", "abc"), "unknown dead letter 'abc'"),
        (("deadletters", "drop"), "--all"),
        (("subscriptions", "add"), "NAME QUERY CHANNEL"),
        (("subscriptions", "add", "--file", "/nonsense.toml"), "/nonsense.toml"),
        (("evaluate", "/nonsense.jsonl"), "/nonsense.jsonl"),
        (("init", "/dev/null"), "/dev/null"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_usage_is_one_line_and_exit_2(data_dir: Path, arguments: tuple[str, ...], says: str) -> None:
    _assert_refused("--data-dir", data_dir, *arguments, code=2, says=says)


def test_all_mistakes_in_settings_are_told_at_once(tmp_path: Path) -> None:
    wrong = {"GOVWIRE_BUS__URL": "amqp://here", "GOVWIRE_CRAWL__CONCURRENCY": "0", "GOVWIRE_NONSENSE": "1"}
    done = govwire("--data-dir", tmp_path, "status", **wrong)
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error"] * 3
    assert all(key in done.stderr for key in ("bus.url", "crawl.concurrency", "GOVWIRE_NONSENSE"))


def test_a_data_dir_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (("run", "--demo"), ("process", "index"), ("search", "ai"), ("status",)):
        _assert_refused("--data-dir", tmp_path / "file" / "data", *command, code=2, says="data_dir", **QUIET)


# --- answers ---


def test_search_gives_articles_with_labels_and_evidence(data_dir: Path) -> None:
    query = "topic:regulation_law stance.binding_regulation:favor"
    found = _lines(govwire("--data-dir", data_dir, "search", query, "--json").stdout)
    assert found
    for article in found:
        assert "regulation_law" in article["topic_ids"]
        stance = next(each for each in article["stance"] if each["target"] == "binding_regulation")
        assert stance["label"] == "favor"
        evidence = stance["evidence"]
        assert article["text"][evidence["start"] : evidence["end"]] == evidence["text"]
    told = govwire("--data-dir", data_dir, "search", query, "--limit", "1", "--facets", "source")
    assert told.stdout.startswith(f"{len(found)} found, the newest 1\n")
    assert "\nsource: " in told.stdout


def test_facets_are_counted_over_all_matches(data_dir: Path) -> None:
    *hits, counted = _lines(govwire("--data-dir", data_dir, "search", "--json", "--facets", "source").stdout)
    assert counted["total"] == sum(counted["facets"]["source"].values()) > len(hits) == 20


def test_why_tells_every_stage_of_an_article_and_of_what_was_dropped(data_dir: Path) -> None:
    article = _lines(govwire("--data-dir", data_dir, "search", "--json", "--limit", "1").stdout)[0]
    [told] = _lines(govwire("--data-dir", data_dir, "why", article["url"], "--json").stdout)
    stages = {step["stage"]: step["outcome"] for step in told["steps"]}
    way = {"crawl": "fetched", "extract": "extracted", "classify": "classified", "index": "indexed"}
    assert {stage: stages.get(stage) for stage in way} == way
    unknown = govwire("--data-dir", data_dir, "why", "https://wire.example/never")
    assert (unknown.returncode, "never seen" in unknown.stdout) == (1, True)


def test_export_writes_claims_as_csv_and_articles_as_json_lines(data_dir: Path) -> None:
    done = govwire("--data-dir", data_dir, "export", "--claims", "--format", "csv")
    claims = list(csv.DictReader(io.StringIO(done.stdout)))
    assert claims
    assert all(claim["holder"] and claim["evidence.text"] and claim["source.id"] for claim in claims)
    assert not any(name.endswith("_tokens") for name in claims[0])
    as_json = _lines(govwire("--data-dir", data_dir, "export", "--claims").stdout)
    assert [claim["claim_id"] for claim in as_json] == [claim["claim_id"] for claim in claims]
    everything = _lines(govwire("--data-dir", data_dir, "export").stdout)
    german = _lines(govwire("--data-dir", data_dir, "export", "lang:de").stdout)
    assert 0 < len(german) < len(everything)


def test_status_counts_what_the_run_left(data_dir: Path) -> None:
    [told] = _lines(govwire("--data-dir", data_dir, "status", "--json").stdout)
    assert told["summary"]["in_flight"] == 0
    assert set(told["lags"].values()) == {0}
    assert len(told["feeds"]) == 9
    assert "in flight  0" in govwire("--data-dir", data_dir, "status").stdout


def test_lists_are_tables_for_people_and_json_for_programs(data_dir: Path) -> None:
    home = ("--data-dir", data_dir)
    assert [row["id"] for row in _lines(govwire(*home, "sources", "list", "--json").stdout)]
    assert govwire(*home, "sources", "list").stdout.splitlines()[0].split()[:2] == ["id", "kind"]
    added = govwire(*home, "subscriptions", "add", "mine", "ai", "json://user:secret@127.0.0.1:9/")
    assert (added.returncode, added.stdout) == (0, "added mine\n")
    [row] = _lines(govwire(*home, "subscriptions", "list", "--json").stdout)
    assert (row["name"], row["query"], "secret" in str(row)) == ("mine", "ai", False)
    assert govwire(*home, "subscriptions", "pause", "mine").stdout == "paused mine\n"
    assert govwire(*home, "subscriptions", "remove", "mine").stdout == "removed mine\n"
    assert govwire(*home, "subscriptions", "list").stdout == "no subscriptions\n"
    assert govwire(*home, "alerts", "log").stdout == "no messages\n"


# --- set-up ---


def test_init_writes_a_config_folder_that_config_takes(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert govwire("init", folder).returncode == 0
    _assert_refused("init", folder, code=2, says="not empty")
    settings = folder / "settings.toml"
    settings.write_text(
        settings.read_text().replace('# data_dir = "govwire-data"', f'data_dir = "{tmp_path / "news"}"')
    )
    (folder / "sources" / "cset.toml").unlink()
    told = _lines(govwire("--config", folder, "sources", "list", "--json").stdout)
    assert told
    assert (tmp_path / "news" / "state.db").is_file()
    assert "cset" not in {source["id"] for source in told}
    (folder / "topics.toml").write_text("[[[")
    _assert_refused("--config", folder, "search", "ai", code=2, says=str(folder / "topics.toml"))
    _assert_refused("--config", tmp_path / "none", "search", "ai", code=2, says=str(tmp_path / "none"))


def test_setup_says_what_it_made_and_then_that_nothing_was_missing(tmp_path: Path) -> None:
    made = govwire("--data-dir", tmp_path, "setup").stdout
    assert "Kafka topic govwire.pages: 8 partitions" in made
    assert govwire("--data-dir", tmp_path, "setup").stdout == "nothing was missing\n"
    printed = govwire("--data-dir", tmp_path, "setup", "--print", GOVWIRE_INDEX__URL="http://127.0.0.1:9").stdout
    assert "PUT /_index_template/govwire-articles" in printed


def test_setup_says_in_one_line_which_service_is_away(tmp_path: Path) -> None:
    port = free_port()
    for name, url in (
        ("INDEX", f"http://127.0.0.1:{port}"),
        ("BUS", f"kafka://127.0.0.1:{port}"),
        ("STATE", f"postgresql://govwire:secret@127.0.0.1:{port}/govwire"),
    ):
        _assert_refused("--data-dir", tmp_path, "setup", code=1, says=str(port), **{f"GOVWIRE_{name}__URL": url})


def test_the_doctor_tells_everything_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sick = {"GOVWIRE_INDEX__URL": f"http://127.0.0.1:{free_port()}", "GOVWIRE_USER_AGENT": "me (+https://me.example/)"}
    done = govwire("--data-dir", tmp_path / "file", "doctor", "--json", **sick)
    assert done.returncode == 1, done.stderr
    found = {check["name"]: check["ok"] for check in _lines(done.stdout)}
    wrong = {"data_dir", "state", "sources", "bus", "index"}
    assert {name for name, ok in found.items() if not ok} == wrong
    assert {name for name, ok in found.items() if ok} == {"config", "user agent", "proxy", "crc32c", "notices", "model"}
    well = govwire("--data-dir", tmp_path / "data", "doctor", GOVWIRE_USER_AGENT="me (+https://me.example/)")
    assert well.returncode == 0, well.stdout
    assert "FAIL" not in well.stdout


# --- stages of one's own, and what they set aside ---


@contextmanager
def _process(folder: Path, data_dir: Path, *stages: str, **settings: str) -> Iterator[Running]:
    folder.mkdir()
    running = Running(folder, "--data-dir", data_dir, "process", *stages, **(QUIET | settings))
    try:
        yield running
        assert running.end(signal.SIGTERM) == 0, running.log
        assert "Traceback" not in running.log
    finally:
        running.process.kill()
        running.process.wait()


def test_a_process_of_stages_answers_for_its_health(data_dir: Path, tmp_path: Path) -> None:
    port = free_ports(1)
    address = {"GOVWIRE_METRICS__ADDRESS": f"127.0.0.1:{port}"}
    with _process(tmp_path / "sinks", data_dir, "index", "match", "deliver", **address):
        wait_until(lambda: set(health(port)[1]) >= {"index", "match", "deliver"}, seconds=30, what="all parts")
        assert health(port)[0] == 200
        assert 'govwire_lag{lane="live",stage="match"} 0.0' in metrics(port)
        _assert_refused(
            "--data-dir", data_dir, "process", "index", "--slot", "0", code=2, says="slot 0 of index is taken", **QUIET
        )


def test_a_process_that_finds_no_index_waits_and_says_so(data_dir: Path, tmp_path: Path) -> None:
    port = free_ports(1)
    away = {"GOVWIRE_INDEX__URL": f"http://127.0.0.1:{free_port()}", "GOVWIRE_METRICS__ADDRESS": f"127.0.0.1:{port}"}
    with _process(tmp_path / "index", data_dir, "index", **away) as running:
        running.wait_for("service_away")
        wait_until(lambda: health(port)[0] == 503, what="/health to say so")
        assert "cannot be reached" in health(port)[1]["index"]["trouble"]


def test_an_index_of_an_older_mapping_stops_the_start(data_dir: Path, elastic_server: ElasticServer) -> None:
    place = {"GOVWIRE_INDEX__URL": elastic_server.url, "GOVWIRE_INDEX__PREFIX": f"old-{uuid4().hex[:8]}"}
    settings = Settings(index={"url": place["GOVWIRE_INDEX__URL"], "prefix": place["GOVWIRE_INDEX__PREFIX"]})  # type: ignore[arg-type]
    wanted = plan(settings)
    server = Server(settings.index)
    for index in wanted.indices.values():
        server.request("PUT", index.path, {**index.body, "mappings": {"_meta": {"version": 0}}})
    server.close()
    _assert_refused(
        "--data-dir", data_dir, "process", "index", code=2, says="its mapping is version 0", **QUIET, **place
    )


def _letters(data_dir: Path) -> list[dict[str, Any]]:
    return _lines(govwire("--data-dir", data_dir, "deadletters", "list", "--json").stdout)


def test_a_broken_record_is_listed_shown_replayed_and_dropped(data_dir: Path, tmp_path: Path) -> None:
    bus = open_bus(Settings(data_dir=data_dir))
    bus.publish(PAGES.kafka_topic("govwire"), [Message("k", b"no JSON \xff", {}), Message("k", b'{"schema": 99}', {})])
    # What is no letter of ours, among them: nobody falls over it.
    bus.publish(DEADLETTERS.kafka_topic("govwire"), [Message("k", b"nonsense", {})])
    bus.close()
    with _process(tmp_path / "first", data_dir, "extract") as extract:
        wait_until(lambda: len(_letters(data_dir)) == 2, seconds=30, what=f"the letters:\n{extract.log}")
    letters = {letter["reason"]: letter["dead_letter_id"] for letter in _letters(data_dir)}
    assert set(letters) == {"not_json", "newer_schema"}
    home = ("--data-dir", data_dir, "deadletters")
    shown = json.loads(govwire(*home, "show", letters["not_json"][:10]).stdout)
    assert (shown["stage"], shown["value"]) == ("extract", "no JSON \\xff")
    ambiguous = govwire(*home, "show", "")
    assert ambiguous.returncode == 2
    assert "error: dead letter '': 2 begin like this" in ambiguous.stderr
    assert govwire(*home, "replay", letters["not_json"]).stdout == "replayed 1\n"
    with _process(tmp_path / "second", data_dir, "extract"):
        wait_until(lambda: len(_letters(data_dir)) == 2, seconds=30, what="the replayed record to fail again")
    again = {letter["reason"]: letter["dead_letter_id"] for letter in _letters(data_dir)}
    assert again["newer_schema"] == letters["newer_schema"]
    assert again["not_json"] != letters["not_json"]
    assert govwire(*home, "drop", again["not_json"]).stdout == "dropped 1\n"
    assert govwire(*home, "drop", "--all").stdout == "dropped 1\n"
    assert govwire(*home, "list").stdout == "no open dead letters\n"
