"""The servers of the other tests do what those tests rely on: they answer, die, come back, and keep their data."""

import shutil
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg
import pytest
from elasticsearch import ApiError, Elasticsearch
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import MessageSizeTooLargeError

import servers.process
from servers import jars
from servers.chromium import Chromium
from servers.elastic import ElasticServer
from servers.faulty_proxy import FaultyProxy
from servers.http_receiver import Answer, HttpReceiver
from servers.kafka import KafkaServer
from servers.postgres import PostgresServer
from servers.process import free_port, listens, wait_until
from servers.programs import MissingProgramError, Program
from servers.smtp import SmtpServer


def _create(server: KafkaServer, kafka_topic: str) -> None:
    admin = server.admin()
    admin.create_topics([NewTopic(kafka_topic, num_partitions=1, replication_factor=1)])
    admin.close()


def _produce(kafka_topic: str, value: bytes, **settings: Any) -> None:
    producer = KafkaProducer(**settings)
    try:
        producer.send(kafka_topic, value).get(timeout=20)
    finally:
        producer.close()


def _consume(kafka_topic: str, count: int, **settings: Any) -> list[bytes]:
    consumer = KafkaConsumer(kafka_topic, auto_offset_reset="earliest", consumer_timeout_ms=20_000, **settings)
    try:
        return [next(consumer).value for _ in range(count)]
    finally:
        consumer.close()


# --- Kafka ---


def test_kafka_returns_what_was_published_to_the_members_of_a_group(kafka_server: KafkaServer) -> None:
    _create(kafka_server, "plain")
    _produce("plain", b"one", bootstrap_servers=kafka_server.bootstrap)
    settings = {"bootstrap_servers": kafka_server.bootstrap, "group_id": "readers"}
    assert _consume("plain", 1, **settings) == [b"one"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_kafka_lets_the_user_in_by_every_guarded_way(kafka_server: KafkaServer, protocol: str, mechanism: str) -> None:
    kafka_topic = f"{protocol}.{mechanism}"
    _create(kafka_server, kafka_topic)
    tls = protocol == "SASL_SSL"
    settings = {
        "bootstrap_servers": kafka_server.sasl_ssl_bootstrap if tls else kafka_server.sasl_bootstrap,
        "security_protocol": protocol,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": kafka_server.username,
        "sasl_plain_password": kafka_server.password,
    }
    if tls:
        settings["ssl_cafile"] = str(kafka_server.ca_file)
    _produce(kafka_topic, b"guarded", **settings)
    assert _consume(kafka_topic, 1, **settings) == [b"guarded"]


def test_kafka_clients_of_the_proxied_listener_stay_behind_the_proxy(kafka_server: KafkaServer) -> None:
    _create(kafka_server, "proxied")
    with kafka_server.proxy() as proxy:
        producer = KafkaProducer(bootstrap_servers=kafka_server.proxied_bootstrap)
        producer.send("proxied", b"before").get(timeout=20)
        proxy.cut()
        waiting = producer.send("proxied", b"after")
        proxy.mend()
        waiting.get(timeout=20)
        producer.close()
    assert _consume("proxied", 2, bootstrap_servers=kafka_server.bootstrap) == [b"before", b"after"]


def test_kafka_keeps_its_records_when_killed_and_restarted_and_obeys_extra_properties() -> None:
    with KafkaServer({"message.max.bytes": 10_000}) as server:
        _create(server, "kept")
        _produce("kept", b"before", bootstrap_servers=server.bootstrap)
        with pytest.raises(MessageSizeTooLargeError):
            _produce("kept", b"x" * 20_000, bootstrap_servers=server.bootstrap)
        server.kill()
        assert not server.running
        server.start()
        _produce("kept", b"after", bootstrap_servers=server.bootstrap)
        server.restart()
        assert _consume("kept", 2, bootstrap_servers=server.bootstrap) == [b"before", b"after"]
    assert not server.folder.exists()


# --- Elasticsearch ---


def test_elasticsearch_finds_a_document_before_and_after_a_kill_and_a_restart() -> None:
    with ElasticServer() as server, Elasticsearch(server.url, retry_on_timeout=True, max_retries=5) as client:
        client.index(index="articles", id="1", document={"title": "The Act enters into force"}, refresh=True)

        def found() -> list[str]:
            answer = client.search(index="articles", query={"match": {"title": "force"}})
            return [hit["_id"] for hit in answer["hits"]["hits"]]

        assert found() == ["1"]
        server.kill()
        server.start()
        assert found() == ["1"]
        server.restart()
        assert found() == ["1"]


def test_a_proxy_before_elasticsearch_refuses_and_loses_replies_as_armed(elastic_server: ElasticServer) -> None:
    with (
        FaultyProxy(elastic_server.port) as proxy,
        Elasticsearch(proxy.url, max_retries=0) as client,
        Elasticsearch(elastic_server.url) as direct,
    ):
        client.cluster.health()
        proxy.answer_next(1, 429, when=lambda head: b"/proxied/_doc/" in head)
        client.cluster.health()
        with pytest.raises(ApiError) as refused:
            client.index(index="proxied", id="refused", document={})
        assert refused.value.status_code == 429
        proxy.drop_replies(when=lambda head: b"/proxied/_doc/" in head)
        with pytest.raises(Exception, match=r"[Cc]onnection"):
            client.index(index="proxied", id="lost", document={})
        client.index(index="proxied", id="taken", document={})
        assert [direct.exists(index="proxied", id=name).body for name in ("refused", "lost", "taken")] == [
            False,
            True,
            True,
        ]
        assert proxy.struck == 2


# --- PostgreSQL ---


def test_postgres_gives_each_test_an_empty_database(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    assert first != second
    with psycopg.connect(_dsn(first)) as connection:
        connection.execute("CREATE TABLE t (n int)")
    with psycopg.connect(_dsn(second)) as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_postgres_keeps_committed_rows_when_killed_and_restarted() -> None:
    with PostgresServer() as server:
        dsn = _dsn(server.create_database())
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE t (n int)")
            connection.execute("INSERT INTO t VALUES (7)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
        for bring_back in (server.start, server.restart):
            bring_back()
            with psycopg.connect(dsn) as connection:
                assert connection.execute("SELECT n FROM t").fetchall() == [(7,)]


def _dsn(url: str) -> str:
    return url.replace("+psycopg", "", 1)


# --- mail, webhooks, browser ---


def test_the_mail_server_keeps_mails_and_refuses_when_told(smtp_server: SmtpServer) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Zeng Yi: in favour", "a@example.org", "b@example.org"
    mail.set_content("One sentence – with a dash.")
    smtp_server.refuse("451 try later")
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            client.send_message(mail)
        client.send_message(mail)
    (received,) = smtp_server.wait_for(1)
    assert received.recipients == ["b@example.org"]
    assert received.message["Subject"] == "Zeng Yi: in favour"
    assert "with a dash" in received.message.get_content()


def test_the_webhook_keeps_requests_and_answers_as_told(webhook: HttpReceiver) -> None:
    def post() -> int:
        request = urllib.request.Request(webhook.url, b'{"a": 1}', {"X-Test": "yes"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)

    webhook.answer(Answer(429, headers={"Retry-After": "7"}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        post()
    refused.value.close()
    assert refused.value.headers["Retry-After"] == "7"
    assert post() == 200
    assert [(request.json(), request.headers["x-test"]) for request in webhook.wait_for(2)] == [({"a": 1}, "yes")] * 2


def test_a_stalled_proxy_holds_every_byte_until_mended(webhook: HttpReceiver) -> None:
    with FaultyProxy(webhook.port) as proxy:
        proxy.stall()
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with pytest.raises(TimeoutError):
                client.recv(1)
            proxy.mend()
            client.settimeout(5)
            assert client.recv(100).startswith(b"HTTP/1.0 200")


def test_the_browser_shows_what_a_script_writes_and_takes_a_picture(webhook: HttpReceiver, tmp_path: Path) -> None:
    page = Answer(200, b"<p id=p></p><script>p.textContent = 6 * 7</script>", {"Content-Type": "text/html"})
    webhook.answer(page)
    browser = Chromium({"news.test": "127.0.0.1"})
    assert '<p id="p">42</p>' in browser.dump_dom(f"http://news.test:{webhook.port}/")
    picture = browser.screenshot("data:text/html,<h1>Govwire</h1>", tmp_path / "page.png", height=400)
    assert picture.read_bytes().startswith(b"\x89PNG")


# --- what all of them share ---


def test_free_ports_are_never_given_twice() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200
    assert not listens(ports[0])


def test_a_server_dies_with_the_process_that_started_it() -> None:
    script = """from servers.postgres import PostgresServer
server = PostgresServer().start()
print(server.port, server.folder, flush=True)
input()"""
    tests = Path(servers.process.__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE, cwd=tests, text=True) as parent:
        assert parent.stdout is not None
        port, folder = parent.stdout.readline().split()
        try:
            assert listens(int(port))
            parent.kill()
            wait_until(lambda: not listens(int(port)), what="the server is gone")
        finally:
            # Nobody is left to remove it.
            shutil.rmtree(folder, ignore_errors=True)


def test_the_cache_is_filled_once_when_several_ask_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "CACHE", tmp_path / ".servers")
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "a.jar").write_text("whole")

    with ThreadPoolExecutor(8) as pool:
        folders = {*pool.map(lambda _: jars.cached("tool", "1.0", build), range(8))}
    assert len(built) == len(folders) == 1
    assert (folders.pop() / "a.jar").read_text() == "whole"


def test_the_cache_holds_nothing_of_a_build_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "CACHE", tmp_path)

    def build(folder: Path) -> None:
        (folder / "half.jar").touch()
        raise jars.FetchError("the connection broke")

    with pytest.raises(jars.FetchError):
        jars.cached("tool", "1.0", build)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_missing_program_is_named_with_its_debian_package() -> None:
    with pytest.raises(MissingProgramError, match="no-such-program is not installed; on Debian: apt-get install pkg"):
        Program(("no-such-program",), "pkg", "/usr/lib/postgresql/*/bin").require()
