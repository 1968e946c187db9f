"""A stage killed with SIGKILL at each of its fault points, and started again: nothing lost, nothing twice."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from govwire.core.faults import POINTS
from govwire.core.state import outbox
from govwire.core.vocabulary import load_vocabulary
from house import STAGES, House, story_page, story_url
from processors.alerts import subscribing

FAULTS = [point for point in POINTS if point.split(".")[0] in STAGES]
PAGES = 12
KILLS = 6


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    wanted = subscribing.Wanted(name="all", query="", channel="json://127.0.0.1:9/")
    subscribing.add(made.state, [wanted], load_vocabulary(Path(__file__).parents[2] / "config"))
    made.publish([story_page(number) for number in range(PAGES)])
    yield made
    made.close()


def _assert_nothing_is_lost_or_doubled(house: House) -> None:
    assert house.indexed_urls() == sorted(story_url(number) for number in range(PAGES))
    assert house.outcomes() == {("indexed", None): PAGES}
    with house.state.begin() as transaction:
        assert outbox.pending(transaction) == {"pending": PAGES}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kill_at_a_fault_point_loses_nothing_and_doubles_nothing(house: House, fault: str) -> None:
    process = house.start(fault=fault)
    assert process.wait(60) == -signal.SIGKILL, f"{fault} was never passed:\n{house.log()}"
    house.run_to_the_end()
    _assert_nothing_is_lost_or_doubled(house)


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_seeded_random_moments_lose_nothing_and_double_nothing(house: House, seed: int) -> None:
    chance = random.Random(seed)
    killed = 0
    for _ in range(KILLS):
        process = house.start(fault=f"{chance.choice(FAULTS)}:{chance.randint(1, 3)}")
        try:
            killed += process.wait(chance.uniform(2, 8)) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            process.kill()
            killed += process.wait() == -signal.SIGKILL
    assert killed >= KILLS / 2, "hardly any process was killed in its work: this run proves nothing"
    house.run_to_the_end()
    _assert_nothing_is_lost_or_doubled(house)
