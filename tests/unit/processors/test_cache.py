"""The passage cache: what is put is found, for one classifier, in bounds; a broken file costs nothing but time."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from processors.classifiers.cache import PassageCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture(params=["file", "memory"])
def kept(request: pytest.FixtureRequest, path: Path) -> Iterator[PassageCache]:
    passages = PassageCache(path if request.param == "file" else None, "a classifier", entries=10)
    yield passages
    passages.close()


def test_what_is_put_is_found_and_nothing_else(kept: PassageCache) -> None:
    kept.put(b"\x00key", b"\x00\xffvalue")
    assert kept.get(b"\x00key") == b"\x00\xffvalue"
    assert kept.get(b"\x00kez") is None


def test_a_value_put_again_replaces_the_older(kept: PassageCache) -> None:
    kept.put(b"key", b"older")
    kept.put(b"key", b"newer")
    assert kept.get(b"key") == b"newer"


def test_the_oldest_go_first(kept: PassageCache) -> None:
    for number in range(25):
        kept.put(bytes([number]), b"value")
    assert [number for number in range(25) if kept.get(bytes([number]))] == list(range(15, 25))


def test_nothing_is_kept_after_it_is_closed(kept: PassageCache) -> None:
    kept.put(b"key", b"value")
    kept.close()
    kept.put(b"key", b"value")
    assert kept.get(b"key") is None


def test_no_entries_means_no_file(path: Path) -> None:
    passages = PassageCache(path, "a classifier", entries=0)
    passages.put(b"key", b"value")
    assert passages.get(b"key") is None
    assert not path.exists()


def test_another_opening_finds_what_was_put(path: Path) -> None:
    first = PassageCache(path, "a classifier")
    first.put(b"key", b"value")
    second = PassageCache(path, "a classifier")
    assert second.get(b"key") == b"value"
    first.close()
    second.close()


def test_entries_of_another_classifier_are_never_found_and_swept_away(path: Path) -> None:
    for namespace in ("older", "newer"):
        passages = PassageCache(path, namespace)
        assert passages.get(b"key") is None
        passages.put(b"key", namespace.encode())
        passages.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT namespace FROM passages").fetchall() == [("newer",)]
    connection.close()


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + b"\xff" * 4096], ids=["text", "torn"])
def test_a_file_that_is_no_cache_is_put_aside_with_a_warning(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    passages = PassageCache(path, "a classifier")
    with capture_logs() as logs:
        assert passages.get(b"key") is None
    passages.put(b"key", b"value")
    assert passages.get(b"key") == b"value"
    assert path.with_name("cache.db.broken").read_bytes() == content
    assert [entry["event"] for entry in logs] == ["passage_cache_off"]
    passages.close()


def test_a_file_of_another_layout_is_put_aside(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE passages (key TEXT)")
    connection.close()
    passages = PassageCache(path, "a classifier")
    passages.put(b"key", b"value")
    passages.put(b"key", b"value")
    assert passages.get(b"key") == b"value"
    passages.close()


def test_an_entry_whose_bytes_were_changed_is_not_given_back(path: Path) -> None:
    passages = PassageCache(path, "a classifier")
    passages.put(b"key", b"value")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE passages SET value = x'00'")
    connection.close()
    assert passages.get(b"key") is None
    passages.close()


def test_a_locked_file_is_left_alone_with_one_warning(path: Path) -> None:
    passages = PassageCache(path, "a classifier")
    passages.put(b"before", b"value")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with capture_logs() as logs:
        for _ in range(3):
            passages.put(b"key", b"value")
    other.execute("ROLLBACK")
    other.close()
    assert [entry["event"] for entry in logs] == ["passage_cache_off"]
    passages.close()
    later = PassageCache(path, "a classifier")
    assert (later.get(b"key"), later.get(b"before")) == (None, b"value")
    later.close()


def test_a_folder_that_is_not_there_means_no_cache(tmp_path: Path) -> None:
    passages = PassageCache(tmp_path / "nowhere" / "cache.db", "a classifier")
    passages.put(b"key", b"value")
    assert passages.get(b"key") is None
    passages.close()


def test_threads_share_one_cache(path: Path) -> None:
    passages = PassageCache(path, "a classifier")

    def work(number: int) -> bool:
        key = str(number % 50).encode()
        passages.put(key, key * 20)
        return passages.get(key) == key * 20

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    passages.close()


def test_processes_share_one_file(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from processors.classifiers.cache import PassageCache\n"
        "passages = PassageCache(Path(sys.argv[1]), 'a classifier')\n"
        "for number in range(200): passages.put(f'{sys.argv[2]} {number}'.encode(), b'value')\n"
        "passages.close()"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    passages = PassageCache(path, "a classifier")
    assert all(passages.get(f"{name} {number}".encode()) == b"value" for name in "ab" for number in range(200))
    passages.close()


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=200), max_size=8))
def test_any_bytes_come_back_as_they_were(values: dict[bytes, bytes]) -> None:
    passages = PassageCache(None, "a classifier")
    for key, value in values.items():
        passages.put(key, value)
    assert {key: passages.get(key) for key in values} == values
    passages.close()
