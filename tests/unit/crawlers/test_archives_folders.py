"""Folders of saved HTML and JSON Lines: each a page, with its address, its time, and what it says."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.archives import Item, Kept, PassedOver, Reason
from crawlers.archives.bring import page_of
from crawlers.archives.folder import HtmlFolder, addresses_from
from crawlers.archives.lines import JsonLines
from govwire.core.errors import ConfigError
from processors.extraction import worker
from samples import source

MAX_BYTES = 20_000
SAVED_AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
TEXT = "\n".join(
    f"Ministers spoke of binding rules for machines, and paragraph {number} is as long as one is."
    for number in range(6)
)


def lines(folder: Path, *rows: object, name: str = "articles.jsonl") -> list[Item]:
    path = folder / name
    data = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    os.utime(path, (SAVED_AT.timestamp(),) * 2)
    return list(JsonLines(path, MAX_BYTES).read(0))


def kept(item: Item) -> Kept:
    assert isinstance(item.found, Kept), item
    return item.found


def why(item: Item) -> tuple[Reason, str]:
    assert isinstance(item.found, PassedOver), item
    return item.found.reason, item.found.detail


@pytest.mark.parametrize("name", ["articles.jsonl", "articles.jsonl.gz"])
def test_a_line_of_html_is_that_page(tmp_path: Path, name: str) -> None:
    html = "<html><p>Zürich</p></html>"
    [dated, undated] = lines(
        tmp_path,
        {"url": "https://a.example/1", "html": html, "fetched_at": "2026-07-01T10:00:00+02:00", "more": 1},
        {"url": "https://a.example/2", "html": html},
        name=name,
    )
    assert kept(dated).body == html.encode()
    assert [(header.name, header.value) for header in kept(dated).headers] == [
        ("content-type", "text/html; charset=utf-8")
    ]
    assert kept(dated).fetched_at == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert kept(undated).fetched_at == SAVED_AT


def test_a_line_of_text_is_the_page_that_the_extractor_reads_as_the_same_text(tmp_path: Path) -> None:
    row = {
        "url": "https://a.example/1",
        "title": "Rules & <machines>",
        "text": TEXT,
        "published": "2026-07-01T08:00:00Z",
        "authors": ["Ana Ruiz", "Bo Li"],
        "language": "en",
        "summary": "What ministers said of “rules”.",
    }
    [item] = lines(tmp_path, row)
    page = kept(item)
    draft = extracted(page).draft
    assert (draft.title, draft.text.splitlines(), draft.language) == (row["title"], TEXT.splitlines(), "en")
    assert draft.authors == ("Ana Ruiz", "Bo Li")
    assert draft.published is not None
    assert (draft.published.at, draft.published.provenance) == (datetime(2026, 7, 1, 8, tzinfo=UTC), "meta")


def test_a_line_that_is_no_page_is_passed_over_with_its_number(tmp_path: Path) -> None:
    items = lines(
        tmp_path,
        "no JSON",
        {"html": "<html></html>"},
        {"url": "https://a.example/1"},
        {"url": "https://a.example/2", "title": "A title alone"},
        {"url": "https://a.example/3", "html": "x" * (MAX_BYTES + 1)},
        '{"url": "https://a.example/4", "html": "' + "x" * 7 * MAX_BYTES + '"}',
        [],
        {"url": "https://a.example/5", "html": "<html></html>"},
    )
    told = [why(item) for item in items[:-1]]
    assert [reason for reason, _ in told] == [Reason.DAMAGED] * 4 + [Reason.TOO_LARGE] + [Reason.DAMAGED] * 2
    assert [detail.partition(":")[0] for _, detail in told] == [f"line {number}" for number in range(1, 8)]
    assert told[2][1] == "line 3: neither html, nor title and text"
    assert kept(items[-1]).url == "https://a.example/5"


def test_a_packed_file_that_is_cut_gives_the_lines_that_are_there(tmp_path: Path) -> None:
    rows = [{"url": f"https://a.example/{number}", "html": os.urandom(500).hex()} for number in range(100)]
    lines(tmp_path, *rows, name="cut.jsonl.gz")
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-5000])
    *there, last = JsonLines(path, MAX_BYTES).read(0)
    assert [kept(item).url for item in there] == [row["url"] for row in rows[: len(there)]]
    assert 50 < len(there) < 100
    assert why(last)[0] is Reason.DAMAGED


PAGES = {
    "b/canonical.html": '<html><head><link rel="canonical" href="https://a.example/b?x=1"></head></html>',
    "b/open-graph.HTM": '<html><head><meta property="og:url" content=" https://a.example/c "></head></html>',
    "a/both.xhtml": '<html><head><meta property="og:url" content="https://a.example/no">'
    '<link href="https://a.example/a" rel="canonical"></head></html>',
    "c/named.html": '<html><head><link rel="canonical" href="https://a.example/home"></head></html>',
    "d/relative.html": '<html><head><link rel="canonical" href="/a"></head></html>',
    "e/large.html": "x" * (MAX_BYTES + 1),
    "f/notes.txt": "no page",
}


def saved(folder: Path) -> Path:
    for name, page in PAGES.items():
        path = folder / "saved" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page)
        os.utime(path, (SAVED_AT.timestamp(),) * 2)
    return folder / "saved"


def test_a_saved_page_stands_where_a_table_or_the_page_itself_says(tmp_path: Path) -> None:
    table = tmp_path / "urls.csv"
    table.write_text("url,file\nhttps://a.example/d,c/named.html\n")
    folder = HtmlFolder(saved(tmp_path), MAX_BYTES, addresses_from(table))
    items = list(folder.read(0))
    assert [kept(item).url.rpartition("/")[2] for item in items[:4]] == ["a", "b?x=1", "c", "d"]
    assert [why(item)[0] for item in items[4:]] == [Reason.NO_ADDRESS, Reason.TOO_LARGE]
    assert kept(items[0]).fetched_at == SAVED_AT
    assert items[-1].at_byte == folder.size_bytes
    assert [list(folder.read(behind)) for behind in range(7)] == [items[behind:] for behind in range(7)]


def test_a_folder_is_another_one_when_a_page_of_it_changes(tmp_path: Path) -> None:
    path = saved(tmp_path)
    before = HtmlFolder(path, MAX_BYTES, {}).version()
    assert HtmlFolder(path, MAX_BYTES, {}).version() == before
    (path / "a" / "both.xhtml").write_text("<html></html>")
    assert HtmlFolder(path, MAX_BYTES, {}).version() != before


@pytest.mark.parametrize(
    "table", ["path,url\na,b\n", "", "\xff", None], ids=["other columns", "empty", "no text", "missing"]
)
def test_a_table_without_files_and_addresses_is_a_mistake_in_one_line(tmp_path: Path, table: str | None) -> None:
    path = tmp_path / "urls.csv"
    if table is not None:
        path.write_bytes(table.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"urls\.csv: .*columns 'file' and 'url'"):
        addresses_from(path)


def extracted(page: Kept) -> worker.Finding:
    found = worker.find(page_of(page, source()), ())
    assert isinstance(found, worker.Finding), found
    return found
