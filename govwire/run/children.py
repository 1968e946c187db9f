"""The processes of `run`: what each one does, and how it ends when its parent is gone.

Every child is spawned, never forked: the clients it holds are its own. The parent keeps one end of a pipe; when that
closes, by a stop or by the parent's death, the child finishes its round and ends. What ends a child for good it says
over the same pipe.
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import structlog

from govwire.core import flow, logs, metrics
from govwire.core.errors import ConfigError, GovwireError, ServiceError
from govwire.core.metrics import Health
from govwire.core.patience import Patience, StoppedError
from govwire.core.settings import Settings
from govwire.core.slots import slot
from govwire.core.vocabulary import Vocabulary
from govwire.run import housekeeping
from govwire.run.services import open_services, refuse_misfit
from processors.stage import Loop
from processors.stages import STAGES, Room

log = structlog.get_logger(__name__)

# A child that does not end by itself after its parent has gone is ended.
LAST_SECONDS = 20.0
# The exit code of a process whose service stayed away: sysexits' EX_TEMPFAIL.
GAVE_UP = 75
# The exit code of a process whose configuration is wrong: starting it again would not help.
MISCONFIGURED = 2


@dataclass(frozen=True)
class Task:
    """What one process does: the crawl, or some stages; plain data, so that it can be spawned."""

    name: str
    settings: Settings
    vocabulary: Vocabulary
    stages: tuple[str, ...]
    once: bool = False
    metrics_offset: int = 0
    slot: int | None = None
    give_up_seconds: float | None = None  # how long a service that is away is waited for; None: for ever


def child(task: Task, parent: Connection) -> None:
    """Entry of a spawned process: the task, until it is done or the parent's end of the pipe closes."""
    logs.configure(task.settings)
    stop = stopped_by_signals()
    threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    code = 0
    try:
        perform(task, stop)
    except (ConfigError, ServiceError) as error:
        code = MISCONFIGURED if isinstance(error, ConfigError) else GAVE_UP
        with suppress(OSError):  # the parent is gone
            parent.send(error.problems if isinstance(error, ConfigError) else [str(error)])
    except GovwireError as error:
        code = 1
        log.error("process_ended", process=task.name, error=str(error))  # noqa: TRY400 - one line, no traceback
    raise SystemExit(code)


def stopped_by_signals() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set, unless the process was told to ignore them."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    return stop


def perform(task: Task, stop: threading.Event) -> None:
    """Do a task in this process until `stop`.

    Raises:
        ConfigError: the settings, the bus or the index do not fit.
        ServiceError: a service stayed away for longer than the task has patience.
    """
    health = Health()
    with ExitStack() as stack:
        stack.enter_context(suppress(StoppedError))
        stack.callback(metrics.serve(_address(task), health))
        if task.stages == (flow.CRAWL.name,):
            _crawl(task, stop, health)
        else:
            _stages(task, stop, health)


def _crawl(task: Task, stop: threading.Event, health: Health) -> None:
    from crawlers.runner import run_crawl

    # Housekeeping has its place beside the crawl: what brings things in sees to what goes out.
    with housekeeping.kept(task.settings, task.vocabulary):
        run_crawl(task.settings, task.vocabulary, stop, once=task.once, health=health)


def _stages(task: Task, stop: threading.Event, health: Health) -> None:
    settings = task.settings
    waits = {name: Patience(name, stop, health, task.give_up_seconds) for name in task.stages}
    with ExitStack() as stack:
        # Until the stages run, the first one speaks for all.
        services = stack.enter_context(open_services(settings, waits[task.stages[0]]))
        if flow.INDEX.name in waits:
            waits[flow.INDEX.name].wait_for(lambda: refuse_misfit(services.index))
        room = Room(settings, task.vocabulary, bus=services.bus, state=services.state, index=services.index)
        runs = []
        for name, patience in waits.items():
            place = stack.enter_context(slot(settings.data_dir, name, task.slot))
            runs.append(patience.wait_for(partial(_loop, name, room, place, patience)))
        with ThreadPoolExecutor(len(runs), thread_name_prefix="stage") as pool:
            futures = [pool.submit(run) for run in runs]
            for future in futures:
                # A loop that ends, by an error above all, ends its process; supervisor or container brings it back.
                future.add_done_callback(lambda _: stop.set())
        for future in futures:
            future.result()


def _loop(name: str, room: Room, place: str, patience: Patience) -> Callable[[], None]:
    stop, health = patience.stop, patience.health
    if name == flow.DELIVER.name:
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
        give_up_seconds=patience.give_up_seconds,
    ).run


def _address(task: Task) -> str:
    host, port = metrics.split_address(task.settings.metrics.address)
    return f"{host}:{port + task.metrics_offset if port else 0}"


def _watch(parent: Connection, stop: threading.Event) -> None:
    with suppress(EOFError, OSError):
        parent.recv()
    stop.set()
    threading.Timer(LAST_SECONDS, os._exit, args=(1,)).start()


def plan(settings: Settings, vocabulary: Vocabulary, *, once: bool, give_up_seconds: float | None) -> list[Task]:
    """The processes of `run`: extract, classify, the sinks, and the crawl."""
    groups: Sequence[tuple[str, tuple[str, ...]]] = (
        ("extract", ("extract",)),
        ("classify", ("classify",)),
        ("sinks", ("index", "match", "deliver")),
        ("crawl", ("crawl",)),
    )
    return [
        Task(
            name=name,
            settings=settings,
            vocabulary=vocabulary,
            stages=stages,
            once=once and name == flow.CRAWL.name,
            metrics_offset=offset,
            give_up_seconds=give_up_seconds,
        )
        for offset, (name, stages) in enumerate(groups, start=1)
    ]
