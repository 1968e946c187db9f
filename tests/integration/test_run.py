"""`run` and its processes: what they say of themselves, and how they end, by whatever it is."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import Running, free_ports, govwire, health, metrics, processes
from govwire.core.errors import GovwireError
from govwire.core.settings import Settings
from govwire.core.state import irrelevant, open_state
from govwire.core.state.irrelevant import Irrelevant
from govwire.core.vocabulary import load_vocabulary
from govwire.run.children import Task
from govwire.run.supervision import Child
from servers.process import wait_until

CONFIG = Path(__file__).parents[2] / "config"
# The baseline engine starts at once: these tests are about processes, not about labels.
QUICK = {"GOVWIRE_CLASSIFY__ENGINE": "keyword", "GOVWIRE_EXTRACT__WORKERS": "1"}
QUIET = {"GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0"}
FORGOTTEN = Irrelevant("a" * 32, "u" * 32, "https://wire.example/a", "Old", "Old news.", 0.1, "model", "none")


class Demo:
    """A demo that runs."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        with open_state(f"sqlite:///{self.data_dir / 'state.db'}") as state, state.begin() as transaction:
            irrelevant.keep(transaction, [FORGOTTEN], datetime.now(UTC) - timedelta(days=100))
        self.port = free_ports(5)
        address = {"GOVWIRE_METRICS__ADDRESS": f"127.0.0.1:{self.port}"}
        arguments = ("--data-dir", self.data_dir, "run", "--demo", "--json")
        self.running = Running(folder, *arguments, **QUICK, **address)

    def is_well(self) -> bool:
        """Whether the supervisor finds all its processes running."""
        return health(self.port)[0] == 200


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("run"))
    try:
        demo.running.wait_for('"known"')
        yield demo
    finally:
        demo.running.process.kill()
        demo.running.process.wait()


# The tests on `demo` follow one another: what comes first leaves it running, the last ends it.


def test_the_summary_is_told_at_the_drain_and_adds_up(demo: Demo) -> None:
    told = json.loads(demo.running.out.splitlines()[-1])
    ended = told["indexed"] + sum(told["dropped"].values()) + sum(told["dead"].values())
    assert told["known"] == told["in_flight"] + sum(told["waiting"].values()) + ended
    assert told["in_flight"] == 0
    assert told["indexed"] > 20


def test_every_process_answers_for_its_health_and_its_counts(demo: Demo) -> None:
    wait_until(demo.is_well, what="the supervisor to be well")
    expected = [
        {"supervisor", "extract", "classify", "sinks", "crawl"},
        {"extract"},
        {"classify"},
        {"index", "match"},
        {"crawl"},
    ]
    for port, parts in enumerate(expected, start=demo.port):
        status, found = health(port)
        assert status == 200, found
        assert set(found) >= parts
    assert 'govwire_records_total{outcome="extracted",stage="extract"}' in metrics(demo.port + 1)
    assert 'govwire_lag{lane="backfill",stage="index"} 0.0' in metrics(demo.port + 3)


def test_a_run_sweeps_by_itself(demo: Demo) -> None:
    with open_state(f"sqlite:///{demo.data_dir / 'state.db'}") as state:

        def is_swept() -> bool:
            with state.begin() as transaction:
                return irrelevant.find(transaction, FORGOTTEN.article_id) is None

        wait_until(is_swept, seconds=30, what=f"the sweep:\n{demo.running.log}")


def test_a_second_run_in_the_same_data_dir_is_refused_on_one_line(demo: Demo) -> None:
    second = govwire("--data-dir", demo.data_dir, "run", "--demo", **QUICK, **QUIET)
    assert second.returncode == 2
    assert second.stderr == f"error: data_dir {demo.data_dir}: another run holds it; stop it or set data_dir\n"
    assert demo.is_well()


def test_a_process_that_dies_is_started_again(demo: Demo) -> None:
    before = demo.running.children()
    assert len(before) == 4
    os.kill(min(before), signal.SIGKILL)
    demo.running.wait_for("process_died")
    wait_until(lambda: len(demo.running.children() - before) == 1 and demo.is_well(), seconds=30, what="a new process")


def test_sigterm_ends_a_run_and_all_its_processes_within_seconds(demo: Demo) -> None:
    children = demo.running.children()
    assert demo.running.end(signal.SIGTERM) == 0
    assert not children & set(processes())
    assert "process_killed" not in demo.running.log
    assert "Traceback" not in demo.running.log


def test_ctrl_c_ends_a_run_from_its_first_instants_on(tmp_path: Path) -> None:
    running = Running(tmp_path, "--data-dir", tmp_path / "data", "run", "--demo", **QUICK, **QUIET)
    wait_until(lambda: len(running.children()) >= 2, seconds=30, what="the first processes")
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(30) == 0
    assert "Traceback" not in running.log


def test_the_processes_of_a_killed_supervisor_end_by_themselves(tmp_path: Path) -> None:
    running = Running(tmp_path, "--data-dir", tmp_path / "data", "run", "--demo", **QUICK, **QUIET)
    running.wait_for("feed_read")
    children = running.children()
    assert len(children) == 4
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not children & set(processes()), seconds=30, what="the processes to end")


def test_a_wrong_configuration_found_by_a_process_ends_the_run_with_its_line(tmp_path: Path) -> None:
    wrong = {"GOVWIRE_FETCH__CA_FILE": str(tmp_path / "none.pem")}
    ended = Running(tmp_path, "--data-dir", tmp_path / "data", "run", "--demo", **QUICK, **QUIET, **wrong)
    assert ended.wait() == 2
    assert ended.log.splitlines()[-1].startswith(f"error: fetch.ca_file {tmp_path / 'none.pem'}")
    assert "process_died" not in ended.log
    assert "Traceback" not in ended.log


def test_a_process_that_dies_five_times_in_a_minute_ends_the_run(tmp_path: Path) -> None:
    # A stage that is not there: an error that nobody foresaw, at every start.
    settings = Settings(data_dir=tmp_path, metrics={"address": "127.0.0.1:0"})  # type: ignore[arg-type]
    child = Child(Task("broken", settings, load_vocabulary(CONFIG), ("nonsense",)))
    child.start()
    # The first death is forgotten by the time of the others.
    for now in (0.0, 70.0, 80.0, 90.0, 100.0):
        _wait_for_death(child, now)
        assert child.trouble is not None
        child.look(now + 0.5)
        assert child.trouble is not None, "started again without a pause"
        child.look(now + 10.0)
        assert child.trouble is None
    with pytest.raises(GovwireError, match="process broken died 5 times in a minute"):
        _wait_for_death(child, 110.0)
    child.join(0.0)


def _wait_for_death(child: Child, now: float) -> None:
    def is_dead() -> bool:
        child.look(now)
        return child.trouble is not None

    wait_until(is_dead, seconds=30, what="the process to die")
