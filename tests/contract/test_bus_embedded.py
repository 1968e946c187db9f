"""What only the embedded bus can meet: many processes on one new file, a writer killed at work, a broken file."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bus_backends import Backend, go_round, messages, numbered, read, values
from govwire.core.bus import Message
from govwire.core.errors import BrokerError, ConfigError

PUBLISHER = Path(__file__).with_name("bus_publisher.py")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """The embedded bus in a folder of this test's own."""
    backend = Backend.at("embedded", "sqlite:", tmp_path / "data")
    with backend.stack:
        yield backend


def publisher(backend: Backend, name: str, batches: int) -> "subprocess.Popen[str]":
    """A process that publishes so many batches of ten."""
    arguments = [backend.settings.model_dump_json(), backend.articles, name, str(batches)]
    return subprocess.Popen([sys.executable, str(PUBLISHER), *arguments], stdout=subprocess.PIPE, text=True)


def test_processes_that_begin_at_once_share_one_new_file(backend: Backend) -> None:
    processes = [publisher(backend, name, 5) for name in "abcdef"]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = values(list(backend.open().scan(backend.articles)))
    for name in "abcdef":
        assert [value for value in found if value.startswith(name)] == [
            f"{name}{batch:04}{number}" for batch in range(5) for number in range(10)
        ]


@pytest.mark.parametrize("told_before", [1, 7, 30])
def test_a_publisher_that_is_killed_leaves_whole_batches_and_all_it_was_told_of(
    backend: Backend, told_before: int
) -> None:
    process = publisher(backend, "p", 100_000)
    assert process.stdout is not None
    for _ in range(told_before):
        process.stdout.readline()
    process.kill()
    rest, _ = process.communicate(timeout=10)
    acknowledged = told_before + rest.count("\n")
    deliveries = list(backend.open().scan(backend.articles))
    assert [delivery.offset for delivery in deliveries] == list(range(len(deliveries)))
    assert len(deliveries) % 10 == 0
    assert len(deliveries) // 10 in {acknowledged, acknowledged + 1}


def test_three_members_have_fair_shares(backend: Backend) -> None:
    bus = backend.open()
    bus.setup()
    members = {slot: backend.join(backend.open(), backend.readers, slot) for slot in ("a", "b", "c")}
    go_round({"a": members["a"]}, lambda _: True)
    sent = iter(numbered(1000))

    def all_read(found: dict[str, list[str]]) -> bool:
        bus.publish(backend.articles, messages(*(next(sent) for _ in range(8))))
        return all(found.values())

    go_round(members, all_read)
    members["b"].close()
    rest = [next(sent) for _ in range(40)]
    bus.publish(backend.articles, messages(*rest))
    found = go_round(
        {slot: members[slot] for slot in ("a", "c")}, lambda _: bus.lag(backend.readers, [backend.articles]) == 0
    )
    assert {*rest} <= {*found["a"], *found["c"]}


def test_one_read_holds_no_more_in_memory_than_it_should(backend: Backend) -> None:
    bus = backend.open()
    bus.setup()
    for key in numbered(7):
        bus.publish(backend.articles, [Message(key, bytes(10 * 1024 * 1024), {})])
    member = backend.join(bus, backend.readers, "a")
    assert len(member.read(100, 1)) == 5
    assert len(read(member, 2)) == 2


def test_a_file_that_is_no_database_is_named(backend: Backend) -> None:
    backend.settings.data_dir.mkdir()
    path = backend.settings.data_dir / "bus.db"
    path.write_bytes(b"something else " * 1000)
    with pytest.raises(BrokerError, match=rf"{path}.*not a database"):
        backend.open()


def test_a_folder_that_cannot_be_made_is_a_config_error(backend: Backend) -> None:
    backend.settings.data_dir.write_text("a file, where a folder is needed")
    with pytest.raises(ConfigError, match="data_dir"):
        backend.open()
