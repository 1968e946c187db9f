"""The demo from end to end, as a new user runs it: once on one machine, once on Kafka and Elasticsearch."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from govwire.core.index.elastic import Server
from govwire.core.settings import IndexSettings
from kibana_panels import PREFIX, answer_of, panels, question_of, view_of

if TYPE_CHECKING:
    from email.message import EmailMessage

    from servers.elastic import ElasticServer
    from servers.http_receiver import HttpReceiver
    from servers.kafka import KafkaServer
    from servers.smtp import SmtpServer

GOVWIRE = [sys.executable, "-c", "from govwire.cli import main; main()"]
QUERY = "topic:regulation_law stance.binding_regulation:favor"
DELIVER_FAULTS = ["deliver.taken", "deliver.sent", "deliver.marked"]


@dataclass(frozen=True)
class House:
    """A data_dir and the settings of its processes."""

    folder: Path
    environment: Mapping[str, str]

    def govwire(self, *words: str, **more: str) -> str:
        """Run a command; returns what it printed."""
        settings = {"GOVWIRE_DATA_DIR": str(self.folder), "GOVWIRE_METRICS__ADDRESS": "127.0.0.1:0"}
        environment = os.environ | settings | self.environment | more
        done = subprocess.run(
            [*GOVWIRE, *words], env=environment, capture_output=True, text=True, check=False, timeout=200
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """Run a command with --json; returns its rows."""
        return [json.loads(line) for line in self.govwire(*words, "--json").splitlines()]

    def run_demo(self, **more: str) -> dict[str, Any]:
        """`run --demo --once`; returns its summary."""
        return json.loads(self.govwire("run", "--demo", "--once", "--json", **more).splitlines()[-1])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("demo"), {})


@pytest.fixture(scope="module")
def summary(embedded: House) -> dict[str, Any]:
    return embedded.run_demo()


@pytest.fixture(scope="module")
def on_servers(
    kafka_server: "KafkaServer", elastic_server: "ElasticServer", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    environment = {
        "GOVWIRE_BUS__URL": f"kafka://{kafka_server.bootstrap}",
        "GOVWIRE_BUS__PREFIX": f"demo-{uuid4().hex[:8]}",
        "GOVWIRE_INDEX__URL": elastic_server.url,
        "GOVWIRE_INDEX__PREFIX": f"demo-{uuid4().hex[:8]}",
    }
    return House(tmp_path_factory.mktemp("servers"), environment)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def summary_on_servers(on_servers: House) -> dict[str, Any]:
    return on_servers.run_demo()


def test_the_summary_tells_what_became_of_everything(summary: dict[str, Any]) -> None:
    ended = summary["indexed"] + sum(summary["dropped"].values()) + sum(summary["dead"].values())
    assert summary["known"] == ended + sum(summary["waiting"].values()) + summary["in_flight"]
    assert summary["in_flight"] == 0
    assert summary["dead"] == {}
    assert summary["crawled"] >= summary["extracted"] >= summary["relevant"] == summary["indexed"] >= 35
    assert {"empty", "irrelevant", "not_found", "robots"} <= set(summary["dropped"])
    assert sum(summary["waiting"].values()) == 1


@pytest.mark.usefixtures("summary")
def test_a_search_finds_articles_with_labels_and_evidence_offsets(embedded: House) -> None:
    found = embedded.rows("search", QUERY)
    assert found
    for article in found:
        assert "regulation_law" in article["topic_ids"]
        (stance,) = [each for each in article["stance"] if each["target"] == "binding_regulation"]
        assert stance["label"] == "favor"
        evidence = stance["evidence"]
        assert article["text"][evidence["start"] : evidence["end"]] == evidence["text"]
        for claim in article["claims"]:
            shown = claim["evidence"]
            assert article["text"][shown["start"] : shown["end"]] == shown["text"]


@pytest.mark.usefixtures("summary")
def test_syndicated_copies_are_one_story_and_a_revision_waits_for_the_second_reading(embedded: House) -> None:
    articles = embedded.rows("search", "", "--limit", "1000")
    stories = [article["story_id"] for article in articles]
    assert len(set(stories)) < len(stories)
    assert {article["revision"] for article in articles} == {1}


@pytest.mark.usefixtures("summary")
def test_why_answers_for_every_address_that_a_search_shows(embedded: House) -> None:
    (article,) = embedded.rows("search", "", "--limit", "1")
    told = embedded.govwire("why", article["url"])
    assert "extracted: revision 1" in told
    assert "indexed" in told


def _labelled(house: House) -> dict[str, Any]:
    kept = ("article_id", "url", "revision", "title", "text", "language", "topics", "stance", "claims", "topic_ids")
    return {
        article["article_id"]: {name: article[name] for name in kept} | {"score": article["relevance_score"]}
        for article in house.rows("search", "", "--limit", "1000")
    }


def test_both_modes_give_the_same_ids_revisions_and_labels(
    embedded: House, summary: dict[str, Any], on_servers: House, summary_on_servers: dict[str, Any]
) -> None:
    assert summary_on_servers == summary
    assert _labelled(on_servers) == _labelled(embedded)


@pytest.mark.usefixtures("summary_on_servers")
def test_every_panel_of_the_dashboard_has_an_answer_after_the_demo(on_servers: House) -> None:
    url, prefix = on_servers.environment["GOVWIRE_INDEX__URL"], on_servers.environment["GOVWIRE_INDEX__PREFIX"]
    server = Server(IndexSettings(url=url, prefix=prefix))
    answers = {
        panel["id"]: answer_of(
            server.request("POST", f"/{view_of(panel).replace(PREFIX, prefix, 1)}/_search", question_of(panel)), panel
        )
        for panel in panels()
    }
    server.close()
    assert len(answers) == 4
    assert all(answers.values()), answers


@pytest.mark.parametrize("fault", DELIVER_FAULTS)
def test_a_subscriber_hears_of_each_story_once_by_id_whatever_dies(
    tmp_path: Path, webhook: "HttpReceiver", smtp_server: "SmtpServer", fault: str
) -> None:
    house = House(tmp_path, {})
    mail = f"mailto://{smtp_server.host}:{smtp_server.port}/reader@example.org?from=desk@example.org"
    house.govwire("subscriptions", "add", "hook", QUERY, webhook.url.replace("http://", "json://"))
    house.govwire("subscriptions", "add", "mail", QUERY, mail)
    house.run_demo(GOVWIRE_FAULT=fault)
    # What the sites date further back than an alert may be comes in as history.
    found = house.rows("search", "--limit", "1000", QUERY)
    assert {article["lane"] for article in found} == {"live", "backfill"}
    stories = {article["story_id"] for article in found if article["lane"] == "live"}
    log = house.rows("alerts", "log")
    assert {row["status"] for row in log} == {"sent"}
    for name, heard in (
        ("hook", [request.json()["message_id"] for request in webhook.requests]),
        ("mail", [_id_in(mail.message) for mail in smtp_server.mails]),
    ):
        owed = {row["message_id"] for row in log if row["subscription"] == name}
        assert len(owed) == len(stories)
        assert set(heard) == owed


def _id_in(mail: "EmailMessage") -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).rpartition("Message ")[2].split()[0]
