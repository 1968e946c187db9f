"""The command line as its users run it: a process of its own, with its own environment."""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govwire.cli import main
from servers.process import free_port, listens, wait_until

_COMMAND = [sys.executable, "-c", "from govwire.cli import main; main()"]


# Importing takes longer than most commands: each is forked from a process that has imported much and done nothing.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "commands",
        "govwire.cli.backfill",
        "govwire.cli.correct",
        "govwire.cli.operate",
        "crawlers.spiders.asking",
        "govwire.cli.read",
        "govwire.cli.subscribe",
    ]
)


def govwire(*arguments: object, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end; not one that starts processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder, "out"), Path(folder, "log")
        words = [str(argument) for argument in arguments]
        process = _processes.Process(target=_command, args=(words, os.environ | settings, str(out), str(log)))
        process.start()
        process.join(100)
        assert process.exitcode is not None, "it does not end"
        return subprocess.CompletedProcess(words, process.exitcode, out.read_text(), log.read_text())


def _command(arguments: Sequence[str], environment: Mapping[str, str], out: str, log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (log, sys.stderr)):
        with open(path, "w") as file:  # noqa: PTH123
            os.dup2(file.fileno(), stream.fileno())
    sys.argv[:] = ["govwire", *arguments]
    main()


class Running:
    """A command that runs until it is stopped, in a process group of its own as a terminal gives it."""

    def __init__(self, folder: Path, *arguments: object, **settings: str) -> None:
        self._out, self._log = folder / "out", folder / "log"
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*_COMMAND, *map(str, arguments)],
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        """What it printed."""
        return self._out.read_text()

    @property
    def log(self) -> str:
        """What it logged."""
        return self._log.read_text()

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Return when it has printed or logged this."""
        wait_until(lambda: text in self.out + self.log, seconds=seconds, what=f"{text!r} in:\n{self.out}{self.log}")

    def children(self) -> set[int]:
        """The processes that it started and that do work (Python's own tracker of resources does none)."""
        return {
            pid
            for pid, (parent, command) in processes().items()
            if parent == self.process.pid and "spawn_main" in command
        }

    def wait(self, seconds: float = 100) -> int:
        """Its exit code, when it has ended by itself."""
        return self.process.wait(seconds)

    def end(self, signal_number: int, seconds: float = 20) -> int:
        """Send it a signal and give its exit code."""
        self.process.send_signal(signal_number)
        return self.wait(seconds)


def processes() -> dict[int, tuple[int, str]]:
    """Every process that lives: its parent and its command."""
    columns = [part for column in ("pid", "ppid", "stat", "args") for part in ("-o", f"{column}=")]
    listed = subprocess.run(["ps", "-A", "-ww", *columns], capture_output=True, text=True, check=True)
    rows = (line.split(maxsplit=3) for line in listed.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")}


def free_ports(count: int) -> int:
    """The first of as many free ports in a row."""
    while True:
        first = free_port()
        if not any(listens(first + step) for step in range(1, count)):
            return first


def health(port: int) -> tuple[int, dict[str, Any]]:
    """What `/health` answers: status and parts; 0 while nobody does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
            return reply.status, json.load(reply)["parts"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["parts"]
    except OSError:
        return 0, {}


def metrics(port: int) -> str:
    """What `/metrics` answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        text: str = reply.read().decode()
    return text
