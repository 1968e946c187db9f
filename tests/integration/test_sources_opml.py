"""Sources by OPML, in from a reader and out again."""

import json
import tomllib
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from commands import govwire
from crawling import Crawl
from servers.sites import Sites


def _run(crawl: Crawl, *arguments: object, **more: str) -> "CompletedProcess[str]":
    return govwire("sources", *arguments, **crawl.environment(**more))


def _written(crawl: Crawl, source_id: str) -> dict[str, Any]:
    return tomllib.loads((crawl.config / "sources" / f"{source_id}.toml").read_text())


def _rows(done: "CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_opml_of_a_reader_becomes_sources_and_comes_back(sites: Sites, crawl: Crawl, tmp_path: Path) -> None:
    known = sites.url("one.test", "/known")
    crawl.source("old", known)
    file = tmp_path / "reader.opml"
    file.write_text(
        '<opml version="2.0"><body><outline text="Law"><outline text="EU">'
        '<outline text="Die Eine" xmlUrl="https://one.example/feed" htmlUrl="https://one.example/" language="de-de"/>'
        f'<outline text="Old" xmlUrl="{known}"/></outline></outline>'
        '<outline text="??" xmlUrl="https://two.example/feed"/><outline text="bad" xmlUrl="nonsense"/></body></opml>'
    )
    done = _run(crawl, "import", file, "--kind", "think_tank", "--country", "DE")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "imported 2 sources; 1 feeds were watched already, 1 outlines skipped\n"
    assert "line 1: address 'nonsense'" in done.stderr
    assert _written(crawl, "die-eine") == {
        "name": "Die Eine",
        "home": "https://one.example/",
        "kind": "think_tank",
        "country": "DE",
        "language": "de",
        "rights": "link",
        "feeds": ["https://one.example/feed"],
        "tags": ["Law", "EU"],
        "verified": False,
    }
    assert _written(crawl, "source")["language"] == "und"
    assert _run(crawl, "import", file).stdout.startswith("imported 0 sources; 3 feeds were watched already")
    out = tmp_path / "ours.opml"
    assert _run(crawl, "export", "--output", out).returncode == 0
    listed = _rows(_run(crawl, "list", "--json"))
    for path in (crawl.config / "sources").iterdir():
        path.unlink()
    assert _run(crawl, "import", out).stdout.startswith("imported 3 sources; 0 ")
    again = _rows(_run(crawl, "list", "--json"))
    same = ("id", "name", "home", "kind", "country", "language", "rights", "feeds", "tags")
    assert [{key: row[key] for key in same} for row in again] == [{key: row[key] for key in same} for row in listed]


def test_what_is_no_opml_and_wrong_options_are_wrong_usage(crawl: Crawl, tmp_path: Path) -> None:
    file = tmp_path / "reader.opml"
    file.write_text("<rss/>")
    assert "no OPML" in _run(crawl, "import", file).stderr
    file.write_text("<opml/>")
    done = _run(crawl, "import", file, "--kind", "blog")
    assert (done.returncode, "error: --kind: " in done.stderr) == (2, True)
    done = _run(crawl, "import", file)
    assert (done.returncode, "no feed in it" in done.stderr) == (2, True)
