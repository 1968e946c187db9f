"""Both backends of the bus, as the contract tests see them, and members as processes of their own."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient

from govwire.core.bus import Bus, Delivery, Member, Message, open_bus
from govwire.core.bus.log import Log
from govwire.core.settings import BusSettings, Settings
from servers.process import wait_until

# A first member of a new group on a cold broker waits for the group's coordinator; all else takes far less.
PATIENCE_SECONDS = 30.0


@dataclass
class Backend:
    """One backend with Kafka topics of this test's own; the buses it opens are closed after the test."""

    name: str
    settings: Settings
    stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def at(cls, name: str, url: str, data_dir: Path, **bus: Any) -> Self:
        """The backend at `url`, under a prefix that nobody else has."""
        prefix = f"t{uuid.uuid4().hex[:8]}"
        return cls(name, Settings(data_dir=data_dir, bus=BusSettings(url=url, prefix=prefix, **bus)))

    @property
    def articles(self) -> str:
        """A Kafka topic of eight partitions."""
        return f"{self.settings.bus.prefix}.articles"

    @property
    def alerts(self) -> str:
        """A Kafka topic of one partition."""
        return f"{self.settings.bus.prefix}.alerts"

    @property
    def readers(self) -> str:
        """A consumer group."""
        return self.group("readers")

    def group(self, name: str) -> str:
        """A consumer group of this test's own."""
        return f"{self.settings.bus.prefix}.{name}"

    def open(self) -> Bus:
        """Another bus, as another process would open it."""
        bus = open_bus(self.settings)
        self.stack.callback(bus.close)
        return bus

    def make_small(self, kafka_topic: str) -> None:
        """Make a Kafka topic of two partitions, as somebody else might have."""
        if self.name == "embedded":
            log = Log(self.settings.data_dir / "bus.db")
            log.create(kafka_topic, 2)
            log.close()
        else:
            with KafkaAdminClient(bootstrap_servers=self.settings.bus.url.removeprefix("kafka://")) as admin:
                admin.create_topics({kafka_topic: {"num_partitions": 2}}, wait_for_metadata=True)

    def join(self, bus: Bus, group: str, slot: str, *kafka_topics: str) -> Member:
        """A member that leaves after the test."""
        member = bus.member(group, kafka_topics or [self.articles], slot)
        self.stack.callback(member.close)
        return member


def messages(*values: str, key: str | None = None) -> list[Message]:
    """One message for each value; its key is the value, unless one is given."""
    return [Message(key or value, value.encode(), {"ce_id": value}) for value in values]


def numbered(count: int, prefix: str = "m") -> list[str]:
    """So many different values."""
    return [f"{prefix}{number:03}" for number in range(count)]


def values(deliveries: Sequence[Delivery]) -> list[str]:
    """The values of what was read, in order."""
    return [delivery.message.value.decode() for delivery in deliveries]


def read(member: Member, count: int, *, at_once: int = 100, seconds: float = PATIENCE_SECONDS) -> list[Delivery]:
    """Read until so many messages have come, and fail if they do not."""
    found: list[Delivery] = []
    deadline = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} messages came: {values(found)}"
        found += member.read(min(at_once, count - len(found)), 0.5)
    return found


def read_nothing(member: Member, seconds: float = 1.5) -> None:
    """Read for a while, and fail if anything comes."""
    assert values(member.read(10, seconds)) == []


def go_round(
    members: Mapping[str, Member], wanted: Callable[[dict[str, list[str]]], bool], *, seconds: float = PATIENCE_SECONDS
) -> dict[str, list[str]]:
    """Let members read and commit side by side, as stages do, until what each has read is as wanted."""
    found: dict[str, list[str]] = {slot: [] for slot in members}
    done = threading.Event()

    def work(slot: str, member: Member) -> None:
        while not done.is_set():
            page = member.read(50, 0.2)
            member.commit(page)
            found[slot] += values(page)

    with ThreadPoolExecutor(len(members)) as pool:
        futures = [pool.submit(work, slot, member) for slot, member in members.items()]
        try:
            wait_until(lambda: wanted(found) or any(future.done() for future in futures), seconds=seconds)
        finally:
            done.set()
        for future in futures:
            future.result()
    return found


@contextmanager
def keeping_alive(member: Member) -> Iterator[None]:
    """Keep a member's place while the block runs, as a stage does whose batch is in work."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.1):
            member.keep_alive()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            yield
        finally:
            done.set()
        future.result()


class MemberProcess:
    """A member in a process of its own (tests/contract/bus_member.py), which can be killed as by the kernel."""

    def __init__(self, backend: Backend, group: str, slot: str, *, commits: bool) -> None:
        script = Path(__file__).with_name("bus_member.py")
        arguments = [backend.settings.model_dump_json(), group, backend.articles, slot, str(int(commits))]
        self._process = subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def read(self, count: int) -> list[str]:
        """The next values it has read."""
        return [self._lines.get(timeout=PATIENCE_SECONDS) for _ in range(count)]

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
