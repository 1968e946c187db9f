"""A crawl killed with SIGKILL again and again: every URL comes to exactly one end, and no host is asked too fast."""

import random
import signal
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from crawling import Crawl
from govwire.core.faults import POINTS
from govwire.core.state.ledger import ENDED, Outcome
from house import House, story_page
from servers.sites import Asked, Reply, Sites

FAULTS = [point for point in POINTS if point.startswith("crawl.")]
HOSTS, PAGES_OF_A_HOST, KILLS = 25, 20, 20
FIRST_STORY = 1000  # of the numbers below it, one is that of an error page
DELAY_SECONDS = 1.0
# What two cores under load may add to the way of one request and not to that of the next.
JITTER_SECONDS = 0.4


class _ThenAStory:
    """A page that cannot be had at first."""

    def __init__(self, number: int) -> None:
        self._number, self._asked = number, 0

    def __call__(self, _: Asked) -> Reply:
        self._asked += 1
        return Reply(b"busy", 503) if self._asked == 1 else Reply(story_page(FIRST_STORY + self._number).body())


def _serve(sites: Sites) -> dict[str, tuple[str, str | None]]:
    """Stories, pages that are gone, documents and pages that are busy at first; and how each is to end."""
    ends: dict[str, tuple[str, str | None]] = {}
    for number in range(HOSTS * PAGES_OF_A_HOST):
        host, path = f"host{number % HOSTS}.example", f"/{number}"
        match number % 10:
            case 7:
                answer, end = Reply(b"no", 404), ("dropped", "not_found")
            case 8:
                answer, end = Reply(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}), ("dropped", "not_html")
            case 9:
                answer, end = _ThenAStory(number), ("indexed", None)
            case _:
                answer, end = Reply(story_page(FIRST_STORY + number).body()), ("indexed", None)
        ends[sites.set(host, path, answer)] = end
    return ends


def _kill(crawl: Crawl, chance: random.Random) -> bool:
    """Run the crawl until it is killed, at a fault point or at any moment; whether it was."""
    fault = f"{chance.choice(FAULTS)}:{chance.randint(1, 3)}"
    running = crawl.start(environment={"GOVWIRE_FAULT": fault} if chance.random() < 0.7 else {})
    if not running.ends_within(chance.uniform(1.5, 4)):
        running.kill()
    return running.end().code == -signal.SIGKILL


@pytest.mark.timeout(280)
def test_a_crawl_killed_at_twenty_moments_brings_every_url_to_one_end_and_keeps_its_pace(
    sites: Sites, tmp_path: Path
) -> None:
    ends = _serve(sites)
    crawl = Crawl(
        tmp_path,
        sites.port,
        GOVWIRE_CRAWL__HOST_DELAY_SECONDS=str(DELAY_SECONDS),
        GOVWIRE_CRAWL__RETRY_BASE_SECONDS="1",
        GOVWIRE_CRAWL__CONCURRENCY="32",
    )
    for number in range(HOSTS):
        host = f"host{number}.example"
        paths = [f"/{page}" for page in range(number, HOSTS * PAGES_OF_A_HOST, HOSTS)]
        crawl.source(f"s{number}", sites.feed(host, *paths))
    chance = random.Random(5)
    killed = sum(_kill(crawl, chance) for _ in range(KILLS))
    assert killed == KILLS, "not every process was killed in its work"
    assert crawl.once().code == 0  # feeds whose reading was killed are read again, too
    while any(outcome == Outcome.WAITING for outcome, _ in crawl.counts()):
        assert crawl.once().code == 0
    house = House(crawl.data_dir)
    house.run_to_the_end()
    assert {url: crawl.standing(url) for url in ends} == ends
    house.close()
    assert {outcome for outcome, _ in crawl.counts()} <= set(map(str, ENDED))
    _assert_pace(sites)


def _assert_pace(sites: Sites) -> None:
    asked = defaultdict(list)
    for each in sites.asked:
        asked[each.host].append(each.at)
    gaps = [after - before for times in asked.values() for before, after in pairwise(sorted(times))]
    assert len(gaps) >= HOSTS * PAGES_OF_A_HOST
    assert min(gaps) >= DELAY_SECONDS - JITTER_SECONDS
