"""The classify stage on a real state and bus: epochs, what is sent on, what is dropped, what is redelivered."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from govwire.core import flow
from govwire.core.bus import open_bus
from govwire.core.envelope import wrap
from govwire.core.errors import ClassificationError, ServiceError
from govwire.core.metrics import Health
from govwire.core.records import Article, Lane, Tagged
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.state import State, irrelevant, ledger, open_state, tables
from govwire.core.state.ledger import Outcome
from govwire.core.vocabulary import load_vocabulary
from processors.stage import Loop
from processors.stages.classify import ClassifyStage
from samples import article

TEXT = (
    "Ministers met in Geneva on Thursday to discuss a treaty on artificial intelligence. “We need binding rules for "
    "frontier AI before it is too late,” said Ana Ruiz, who chairs the talks at the United Nations."
)
TREATY = article(title="Ministers call for an AI treaty", text=TEXT)
RAIN = article(
    article_id="b" * 32,
    url_id="v" * 32,
    fetch_id="v" * 32 + "-1",
    title="Rain ends the drought",
    text="It rained for three days in the valley. " * 30,
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as opened:
        yield opened


@pytest.fixture
def stage(state: State) -> Iterator[ClassifyStage]:
    opened = start(state)
    yield opened
    opened.close()


def start(state: State, engine: str = "onnx") -> ClassifyStage:
    return ClassifyStage(
        Settings.model_validate({"classify": {"engine": engine}}), load_vocabulary(shared("config")), state
    )


def pass_through(stage: ClassifyStage, state: State, *articles: Article) -> list[bytes]:
    """What the stage publishes for these articles."""
    drafts = stage.work(articles)
    with state.begin() as transaction:
        results = stage.settle(transaction, articles, drafts)  # type: ignore[arg-type]
    return [publication.message.value for result in results for publication in result.publications]


def numbers(state: State) -> list[int]:
    with state.begin() as transaction:
        return list(transaction.scalars(select(tables.epochs.c.epoch).order_by(tables.epochs.c.epoch)))


def test_a_relevant_article_is_sent_on_with_labels_and_the_same_again_when_redelivered(
    stage: ClassifyStage, state: State
) -> None:
    (first,) = pass_through(stage, state, TREATY)
    tagged = Tagged.from_json(first)
    assert tagged.article == TREATY
    assert (tagged.labels.relevant, tagged.labels.epoch) == (True, 1)
    assert tagged.labels.claims[0].holder == "Ana Ruiz"
    assert pass_through(stage, state, RAIN, TREATY) == [first]


def test_an_irrelevant_article_ends_here_and_is_kept_short(stage: ClassifyStage, state: State) -> None:
    assert pass_through(stage, state, RAIN) == []
    with state.begin() as transaction:
        row = irrelevant.find(transaction, RAIN.article_id)
    assert row is not None
    assert (row["title"], row["url"], row["relevance_by"]) == (RAIN.title, RAIN.url, "model")
    assert row["excerpt"] == RAIN.text[:500]


def test_an_article_that_is_sent_through_anew_goes_on_although_it_is_irrelevant_now(
    stage: ClassifyStage, state: State
) -> None:
    again = RAIN.model_copy(update={"lane": Lane.BACKFILL, "came_by": Lane.LIVE})
    drafts = stage.work([again])
    with state.begin() as transaction:
        (result,) = stage.settle(transaction, [again], drafts)  # type: ignore[arg-type]
    (publication,) = result.publications
    assert publication.lane is Lane.BACKFILL
    assert not Tagged.from_json(publication.message.value).labels.relevant
    with state.begin() as transaction:
        assert irrelevant.find(transaction, RAIN.article_id) is not None


def test_an_article_that_becomes_relevant_is_no_longer_kept_as_irrelevant(stage: ClassifyStage, state: State) -> None:
    pass_through(stage, state, RAIN)
    pass_through(stage, state, RAIN.model_copy(update={"revision": 2, "title": TREATY.title, "text": TEXT}))
    with state.begin() as transaction:
        assert irrelevant.find(transaction, RAIN.article_id) is None


def test_one_unreadable_article_is_one_error(stage: ClassifyStage) -> None:
    broken = TREATY.model_copy(update={"text": "half a pair: \ud800"})
    good, error = stage.work([TREATY, broken])
    assert isinstance(error, ClassificationError)
    assert not isinstance(good, ClassificationError)


def test_the_same_classifier_keeps_its_epoch_and_another_begins_a_new_one(state: State) -> None:
    for engine, expected in (("onnx", [1]), ("onnx", [1]), ("keyword", [1, 2]), ("onnx", [1, 2, 3])):
        start(state, engine).close()
        assert numbers(state) == expected


def test_a_classifier_stops_when_another_has_begun_a_newer_epoch(stage: ClassifyStage, state: State) -> None:
    newer = start(state, "keyword")
    with pytest.raises(ServiceError, match=r"keyword-2 since epoch 2.*restart"):
        pass_through(stage, state, TREATY)
    (value,) = pass_through(newer, state, TREATY)
    assert Tagged.from_json(value).labels.epoch == 2


def test_two_processes_with_the_same_config_share_an_epoch(stage: ClassifyStage, state: State) -> None:
    twin = start(state)
    assert pass_through(twin, state, TREATY) == pass_through(stage, state, TREATY)
    assert numbers(state) == [1]
    twin.close()


def test_the_stage_runs_in_the_loop_and_the_books_tell_its_outcomes(tmp_path: Path, state: State) -> None:
    settings = Settings(data_dir=tmp_path)
    bus = open_bus(settings)
    bus.setup()
    for one in (TREATY, RAIN):
        message = wrap("extract", one.article_id, one, lane=one.lane, url_id=one.url_id, fetch_id=one.fetch_id)
        bus.publish(flow.ARTICLES.kafka_topic("govwire", Lane.LIVE), [message])
    stop = threading.Event()
    loop = Loop(start(state), bus=bus, state=state, prefix="govwire", slot="t", stop=stop, health=Health())
    thread = threading.Thread(target=loop.run)
    thread.start()
    deadline = threading.Event()
    group, topics = flow.CLASSIFY.group("govwire"), [flow.ARTICLES.kafka_topic("govwire")]
    for _ in range(300):
        if bus.lag(group, topics) == 0:
            break
        deadline.wait(0.1)
    stop.set()
    thread.join()
    (tagged,) = bus.scan(flow.TAGGED.kafka_topic("govwire"))
    assert tagged.message.key == TREATY.article_id
    with state.begin() as transaction:
        outcomes = {one.url_id: ledger.steps_of(transaction, one.url_id)[-1] for one in (TREATY, RAIN)}
    assert outcomes[TREATY.url_id].outcome == Outcome.CLASSIFIED
    assert (outcomes[RAIN.url_id].outcome, outcomes[RAIN.url_id].reason) == (Outcome.DROPPED, "irrelevant")
    bus.close()
