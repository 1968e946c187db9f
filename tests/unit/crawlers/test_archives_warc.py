"""WARC files: their answers as pages, and every kind of damage counted without an end to the reading."""

import gzip
import io
import random
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
import zstandard
from fastwarc.stream_io import ChunkedWriter
from fastwarc.warc import WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.archives import Item, Kept, PassedOver, Reason
from crawlers.archives.warc import WarcFile
from govwire.core.errors import ArchiveError
from warc_files import AT, damaged, member, record

MAX_BYTES = 100_000
PAGE = b"<html>" + b"<p>Some text that says something.</p>" * 50 + b"</html>"


def read(folder: Path, data: bytes, behind: int = 0) -> list[Item]:
    path = folder / "news.warc.gz"
    path.write_bytes(data)
    return list(WarcFile(path, MAX_BYTES).read(behind))


def pages(items: list[Item]) -> list[str]:
    return [item.found.url.rpartition("/")[2] for item in items if isinstance(item.found, Kept)]


def passed_over(items: list[Item]) -> list[PassedOver]:
    return [item.found for item in items if isinstance(item.found, PassedOver)]


def url(number: int) -> str:
    return f"https://wire.example/{number}"


def body(number: int) -> bytes:
    """Long, and hard to press: damage in the middle of a member is damage in the middle of its body."""
    chance = random.Random(number)
    words = " ".join(str(chance.random()) for _ in range(500))
    return f"<html><p>Page {number} {words}</p></html>".encode()


MEMBERS = [member(url(number), body(number)) for number in range(6)]


def test_an_answer_is_a_page_with_what_the_record_says_of_it(tmp_path: Path) -> None:
    headers = {"Content-Type": "text/html; charset=koi8-r", "Set-Cookie": "a=b", "X-Crawl-Content-Encoding": "gzip"}
    at = datetime(2026, 9, 1, 8, 30, 15, 123456, tzinfo=UTC)
    [item] = read(tmp_path, member("https://wire.example/a?b=1", PAGE, at=at, headers=headers))
    kept = item.found
    assert isinstance(kept, Kept)
    assert (kept.url, kept.fetched_at, kept.status, kept.body) == ("https://wire.example/a?b=1", at, 200, PAGE)
    told = {header.name: header.value for header in kept.headers}
    assert told == {"content-type": "text/html; charset=koi8-r", "x-crawl-content-encoding": "gzip"}


def test_records_that_are_no_answers_are_no_items(tmp_path: Path) -> None:
    request = member(url(0), kind=WarcRecordType.request)
    info = member(url(0), kind=WarcRecordType.warcinfo)
    assert pages(read(tmp_path, info + request + MEMBERS[0] + request + MEMBERS[1])) == ["0", "1"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (member(url(0), status="301 Moved"), Reason.NO_PAGE),
        (member(url(0), status="404 Not Found"), Reason.NO_PAGE),
        (member(url(0), status="no number"), Reason.NO_PAGE),
        (member(url(0), b"%PDF", headers={"Content-Type": "application/pdf"}), Reason.NOT_HTML),
        (member(url(0), b"x" * (MAX_BYTES + 1)), Reason.TOO_LARGE),
        (member(url(0), WARC_Truncated="length"), Reason.DAMAGED),
        (member(url(0), b"\x00no gzip", headers={"Content-Encoding": "gzip"}), Reason.DAMAGED),
        (member(url(0), gzip.compress(body(0))[:-300], headers={"Content-Encoding": "gzip"}), Reason.DAMAGED),
        (gzip.compress(record(url(0)).replace(b"WARC-Date: 2026", b"WARC-Date: soon")), Reason.DAMAGED),
    ],
    ids=["redirect", "missing", "no status", "pdf", "large", "cut by the archive", "no gzip", "gzip cut", "no date"],
)
def test_an_answer_that_gives_no_page_is_passed_over_by_name(tmp_path: Path, made: bytes, reason: Reason) -> None:
    items = read(tmp_path, made + MEMBERS[1])
    assert [over.reason for over in passed_over(items)] == [reason]
    assert pages(items) == ["1"]


def _chunked(body: bytes) -> bytes:
    written = io.BytesIO()
    writer = ChunkedWriter(written)
    writer.write(body)
    writer.finish()
    return written.getvalue()


def _bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


CODED = {
    "gzip": (gzip.compress(PAGE), {"Content-Encoding": "gzip"}),
    "x-gzip, identity": (gzip.compress(PAGE), {"Content-Encoding": "x-gzip, identity"}),
    "zlib": (zlib.compress(PAGE), {"Content-Encoding": "deflate"}),
    "bare deflate": (_bare_deflate(PAGE), {"Content-Encoding": "deflate"}),
    "brotli": (brotli.compress(PAGE), {"Content-Encoding": "br"}),
    "zstd": (zstandard.compress(PAGE), {"Content-Encoding": "zstd"}),
    "chunked": (_chunked(PAGE), {"Transfer-Encoding": "chunked"}),
    "chunked gzip": (_chunked(gzip.compress(PAGE)), {"Transfer-Encoding": "chunked", "Content-Encoding": "gzip"}),
    "gzip that was undone": (PAGE, {"Content-Encoding": "gzip"}),
    "chunks that were undone": (PAGE, {"Transfer-Encoding": "chunked"}),
    "brotli that was undone": (PAGE, {"Content-Encoding": "br"}),
    "a coding that nobody knows": (PAGE, {"Content-Encoding": "utf-8"}),
}


@pytest.mark.parametrize("coding", CODED)
def test_codings_are_undone_where_they_are_there(tmp_path: Path, coding: str) -> None:
    coded, headers = CODED[coding]
    [item] = read(tmp_path, member(url(0), coded, headers=headers))
    assert isinstance(item.found, Kept), item
    assert item.found.body == PAGE
    assert {header.name for header in item.found.headers} == {"content-type"}


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_is_unpacked_no_further_than_the_limit(tmp_path: Path, coding: str) -> None:
    pack = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}[coding]
    [item] = read(tmp_path, member(url(0), pack(b"<" * 50 * MAX_BYTES), headers={"Content-Encoding": coding}))
    assert isinstance(item.found, PassedOver)
    assert item.found.reason is Reason.TOO_LARGE


def _middle(number: int, data: bytes) -> bytes:
    return b"".join([*MEMBERS[:number], data, *MEMBERS[number + 1 :]])


DAMAGES = {
    "in the middle of a member": _middle(2, damaged(MEMBERS[2], len(MEMBERS[2]) // 2)),
    "in a member's checksum": _middle(2, damaged(MEMBERS[2], len(MEMBERS[2]) - 16)),
    "in a member's first bytes": _middle(2, damaged(MEMBERS[2], 0)),
    "a member that is cut": _middle(2, MEMBERS[2][:-500]),
    "a member that is no more than its head": _middle(2, MEMBERS[2][:10]),
    "bytes in place of a member": _middle(2, b"no WARC " * 500),
    "a record without a head": _middle(2, gzip.compress(b"no record at all")),
    "without compression, a body that is longer than said": b"".join(
        record(url(number), body(number))
        if number != 2
        else record(url(2), body(2)).replace(b"</html>", b"</html>" * 9)
        for number in range(6)
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_item_and_reading_goes_on_behind_it(tmp_path: Path, damage: str) -> None:
    items = read(tmp_path, DAMAGES[damage])
    assert [number for number in pages(items) if number != "2"] == ["0", "1", "3", "4", "5"]
    assert [over.reason for over in passed_over(items)] == [Reason.DAMAGED]
    assert "byte" in passed_over(items)[0].detail


def test_two_damages_side_by_side_are_two_items(tmp_path: Path) -> None:
    middle = len(MEMBERS[2]) // 2
    items = read(
        tmp_path, b"".join([*MEMBERS[:2], damaged(MEMBERS[2], middle), damaged(MEMBERS[3], middle), *MEMBERS[4:]])
    )
    assert (pages(items), len(passed_over(items))) == (["0", "1", "4", "5"], 2)


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_file_that_is_cut_gives_what_is_there(tmp_path: Path, packed: bool) -> None:
    whole = b"".join(MEMBERS) if packed else b"".join(record(url(number), body(number)) for number in range(6))
    items = read(tmp_path, whole[:-500])
    assert pages(items) == ["0", "1", "2", "3", "4"]
    assert [over.reason for over in passed_over(items)] == [Reason.DAMAGED]


def test_a_file_in_one_gzip_stream_or_in_none_is_read_too(tmp_path: Path) -> None:
    plain = b"".join(record(url(number), body(number)) for number in range(6))
    assert pages(read(tmp_path, plain)) == pages(read(tmp_path, gzip.compress(plain))) == list("012345")
    assert read(tmp_path, b"") == []


@pytest.mark.parametrize("data", [b"<html>no</html>" * 100, gzip.compress(b"hello"), b"\x1f\x8b\x08", b"\n"])
def test_what_is_no_warc_file_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"news\.warc\.gz: no WARC file \(.+\); name others") as refused:
        read(tmp_path, data)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("damage", DAMAGES)
def test_reading_behind_some_items_gives_the_others(tmp_path: Path, damage: str) -> None:
    whole = read(tmp_path, DAMAGES[damage])
    for behind in range(len(whole) + 1):
        assert read(tmp_path, DAMAGES[damage], behind) == whole[behind:]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warc") / "any.warc.gz"


def _spoilt(choices: list[tuple[int, int, bytes]]) -> bytes:
    data = b"".join(MEMBERS)
    for at, length, put in choices:
        data = data[: at % len(data)] + put + data[at % len(data) + length :]
    return data


@settings(max_examples=60, deadline=None)
@given(
    choices=st.lists(
        st.tuples(st.integers(0, 100_000), st.integers(0, 3000), st.binary(max_size=40)), min_size=1, max_size=4
    )
)
def test_no_damage_ends_the_reading_or_changes_a_page(file: Path, choices: list[tuple[int, int, bytes]]) -> None:
    file.write_bytes(_spoilt(choices))

    def found() -> Iterator[Kept]:
        for item in WarcFile(file, MAX_BYTES).read(0):
            if isinstance(item.found, Kept):
                yield item.found

    try:
        kept = list(found())
    except ArchiveError:
        return
    for each in kept:
        assert each.fetched_at == AT
        assert each.body == body(int(each.url.rpartition("/")[2]))
