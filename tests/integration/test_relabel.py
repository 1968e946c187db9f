"""Old articles get new labels: read from the index, sent through classify and index again, and no alert is fired."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from commands import govwire
from govwire.core import urls
from govwire.core.bus import Bus, Message
from govwire.core.errors import BrokerError
from govwire.core.flow import ARTICLES
from govwire.core.index.documents import documents_of
from govwire.core.query import parse
from govwire.core.records import Article, Lane, Page
from govwire.core.share import shared
from govwire.core.state import epochs
from house import House, story_page, story_url
from processors.relabel import Counts, Report, relabel
from servers.elastic import ElasticServer
from servers.kafka import KafkaServer
from servers.process import wait_until
from tagged_samples import NOW, tagged

WEATHER = "https://wire.example/weather"
QUOTE = "We need binding regulation of artificial intelligence before the next model"


@pytest.fixture(params=["embedded", "servers"])
def services(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of bus and index: the embedded ones, or Kafka and Elasticsearch."""
    if request.param == "embedded":
        return {}
    kafka: KafkaServer = request.getfixturevalue("kafka_server")
    elastic: ElasticServer = request.getfixturevalue("elastic_server")
    return {
        "GOVWIRE_BUS__URL": f"kafka://{kafka.bootstrap}",
        "GOVWIRE_BUS__PREFIX": f"relabel-{uuid4().hex[:8]}",
        "GOVWIRE_INDEX__URL": elastic.url,
        "GOVWIRE_INDEX__PREFIX": f"relabel-{uuid4().hex[:8]}",
    }


def config(folder: Path, **terms: str) -> str:
    """A config folder whose English terms have one more in these lists."""
    shutil.copytree(shared("config"), folder)
    path = folder / "terms" / "en.toml"
    text = path.read_text()
    for name, term in terms.items():
        assert text.count(f"\n{name} = [") == 1
        text = text.replace(f"\n{name} = [", f'\n{name} = ["{term}", ')
    path.write_text(text)
    return str(folder)


def weather_page() -> Page:
    """Of AI only for who takes a weather machine for one."""
    url_id = urls.url_id(WEATHER)
    at = datetime.now(UTC)
    days = "".join(f"<p>On day {day} the weather machine promised rain, and a bill came.</p>" for day in range(9))
    body = f"<html lang='en'><head><title>A weather machine</title></head><body><article>{days}</article></body></html>"
    changes = {
        "url": WEATHER,
        "final_url": WEATHER,
        "url_id": url_id,
        "fetched_at": at,
        "fetch_id": urls.fetch_id(url_id, at),
        "body_zstd": Page.pack(body.encode()),
        "body_bytes": len(body),
    }
    return story_page(0).model_copy(update=changes)


class Office:
    """A house under a config folder, and the commands of who works there."""

    def __init__(self, folder: Path, services: Mapping[str, str], config_folder: str) -> None:
        environment = {**services, "GOVWIRE_CONFIG": config_folder}
        self.house = House(folder, environment)
        self._environment = {**environment, "GOVWIRE_DATA_DIR": str(folder), "GOVWIRE_CLASSIFY__ENGINE": "keyword"}

    def govwire(self, *words: object) -> str:
        done = govwire(*words, **self._environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, *words: object) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.govwire(*words).splitlines()]

    def epoch(self) -> int:
        with self.house.state.begin() as transaction:
            newest = epochs.newest(transaction)
        return newest["epoch"] if newest else 0

    def bodies(self) -> dict[str, Mapping[str, Any]]:
        return {body["url"]: body for body in self.house.found()}


def test_a_new_epoch_reaches_old_articles_and_what_people_corrected_stays(
    tmp_path: Path, services: dict[str, str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    office = Office(data, services, config(tmp_path / "first", ai="weather machine"))
    office.house.publish([weather_page(), *(story_page(number) for number in range(3))])
    office.house.run_to_the_end()
    before = office.bodies()
    assert sorted(before) == sorted([WEATHER, *(story_url(number) for number in range(3))])
    office.govwire("subscriptions", "add", "all", "", "json://127.0.0.1:9/")
    office.govwire("correct", story_url(1), "--by", "Ana", "--claim-label", "1=neutral")
    office.house.close()

    office = Office(data, services, config(tmp_path / "second", military="lawmakers"))
    with office.house.running():
        wait_until(lambda: office.epoch() == 2, seconds=60, what="the second epoch")
        [report] = office.rows("relabel", "--json", "weather OR lawmakers")
        assert {name: report[name] for name in ("epoch", "read", "sent", "skipped")} == {
            "epoch": 2,
            "read": 4,
            "sent": 4,
            "skipped": 0,
        }
        office.house.wait_for_drain()
        after = office.bodies()
        assert office.house.outcomes() == {("indexed", None): 3, ("dropped", "irrelevant"): 1}
        assert "skipped    3" in office.govwire("relabel")

    assert sorted(after) == [story_url(number) for number in range(3)]
    changed = {"epoch", "topics", "topic_ids", "topic_scores"}
    for url, body in after.items():
        assert (body["epoch"], body["lane"]) == (2, "live")
        assert "military" in body["topic_ids"]
        assert {name for name in body if body[name] != before[url][name]} - {"claims"} <= changed
    assert office.rows("alerts", "log", "--json") == []
    claim = after[story_url(1)]["claims"][0]
    assert (claim["label"], claim["by"], claim["evidence"]["text"].strip("“”,")) == ("neutral", "person", QUOTE)
    assert [each["claims"][0]["by"] for url, each in after.items() if url != story_url(1)] == ["classifier"] * 2
    [hit] = office.rows("search", "--json", "claim:(holder:Ruiz1 target:binding_regulation stance:neutral)")
    assert (hit["url"], hit["epoch"], hit["model"]) == (story_url(1), 2, "keyword-2")
    [flat] = office.rows("export", "--claims", "claim:(holder:Ruiz1 stance:neutral)")
    assert (flat["by"], flat["epoch"], flat["model"]) == ("person", 2, "keyword-2")
    _assert_a_second_person_makes_it_an_evaluation_row(office, tmp_path)
    office.house.close()


def _assert_a_second_person_makes_it_an_evaluation_row(office: Office, folder: Path) -> None:
    assert office.govwire("corrections", "export") == ""
    [made] = office.rows("corrections", "list", "--json")
    number = str(made["correction_id"])
    [confirmed] = office.rows("corrections", "confirm", number, "--by", "Bo", "--json")
    assert (confirmed["status"], confirmed["made_by"], confirmed["confirmed_by"]) == ("confirmed", "Ana", "Bo")
    assert f"correction {number} (confirmed)" in office.govwire("why", story_url(1))
    (folder / "gold.jsonl").write_text(office.govwire("corrections", "export"))
    assert "claim_F1" in office.govwire("evaluate", folder / "gold.jsonl")
    office.govwire("corrections", "withdraw", number, "--by", "Ana")
    assert office.govwire("corrections", "export") == ""
    [hit] = office.rows("search", "--json", "claim:(holder:Ruiz1 target:binding_regulation stance:favor)")
    assert hit["claims"][0]["by"] == "classifier"


# --- page by page, on the embedded bus and index ---


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """With 250 articles of the first epoch and 2 of the second, which is the newest."""
    made = House(tmp_path)
    with made.state.begin() as transaction:
        for digest in ("first", "second"):
            epochs.begin(transaction, digest=digest, model=digest, at=NOW)
    samples = [tagged(f"a{number:03d}", epoch=1 if number < 250 else 2) for number in range(252)]
    assert made.index.put("articles", [documents_of(sample).article for sample in samples]) == []
    yield made
    made.close()


def send(house: House, query: str = "", bus: Bus | None = None) -> Report:
    report = relabel(house.index, bus or house.bus, house.state, "govwire", parse(query, NOW), asked=query)
    assert report is not None
    return report


def sent(house: House) -> list[Article]:
    kafka_topic = ARTICLES.kafka_topic("govwire", Lane.BACKFILL)
    return [Article.from_json(delivery.message.value) for delivery in house.bus.scan(kafka_topic)]


class Wire:
    """The bus, whose wire has a limit, or breaks after some publications."""

    def __init__(self, bus: Bus, *, publications: int = 10**6, limit_bytes: int = 10**6) -> None:
        self._bus, self._publications, self._limit_bytes = bus, publications, limit_bytes

    def wire_limit(self, kafka_topic: str) -> int:
        return self._limit_bytes

    def publish(self, kafka_topic: str, messages: Sequence[Message]) -> None:
        if not self._publications:
            raise BrokerError("broker away")
        self._publications -= 1
        self._bus.publish(kafka_topic, messages)


def test_articles_of_older_epochs_are_sent_whole_and_the_others_skipped(house: House) -> None:
    report = send(house)
    assert (report.epoch, report.counts) == (2, Counts(read=252, sent=250, skipped=2))
    articles = {each.article_id: each for each in sent(house)}
    assert sorted(articles) == [f"a{number:03d}" for number in range(250)]
    original = tagged("a007").article
    known_to_the_state = {"fetch_id", "requested_url", "text_hash"}
    again = articles["a007"]
    changes = {name for name in Article.model_fields if getattr(again, name) != getattr(original, name)}
    assert changes <= {"lane", "came_by"} | known_to_the_state
    assert (again.lane, again.came_by) == (Lane.BACKFILL, Lane.LIVE)


def test_only_what_the_query_finds_is_read(house: House) -> None:
    house.index.put("articles", [documents_of(tagged("m", "Moratorium")).article])
    assert send(house, "title:moratorium").counts == Counts(read=1, sent=1)


def test_a_relabelling_that_was_cut_short_goes_on_where_it_stopped(house: House) -> None:
    with pytest.raises(BrokerError):
        send(house, bus=Wire(house.bus, publications=1))  # type: ignore[arg-type]
    assert len(sent(house)) == 200
    report = send(house)
    assert (report.resumed_behind, report.counts) == (200, Counts(read=252, sent=250, skipped=2))
    assert len({each.article_id for each in sent(house)}) == len(sent(house)) == 250
    assert send(house).resumed_behind == 0


def test_what_the_wire_does_not_take_is_counted_and_keeps_its_labels(house: House) -> None:
    house.index.put("articles", [documents_of(tagged("long", text="word " * 4000)).article])
    report = send(house, bus=Wire(house.bus, limit_bytes=10_000))  # type: ignore[arg-type]
    assert report.counts == Counts(read=253, sent=250, skipped=2, too_large=1)
    assert "too large  1" in str(report)


def test_where_nothing_was_labelled_there_is_nothing_to_relabel(tmp_path: Path) -> None:
    done = govwire("--data-dir", tmp_path, "relabel", GOVWIRE_CLASSIFY__ENGINE="keyword")
    assert (done.returncode, done.stdout) == (0, "nothing has been labelled yet: 'govwire run' labels what it crawls\n")
    done = govwire("--data-dir", tmp_path, "relabel", "--json", GOVWIRE_CLASSIFY__ENGINE="keyword")
    assert json.loads(done.stdout) == {"epoch": None, "read": 0, "sent": 0, "skipped": 0, "too_large": 0}


def test_a_configuration_whose_epoch_has_not_begun_is_told(house: House) -> None:
    done = govwire("--data-dir", house.folder, "relabel", GOVWIRE_CLASSIFY__ENGINE="keyword")
    assert done.returncode == 0
    assert "not that of epoch 2" in done.stderr
