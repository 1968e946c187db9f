"""Kafka or Elasticsearch away at start or in mid-run: clear one-line errors, waiting, and going on by itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from house import House, story_page, story_url
from servers.elastic import ElasticServer
from servers.faulty_proxy import FaultyProxy
from servers.kafka import KafkaServer
from servers.process import wait_until

PAGES = 6


@pytest.fixture(params=["kafka", "elasticsearch"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, FaultyProxy]]:
    """A house on Kafka and Elasticsearch, its stages reaching one of them through a proxy that can be cut."""
    kafka: KafkaServer = request.getfixturevalue("kafka_server")
    elastic: ElasticServer = request.getfixturevalue("elastic_server")
    prefix = f"outage-{uuid4().hex[:8]}"
    environment = {
        "GOVWIRE_BUS__URL": f"kafka://{kafka.bootstrap}",
        "GOVWIRE_BUS__PREFIX": prefix,
        "GOVWIRE_INDEX__URL": elastic.url,
        "GOVWIRE_INDEX__PREFIX": prefix,
    }
    with _proxied(request.param, kafka, elastic) as (proxy, through):
        house = House(tmp_path, environment, through)
        yield house, proxy
        house.close()


@contextmanager
def _proxied(name: str, kafka: KafkaServer, elastic: ElasticServer) -> Iterator[tuple[FaultyProxy, dict[str, str]]]:
    if name == "kafka":
        with kafka.proxy() as proxy:
            yield proxy, {"GOVWIRE_BUS__URL": f"kafka://{kafka.proxied_bootstrap}"}
    else:
        with FaultyProxy(elastic.port) as proxy:
            yield proxy, {"GOVWIRE_INDEX__URL": proxy.url}


def _assert_it_waits_in_clear_words(house: House, process: "subprocess.Popen[bytes]") -> None:
    wait_until(lambda: "service_away" in house.log(), seconds=60, what=f"the stages to say so:\n{house.log()}")
    assert process.poll() is None, house.log()
    assert "Traceback" not in house.log()


def test_a_service_that_is_away_at_start_is_waited_for(service: tuple[House, FaultyProxy]) -> None:
    house, proxy = service
    house.publish([story_page(number) for number in range(PAGES)])
    proxy.cut()
    with house.running() as process:
        _assert_it_waits_in_clear_words(house, process)
        proxy.mend()
        house.wait_for_drain(120)
    assert house.indexed_urls() == sorted(story_url(number) for number in range(PAGES))
    assert house.outcomes() == {("indexed", None): PAGES}


def test_a_service_that_goes_in_mid_run_is_waited_for(service: tuple[House, FaultyProxy]) -> None:
    house, proxy = service
    with house.running() as process:
        house.publish([story_page(number) for number in range(PAGES)])
        house.wait_for_drain()
        proxy.cut()
        house.publish([story_page(number) for number in range(PAGES, 2 * PAGES)])
        _assert_it_waits_in_clear_words(house, process)
        proxy.mend()
        house.wait_for_drain(120)
    assert house.indexed_urls() == sorted(story_url(number) for number in range(2 * PAGES))
    assert house.outcomes() == {("indexed", None): 2 * PAGES}
