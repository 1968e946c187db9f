"""A service away at start or in mid-run: clear one-line errors, waiting with back-off, and going on by itself."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from house import House, story_page, story_url
from servers.elastic import ElasticServer
from servers.faulty_proxy import FaultyProxy
from servers.kafka import KafkaServer
from servers.postgres import PostgresServer
from servers.process import wait_until

PAGES = 6


# Settings for the parent, and those laid over them for the stages, which reach the service through the proxy.
Away = tuple[dict[str, str], FaultyProxy, dict[str, str]]


@contextmanager
def _kafka(request: pytest.FixtureRequest) -> Iterator[Away]:
    server: KafkaServer = request.getfixturevalue("kafka_server")
    settings = {"GOVWIRE_BUS__URL": f"kafka://{server.bootstrap}", "GOVWIRE_BUS__PREFIX": f"outage-{uuid4().hex[:8]}"}
    with server.proxy() as proxy:
        yield settings, proxy, {"GOVWIRE_BUS__URL": f"kafka://{server.proxied_bootstrap}"}


@contextmanager
def _elasticsearch(request: pytest.FixtureRequest) -> Iterator[Away]:
    server: ElasticServer = request.getfixturevalue("elastic_server")
    settings = {"GOVWIRE_INDEX__URL": server.url, "GOVWIRE_INDEX__PREFIX": f"outage-{uuid4().hex[:8]}"}
    with FaultyProxy(server.port) as proxy:
        yield settings, proxy, {"GOVWIRE_INDEX__URL": proxy.url}


@contextmanager
def _postgresql(request: pytest.FixtureRequest) -> Iterator[Away]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    with FaultyProxy(server.port) as proxy:
        through = url.replace(f":{server.port}/", f":{proxy.port}/")
        yield {"GOVWIRE_STATE__URL": url}, proxy, {"GOVWIRE_STATE__URL": through}


@pytest.fixture(params=[_kafka, _elasticsearch, _postgresql], ids=lambda service: service.__name__.strip("_"))
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, FaultyProxy]]:
    """A house whose stages reach one of the services through a proxy that can be cut."""
    opened: Callable[[pytest.FixtureRequest], AbstractContextManager[Away]] = request.param
    with opened(request) as (settings, proxy, through):
        house = House(tmp_path, settings, through)
        yield house, proxy
        house.close()


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
