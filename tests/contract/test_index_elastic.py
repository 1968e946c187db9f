"""What only Elasticsearch can do to us: be away, be busy, refuse, be of another version, be something else."""

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import elastic_transport
import elasticsearch
import pytest

from govwire.core.errors import ConfigError, GovwireError, SearchError
from govwire.core.index import Document, Index, open_index
from govwire.core.index.documents import documents_of
from govwire.core.index.elastic import Server
from govwire.core.index.plan import plan
from govwire.core.query import parse
from govwire.core.settings import Settings
from servers.elastic import ElasticServer
from servers.faulty_proxy import FaultyProxy
from servers.http_receiver import Answer, HttpReceiver
from servers.process import free_port
from tagged_samples import NOW, SAMPLES, tagged

ARTICLES = [documents_of(sample).article for sample in SAMPLES]


def settings_for(url: str, **changes: Any) -> Settings:
    prefix = f"t-{uuid.uuid4().hex[:12]}"
    return Settings.model_validate({"index": {"url": url, "prefix": prefix} | changes})


@pytest.fixture
def proxy(elastic_server: ElasticServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(elastic_server.port) as between:
        yield between


@pytest.fixture
def index(proxy: FaultyProxy) -> Iterator[Index]:
    """An empty index behind the proxy."""
    opened = open_index(settings_for(proxy.url))
    opened.setup()
    yield opened
    opened.close()


def is_bulk(head: bytes) -> bool:
    return b"/_bulk" in head.partition(b"\r\n")[0]


def total(index: Index) -> int:
    index.refresh()
    return index.search(parse("", NOW)).total


# --- away and busy ---


def test_an_index_that_is_away_is_one_line_at_once_and_works_when_it_is_back(index: Index, proxy: FaultyProxy) -> None:
    index.put("articles", ARTICLES)
    proxy.cut()
    began = time.monotonic()
    calls = (
        index.setup,
        lambda: index.put("articles", ARTICLES),
        lambda: index.get("articles", "a01"),
        lambda: index.search(parse("", NOW)),
        lambda: index.histogram(parse("", NOW)),
        lambda: index.delete("articles", ["a01"]),
        lambda: index.replace_claims("a01", 1, []),
        index.newest_at,
        index.refresh,
    )
    for call in calls:
        with pytest.raises(SearchError) as error:
            call()
        assert f"index: {proxy.url} cannot be reached" in str(error.value)
        assert "\n" not in str(error.value)
    assert len(index.check()) == 1
    assert time.monotonic() - began < 10
    proxy.mend()
    assert total(index) == len(ARTICLES)


def test_nobody_listening_is_told_quickly() -> None:
    opened = open_index(settings_for(f"http://127.0.0.1:{free_port()}"))
    began = time.monotonic()
    with pytest.raises(SearchError, match="is it running"):
        opened.setup()
    assert time.monotonic() - began < 5
    opened.close()


def test_a_server_that_hangs_is_told_after_the_timeout(index: Index, proxy: FaultyProxy) -> None:
    server = Server(settings_for(proxy.url).index, timeout_seconds=0.5)
    proxy.stall()
    with pytest.raises(SearchError, match=r"no answer in 0\.5 s"):
        server.request("GET", "/_cluster/health")
    proxy.mend()
    server.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_waited_for(index: Index, proxy: FaultyProxy, status: int) -> None:
    proxy.answer_next(2, status, when=is_bulk)
    assert index.put("articles", ARTICLES) == []
    assert proxy.struck == 2
    assert total(index) == len(ARTICLES)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_stays_busy_is_an_outage_and_no_refusal(proxy: FaultyProxy, status: int) -> None:
    settings = settings_for(proxy.url)
    opened = open_index(settings)
    opened.setup()
    server = Server(settings.index, patience_seconds=0.5)
    proxy.answer_next(1000, status, when=is_bulk)
    action = {"_op_type": "index", "_index": f"{settings.index.prefix}-articles-write", "_id": "x", "_source": {}}
    with pytest.raises(SearchError, match="takes no documents now"):
        server.write([action])
    assert proxy.struck > 1
    server.close()
    opened.close()


def test_retry_after_is_passed_on(index: Index, proxy: FaultyProxy) -> None:
    proxy.answer_next(1, 429, headers={"Retry-After": "7"})
    with pytest.raises(SearchError, match="answers 429") as error:
        index.search(parse("", NOW))
    assert error.value.retry_after_seconds == 7


def test_a_reply_that_is_lost_is_an_error_and_the_repeat_is_the_same(index: Index, proxy: FaultyProxy) -> None:
    proxy.drop_replies(1, when=is_bulk)
    with pytest.raises(SearchError):
        index.put("articles", ARTICLES)
    assert index.put("articles", ARTICLES) == []
    assert total(index) == len(ARTICLES)


def test_items_that_a_full_queue_turns_away_are_stored_in_the_end() -> None:
    narrow = {"thread_pool.write.size": 1, "thread_pool.write.queue_size": 1, "node.processors": 1}
    with ElasticServer(narrow) as server:
        opened = open_index(settings_for(server.url, shards=4))
        opened.setup()
        batches = [[documents_of(tagged(f"{batch}-{each}")).article for each in range(40)] for batch in range(24)]
        with ThreadPoolExecutor(24) as pool:
            assert list(pool.map(lambda batch: opened.put("articles", batch), batches)) == [[]] * 24
        assert total(opened) == 24 * 40
        stats = json.load(urllib.request.urlopen(f"{server.url}/_nodes/stats/thread_pool"))
        assert sum(node["thread_pool"]["write"]["rejected"] for node in stats["nodes"].values()) > 0
        opened.close()


# --- refusals ---


def test_a_field_that_the_mapping_does_not_know_is_refused_alone(index: Index) -> None:
    stranger = Document("z", 1, {**ARTICLES[0].body, "mood": "good"})
    refusals = index.put("articles", [ARTICLES[0], stranger, ARTICLES[1]])
    assert [refusal.id for refusal in refusals] == ["z"]
    assert "mood" in refusals[0].reason
    assert total(index) == 2


def test_a_document_that_spoils_the_whole_request_is_refused_alone(index: Index) -> None:
    too_long = Document("i" * 600, 1, ARTICLES[0].body)
    refusals = index.put("articles", [ARTICLES[0], too_long, ARTICLES[1]])
    assert [refusal.id for refusal in refusals] == ["i" * 600]
    assert "Validation Failed" in refusals[0].reason
    assert total(index) == 2


def test_a_request_that_is_too_large_is_sent_document_by_document(index: Index, proxy: FaultyProxy) -> None:
    proxy.answer_next(2, 413, when=is_bulk)
    refusals = index.put("articles", ARTICLES[:3])
    assert [refusal.id for refusal in refusals] == [ARTICLES[0].id]
    assert total(index) == 2


def test_nothing_is_written_where_the_alias_is_missing(elastic_server: ElasticServer) -> None:
    settings = settings_for(elastic_server.url)
    opened = open_index(settings)
    for call in (
        lambda: opened.put("articles", ARTICLES[:1]),
        lambda: opened.get("articles", "a01"),
        lambda: opened.search(parse("", NOW)),
        opened.refresh,
    ):
        with pytest.raises(SearchError, match="govwire setup"):
            call()
    assert len(opened.check()) == 1
    found = json.load(urllib.request.urlopen(f"{elastic_server.url}/_cat/indices/{settings.index.prefix}*?format=json"))
    assert found == []
    opened.close()


# --- versions, roles, logins ---


def test_setup_refuses_a_mapping_of_another_version(elastic_server: ElasticServer) -> None:
    settings = settings_for(elastic_server.url)
    server = Server(settings.index)
    wanted = plan(settings)
    for version, step in ((0, "build a new index"), (99, "upgrade this program")):
        body: dict[str, Any] = {**wanted.indices["articles"].body, "mappings": {"_meta": {"version": version}}}
        server.request("PUT", wanted.indices["articles"].path, body)
        opened = open_index(settings)
        with pytest.raises(ConfigError, match=step):
            opened.setup()
        assert step in opened.check()[0]
        opened.close()
        server.request("DELETE", wanted.indices["articles"].path)
    server.close()


def test_what_the_plan_prints_is_what_setup_makes(elastic_server: ElasticServer) -> None:
    settings = settings_for(elastic_server.url, shards=2)
    server = Server(settings.index)
    lines = plan(settings).lines()
    requests = [
        (what.removeprefix("PUT "), json.loads(body)) for what, body in zip(lines[::2], lines[1::2], strict=True)
    ]
    assert all(settings.index.prefix in path for path, _ in requests)
    for path, body in requests:
        # This node has no security, so nobody asks for the roles.
        if not path.startswith("/_security"):
            server.request("PUT", path, body)
    opened = open_index(settings)
    assert opened.setup() == []
    assert opened.check() == []
    assert opened.put("articles", ARTICLES) == []
    shards = server.request("GET", f"/{settings.index.prefix}-articles/_settings")
    assert [entry["settings"]["index"]["number_of_shards"] for entry in shards.values()] == ["2"]
    server.close()
    opened.close()


@contextmanager
def imposter(status: int, reply: object) -> Iterator[tuple[str, HttpReceiver]]:
    """A server that is not what we want, and gives the same reply to everything."""
    with HttpReceiver() as receiver:
        headers = {"content-type": "application/json"}
        receiver.answer(*[Answer(status, json.dumps(reply).encode(), headers)] * 50)
        yield f"http://127.0.0.1:{receiver.port}", receiver


def test_a_server_of_another_major_version_stops_the_start() -> None:
    with imposter(200, {"nodes": {"n": {"version": "8.19.5"}}}) as (url, _):
        opened = open_index(settings_for(url))
        with pytest.raises(ConfigError, match="Elasticsearch 8, this program speaks 9"):
            opened.setup()
        assert "speaks 9" in opened.check()[0]
        opened.close()


@pytest.mark.parametrize("reply", [{"hello": "world"}, ["x"], "text"])
def test_a_server_that_is_something_else_stops_the_start(reply: object) -> None:
    with imposter(200, reply) as (url, _):
        opened = open_index(settings_for(url))
        with pytest.raises(ConfigError, match="is no Elasticsearch"):
            opened.setup()
        with pytest.raises(ConfigError, match="is no Elasticsearch"):
            opened.search(parse("", NOW))
        opened.close()


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ({"username": "ann", "password": "s3cret"}, "Basic YW5uOnMzY3JldA=="),
        ({"api_key": "s3cret"}, "ApiKey s3cret"),
        ({}, None),
    ],
)
def test_a_refused_login_is_one_line_without_the_secret(login: dict[str, str], sent: str | None) -> None:
    refusal = {"error": {"type": "security_exception", "reason": "unable to authenticate user"}, "status": 401}
    with imposter(401, refusal) as (url, receiver):
        opened = open_index(settings_for(url, **login))
        calls = (opened.setup, lambda: opened.search(parse("", NOW)), lambda: opened.put("articles", ARTICLES[:1]))
        for call in calls:
            with pytest.raises(SearchError, match=r"unable to authenticate user.*check index\.username") as error:
                call()
            assert "s3cret" not in str(error.value)
        assert {request.headers.get("authorization") for request in receiver.requests} == {sent}
        opened.close()


def test_a_password_is_read_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    with imposter(401, {"error": "no"}) as (url, receiver):
        opened = open_index(settings_for(url, username="ann", password_file=secret))
        with pytest.raises(SearchError):
            opened.setup()
        assert receiver.requests[0].headers["authorization"] == "Basic YW5uOnMzY3JldA=="
        opened.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": "ann"}, "index.password"),
        ({"password": "x"}, "index.username"),
        ({"username": "ann", "password_file": "/nowhere/at/all"}, "index.password_file"),
    ],
)
def test_half_a_login_is_a_mistake_in_the_settings(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_index(settings_for("https://127.0.0.1:1", **changes))


@pytest.mark.parametrize("url", ["http://", "http://host:port", "https://"])
def test_an_address_that_is_none_is_a_mistake_in_the_settings(url: str) -> None:
    with pytest.raises(ConfigError, match=r"index\.url"):
        open_index(settings_for(url))


def test_a_certificate_file_that_is_missing_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"index\.ca_file /nowhere/ca\.pem"):
        open_index(settings_for("https://127.0.0.1:1", ca_file="/nowhere/ca.pem"))


def _foreign_errors() -> list[Exception]:
    meta = elastic_transport.ApiResponseMeta(
        status=418,
        http_version="1.1",
        headers=elastic_transport.HttpHeaders(),
        duration=0.0,
        node=elastic_transport.NodeConfig("http", "host", 9200),
    )
    found: list[Exception] = []
    for module in (elastic_transport, elasticsearch):
        for name in dir(module):
            kind = getattr(module, name)
            if not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, Warning):
                continue
            api = issubclass(kind, elastic_transport.ApiError)
            found.append(kind("no", meta=meta, body={}) if api else kind("no"))
    return found


def test_every_error_of_the_client_becomes_one_of_ours() -> None:
    server = Server(settings_for("http://127.0.0.1:1").index)
    errors = _foreign_errors()
    assert len(errors) > 8
    for error in errors:
        with pytest.raises(GovwireError) as ours, server._translating():
            raise error
        assert "\n" not in str(ours.value)
    server.close()
