"""The processes of `run`: what each one does, and how it ends when its parent is gone.

Every child is spawned, never forked: the clients it holds are its own. The parent keeps one end of a pipe; when that
closes, by a stop or by the parent's death, the child finishes its round and ends.
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import structlog

from govwire.core import logs, metrics
from govwire.core.bus import open_bus
from govwire.core.errors import GovwireError, ServiceError
from govwire.core.index import open_index
from govwire.core.metrics import Health
from govwire.core.settings import Settings
from govwire.core.slots import slot
from govwire.core.state import open_state
from govwire.core.vocabulary import Vocabulary
from processors.stage import Loop
from processors.stages import STAGES, Room

log = structlog.get_logger(__name__)

# A child that does not end by itself after its parent has gone is ended.
LAST_SECONDS = 20.0
# The exit code of a process whose service stayed away: sysexits' EX_TEMPFAIL.
GAVE_UP = 75


@dataclass(frozen=True)
class Task:
    """What one child process does: the crawl, or some stages; plain data, so that it can be spawned."""

    name: str
    settings: Settings
    vocabulary: Vocabulary
    stages: tuple[str, ...] = ()
    once: bool = False
    source_ids: tuple[str, ...] = ()
    metrics_offset: int = 0
    slot: int | None = None
    urls: tuple[str, ...] = ()  # single pages to fetch
    feeds: tuple[str, ...] = ()  # feeds to read, of no source
    give_up_seconds: float | None = None  # how long a service that is away is waited for; None: for ever


def child(task: Task, parent: Connection) -> None:
    """Entry of a spawned process: the task, until it is done or the parent's end of the pipe closes."""
    # Ctrl-C reaches the whole foreground group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    raise SystemExit(perform(task, stop))


def perform(task: Task, stop: threading.Event) -> int:
    """Do a task in this process until `stop`; returns the exit code."""
    logs.configure(task.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    try:
        if task.stages == ("crawl",):
            _crawl(task, stop)
        else:
            _stages(task, stop)
    except ServiceError as error:
        log.error("process_gave_up", process=task.name, error=str(error))  # noqa: TRY400 - one line, no traceback
        return GAVE_UP
    except GovwireError as error:
        log.error("process_ended", process=task.name, error=str(error))  # noqa: TRY400 - one line, no traceback
        return 1
    return 0


def _crawl(task: Task, stop: threading.Event) -> None:
    from crawlers.runner import run_crawl

    health = Health()
    close = metrics.serve(_address(task), health)
    try:
        run_crawl(
            task.settings,
            task.vocabulary,
            stop,
            once=task.once,
            source_ids=task.source_ids,
            urls=task.urls,
            feeds=task.feeds,
            health=health,
        )
    finally:
        close()


def _stages(task: Task, stop: threading.Event) -> None:
    settings = task.settings
    health = Health()
    with ExitStack() as stack:
        stack.callback(metrics.serve(_address(task), health))
        state = stack.enter_context(open_state(settings.state_url))
        bus = open_bus(settings)
        stack.callback(bus.close)
        index = open_index(settings)
        stack.callback(index.close)
        room = Room(settings=settings, vocabulary=task.vocabulary, bus=bus, state=state, index=index)
        runs = [
            (name, _loop(name, task, room, stack.enter_context(slot(settings.data_dir, name, task.slot)), stop, health))
            for name in task.stages
        ]
        failed: list[BaseException] = []
        threads = [
            threading.Thread(target=_guarded, args=(run, stop, failed), name=name, daemon=True) for name, run in runs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]


def _loop(  # noqa: PLR0917 - one process's parts, handed on once
    name: str, task: Task, room: Room, place: str, stop: threading.Event, health: Health
) -> Callable[[], None]:
    if name == "deliver":
        from processors.stages.deliver import DeliverLoop

        return DeliverLoop(room.settings, bus=room.bus, state=room.state, stop=stop, health=health).run
    return Loop(
        STAGES[name](room),
        bus=room.bus,
        state=room.state,
        prefix=room.settings.bus.prefix,
        slot=place,
        stop=stop,
        health=health,
        give_up_seconds=task.give_up_seconds,
    ).run


def _guarded(run: Callable[[], None], stop: threading.Event, failed: list[BaseException]) -> None:
    """A loop that ends by an error ends its whole process; the supervisor or the container brings it back."""
    try:
        run()
    except BaseException as error:
        failed.append(error)
        raise
    finally:
        stop.set()


def _address(task: Task) -> str:
    host, port = metrics.split_address(task.settings.metrics.address)
    return f"{host}:{port + task.metrics_offset if port else 0}"


def _watch(parent: Connection, stop: threading.Event) -> None:
    with suppress(EOFError, OSError):
        parent.recv()
    stop.set()
    threading.Timer(LAST_SECONDS, os._exit, args=(1,)).start()


def plan(
    settings: Settings,
    vocabulary: Vocabulary,
    *,
    once: bool,
    source_ids: Sequence[str],
    give_up_seconds: float | None,
) -> list[Task]:
    """The processes of `run`: the crawl, extract, classify, and the sinks."""
    groups: list[tuple[str, tuple[str, ...]]] = [
        ("extract", ("extract",)),
        ("classify", ("classify",)),
        ("sinks", ("index", "match", "deliver")),
        ("crawl", ("crawl",)),
    ]
    return [
        Task(
            name=name,
            settings=settings,
            vocabulary=vocabulary,
            stages=stages,
            once=once and name == "crawl",
            source_ids=tuple(source_ids),
            metrics_offset=offset,
            give_up_seconds=give_up_seconds,
        )
        for offset, (name, stages) in enumerate(groups, start=1)
    ]
