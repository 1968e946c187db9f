"""What only the embedded index meets: its file, and the processes that share it."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from govwire.core.errors import ConfigError, SearchError
from govwire.core.index import open_index
from govwire.core.index.documents import documents_of
from govwire.core.query import parse
from govwire.core.settings import Settings
from tagged_samples import NOW, SAMPLES

ARTICLES = [documents_of(sample).article for sample in SAMPLES]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path})


def test_what_was_put_is_there_after_a_restart(settings: Settings) -> None:
    first = open_index(settings)
    first.put("articles", ARTICLES)
    first.close()
    second = open_index(settings)
    assert second.setup() == []
    assert second.search(parse("", NOW)).total == len(ARTICLES)
    second.close()


_PUT_FOR_EVER = """
import sys
from govwire.core.index import open_index
from govwire.core.index.documents import documents_of
from govwire.core.settings import Settings
from tagged_samples import SAMPLES

index = open_index(Settings.model_validate_json(sys.argv[1]))
while True:
    for sample in SAMPLES:
        documents = documents_of(sample)
        index.put("articles", [documents.article])
        index.replace_claims(documents.article.id, documents.article.version, documents.claims)
        print(documents.article.id, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(settings: Settings) -> None:
    paths = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for lines in (3, 17, 40):
        command = [sys.executable, "-c", _PUT_FOR_EVER, settings.model_dump_json()]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            written = {writer.stdout.readline().strip() for _ in range(lines)}
            writer.send_signal(signal.SIGKILL)
        index = open_index(settings)
        assert index.check() == []
        found = {hit.id for hit in index.search(parse("", NOW), limit=100).hits}
        assert written <= found
        # The words of a document are there with it, and only once.
        assert {hit.id for hit in index.search(parse("title:governance", NOW)).hits} == found & {"a16"}
        index.close()


def test_a_file_of_another_layout_stops_the_start(settings: Settings) -> None:
    open_index(settings).close()
    path = settings.data_dir / "index.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match=r"index\.db has layout 99") as error:
        open_index(settings)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_index_is_one_line(settings: Settings) -> None:
    (settings.data_dir / "index.db").write_bytes(b"This is no database. " * 500)
    with pytest.raises(SearchError, match=r"index\.db: file is not a database") as error:
        open_index(settings)
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="data_dir"):
        open_index(Settings.model_validate({"data_dir": tmp_path / "file" / "inside"}))


def test_a_damaged_file_is_told_by_check(settings: Settings) -> None:
    index = open_index(settings)
    index.put("articles", ARTICLES)
    index.close()
    path = settings.data_dir / "index.db"
    content = bytearray(path.read_bytes())
    # The middle of the file, page by page: somewhere there lies a page of a table.
    for at in range(3 * 4096, len(content), 4096):
        content[at : at + 64] = b"\xff" * 64
    path.write_bytes(content)
    damaged = open_index(settings)
    problems = damaged.check()
    assert problems
    assert all("index.db" in problem and "\n" not in problem for problem in problems)
    damaged.close()
