"""What every test may ask for: real servers, started by the first test that wants one and stopped at the end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crawling import Crawl
    from servers.chromium import Chromium
    from servers.elastic import ElasticServer
    from servers.http_receiver import HttpReceiver
    from servers.kafka import KafkaServer
    from servers.postgres import PostgresServer
    from servers.sites import Sites
    from servers.smtp import SmtpServer

# The servers are imported in their fixtures, so that unit tests do not pay for Kafka's client and the like.


def pytest_configure(config: pytest.Config) -> None:
    """Except the one warning that a library gives for its own import; every other one is an error."""
    # kafka-python 3.0 reads its schemas by functions that Python 3.11 and 3.12 call deprecated (3.13 took that back).
    config.addinivalue_line("filterwarnings", "ignore:(read|open)_text is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own GOVWIRE_* variables from every test."""
    for name in [name for name in os.environ if name.startswith("GOVWIRE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """The folder that holds replay/ and eval/, from CORPUS_DIR."""
    named = os.environ.get("CORPUS_DIR")
    if named and Path(named).is_dir():
        return Path(named)
    reason = f"CORPUS_DIR={named} is no folder" if named else "CORPUS_DIR is not set: no recorded sites, no gold texts"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_server() -> Iterator["KafkaServer"]:
    """A Kafka broker shared by all tests: take Kafka topics of your own, and leave it running."""
    from servers.kafka import KafkaServer

    with KafkaServer() as server:
        yield server


@pytest.fixture(scope="session")
def elastic_server() -> Iterator["ElasticServer"]:
    """An Elasticsearch node shared by all tests: take an index prefix of your own, and leave it running."""
    from servers.elastic import ElasticServer

    with ElasticServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """A PostgreSQL cluster shared by all tests: take a database of your own by `create_database()`."""
    from servers.postgres import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> "Chromium":
    """A browser without a window that reaches loopback only."""
    from servers.chromium import Chromium

    return Chromium()


@pytest.fixture(scope="session")
def _smtp_server() -> Iterator["SmtpServer"]:
    from servers.smtp import SmtpServer

    with SmtpServer() as server:
        yield server


@pytest.fixture
def smtp_server(_smtp_server: "SmtpServer") -> "SmtpServer":
    """A mail server, empty and running at the start of each test."""
    _smtp_server.start().clear()
    return _smtp_server


@pytest.fixture
def webhook() -> Iterator["HttpReceiver"]:
    """The far end of a webhook, of this test's own."""
    from servers.http_receiver import HttpReceiver

    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def sites() -> Iterator["Sites"]:
    """Web sites on loopback, a test's own."""
    from servers.sites import Sites

    with Sites() as serving:
        yield serving


@pytest.fixture
def crawl(sites: "Sites", tmp_path: Path) -> Iterator["Crawl"]:
    """A place for a crawl of these sites; what still runs at the end is killed."""
    from crawling import Crawl

    place = Crawl(tmp_path, sites.port)
    yield place
    place.close()
