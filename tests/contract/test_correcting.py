"""Corrections in the index, the same cases on every backend: what a person says is found at once, and stays."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from govwire.core import urls
from govwire.core.errors import ConfigError
from govwire.core.index import Index
from govwire.core.index.documents import Documents
from govwire.core.query import parse
from govwire.core.records import Claim, Tagged
from govwire.core.state import State, corrections, identity, open_state
from govwire.core.state.corrections import ClaimChange, RelevanceChange, StanceChange, TopicChange
from govwire.core.state.identity import Observation
from index_backends import BACKENDS, all_pages, empty_index, new_settings
from processors.correcting import Desk, Wish, claim_numbered
from processors.stages.index import IndexStage
from samples import article, evidence, labels

INDUSTRY_QUOTE = "called the plan premature"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as opened:
        yield opened


@pytest.fixture(params=BACKENDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    with empty_index(new_settings(request, tmp_path)) as opened:
        yield opened


@pytest.fixture
def stage(index: Index, state: State) -> IndexStage:
    return IndexStage(index, state)


@pytest.fixture
def desk(stage: IndexStage, index: Index, state: State) -> Desk:
    """Over an index with one article, as the stages leave it."""
    write(stage, tagged())
    observed = article()
    with state.begin() as transaction:
        url_id = urls.url_id(urls.normalise(observed.requested_url))
        identity.assign_articles(transaction, {url_id: observed.article_id})
        identity.observe(
            transaction,
            Observation(
                observed.article_id,
                observed.url_id,
                observed.fetch_id,
                observed.fetched_at,
                observed.text_hash,
                observed.extractor,
            ),
        )
    return Desk(index, state)


def tagged(*, epoch: int = 1, revision: int = 1, text: str | None = None, **changes: Any) -> Tagged:
    of = article(revision=revision, text_hash=f"h{revision}")
    if text is not None:
        of = of.model_copy(update={"text": text})
    return Tagged(article=of, labels=labels(epoch=epoch, model=f"test-{epoch}", **changes))


ARTICLE_ID = tagged().article.article_id


def write(stage: IndexStage, *records: Tagged) -> None:
    for draft in stage.work(records):
        assert isinstance(draft, Documents), draft
    stage._index.refresh()


def correct(desk: Desk, change: Any, words: str | None = None, by: str = "Ana") -> int:
    return desk.correct(ARTICLE_ID, Wish(change, words, by)).correction_id


def relabelled(desk: Desk, number: int, **changes: Any) -> ClaimChange:
    was = claim_numbered(desk.read(ARTICLE_ID).labels, number)
    return ClaimChange(was=was, now=was.model_copy(update=changes))


def found(index: Index, *queries: str) -> list[bool]:
    return [bool(all_pages(index, query)) for query in queries]


def version(index: Index) -> int:
    hit = index.get("articles", ARTICLE_ID)
    assert hit is not None
    return hit.version


def claims(index: Index) -> list[tuple[str, str, str]]:
    hits = index.search(parse("", datetime.now(UTC)), kind="claims").hits
    return sorted((hit.body["holder"], hit.body["label"], hit.body["by"]) for hit in hits)


def status(desk: Desk) -> list[str]:
    return [str(each.status) for each in desk.listed()]


# --- made ---


def test_a_corrected_stance_is_found_at_once_and_the_wrong_one_no_more(desk: Desk, index: Index) -> None:
    before = version(index)
    correct(desk, StanceChange(target="binding_regulation", label="against"))
    assert found(index, "stance.binding_regulation:against", "stance.binding_regulation:favor") == [True, False]
    assert version(index) == before + 1
    hit = index.get("articles", ARTICLE_ID)
    assert hit is not None
    assert [(each["target"], each["by"]) for each in hit.body["stance"]] == [
        ("stronger_governance", "classifier"),
        ("binding_regulation", "person"),
    ]


def test_a_corrected_claim_is_found_in_the_article_and_among_the_claims(desk: Desk, index: Index) -> None:
    correct(desk, relabelled(desk, 1, label="neutral"))
    correct(desk, relabelled(desk, 2, holder="Trade bodies"))
    assert claims(index) == [("Ana Ruiz", "neutral", "person"), ("Trade bodies", "against", "person")]
    queries = ("neutral", "favor")
    assert found(index, *(f"claim:(holder:Ruiz stance:{label})" for label in queries)) == [True, False]


def test_an_added_claim_and_a_removed_one(desk: Desk, index: Index) -> None:
    wanted = Claim(
        holder="Geneva", target="open_models", label="favor", score=1.0, evidence=evidence("Ministers met in Geneva")
    )
    correct(desk, ClaimChange(was=claim_numbered(desk.read(ARTICLE_ID).labels, 1)))
    correct(desk, ClaimChange(now=wanted), "Ministers\nmet in  Geneva")
    assert claims(index) == [("Geneva", "favor", "person")]
    assert found(index, "claim:(holder:Geneva target:open_models)", "claim:(holder:Ruiz)") == [True, False]


def test_corrected_topics_are_found(desk: Desk, index: Index) -> None:
    correct(desk, TopicChange(topic="military", is_about=True))
    correct(desk, TopicChange(topic="regulation_law", is_about=False))
    assert found(index, "topic:military", "topic:regulation_law") == [True, False]


@pytest.mark.parametrize("name", [ARTICLE_ID, article().requested_url, "HTTPS://wire.example/a?id=1#top"])
def test_an_article_is_named_by_its_id_or_any_spelling_of_its_url(desk: Desk, name: str) -> None:
    assert desk.read(name).article.title == article().title


@pytest.mark.parametrize("name", ["f" * 32, "https://nowhere.example/", "no such thing"])
def test_an_article_that_is_not_in_the_index_is_named(desk: Desk, name: str) -> None:
    with pytest.raises(ConfigError, match="not in the index"):
        desk.correct(name, Wish(TopicChange(topic="military", is_about=True), None, "Ana"))
    assert desk.listed() == []


def test_evidence_that_the_text_does_not_have_is_refused(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="not in the article's text"):
        correct(desk, StanceChange(target="open_models", label="favor"), "never said")
    assert desk.listed() == []


@pytest.mark.parametrize(
    "change", [StanceChange(target="open_models", label=None), TopicChange(topic="military", is_about=False)], ids=str
)
def test_a_label_that_is_not_there_cannot_be_removed(desk: Desk, change: Any) -> None:
    with pytest.raises(ConfigError, match="the article has none"):
        correct(desk, change)


def test_a_correction_that_is_withdrawn_gives_the_classifiers_label_back(desk: Desk, index: Index) -> None:
    number = correct(desk, StanceChange(target="binding_regulation", label="against"))
    correct(desk, StanceChange(target="stronger_governance", label="neutral"))
    before = version(index)
    desk.withdraw(number, "Bo")
    assert found(index, "stance.binding_regulation:favor", "stance:neutral") == [True, True]
    assert version(index) == before + 1
    assert status(desk) == ["withdrawn", "made"]


# --- kept ---


def test_a_correction_outlives_a_new_epoch_and_what_it_says_elsewhere_is_taken(
    desk: Desk, index: Index, stage: IndexStage
) -> None:
    correct(desk, relabelled(desk, 1, label="against"))
    write(stage, tagged(epoch=2, stance=()))
    assert claims(index) == [("Ana Ruiz", "against", "person")]
    assert found(index, "stance.binding_regulation:favor") == [False]
    hit = index.get("articles", ARTICLE_ID)
    assert hit is not None
    assert (hit.version, hit.body["epoch"], hit.body["model"]) == (1_000_002_001, 2, "test-2")
    [flat] = index.search(parse("", datetime.now(UTC)), kind="claims").hits
    assert (flat.body["epoch"], flat.body["model"]) == (2, "test-2")


def test_a_redelivered_record_takes_no_correction_back(desk: Desk, index: Index, stage: IndexStage) -> None:
    correct(desk, relabelled(desk, 1, label="against"))
    before = index.get("articles", ARTICLE_ID)
    write(stage, tagged())
    assert index.get("articles", ARTICLE_ID) == before
    assert claims(index) == [("Ana Ruiz", "against", "person")]


def test_a_correction_is_stale_while_its_evidence_is_gone_and_counts_again_when_it_is_back(
    desk: Desk, index: Index, stage: IndexStage
) -> None:
    correct(desk, relabelled(desk, 1, label="against"))
    gone = article().text.replace("binding rules", "no rules")
    write(stage, tagged(revision=2, text=gone, claims=()))
    assert (claims(index), status(desk)) == ([], ["stale"])
    write(stage, tagged(revision=3, text="Corrected. " + article().text, claims=()))
    assert (claims(index), status(desk)) == ([("Ana Ruiz", "against", "person")], ["made"])


def test_a_late_record_of_an_older_revision_makes_nothing_stale(desk: Desk, stage: IndexStage) -> None:
    write(stage, tagged(revision=3, text="Corrected. " + article().text))
    correct(desk, StanceChange(target="open_models", label="favor"), "Corrected.")
    write(stage, tagged(revision=2, text="Another text."))
    assert status(desk) == ["made"]


def test_an_article_that_becomes_irrelevant_leaves_and_comes_back_corrected(
    desk: Desk, index: Index, stage: IndexStage
) -> None:
    correct(desk, StanceChange(target="stronger_governance", label="neutral"))
    write(stage, tagged(epoch=2, relevant=False, topics=(), stance=(), claims=()))
    assert index.get("articles", ARTICLE_ID) is None
    assert claims(index) == []
    write(stage, tagged(epoch=3))
    assert found(index, "stance:neutral", "stance:favor") == [True, False]


def test_what_is_there_only_because_a_person_called_it_relevant_leaves_when_that_is_withdrawn(
    desk: Desk, index: Index, stage: IndexStage, state: State
) -> None:
    brought_back = tagged(epoch=2, relevance_by="person")
    making = corrections.Making(ARTICLE_ID, brought_back.article.url, 1, 1, RelevanceChange(), None, "h1", None, "Ana")
    with state.begin() as transaction:
        number = corrections.make(transaction, making, datetime.now(UTC))
    write(stage, brought_back)
    correct(desk, StanceChange(target="binding_regulation", label="against"))
    assert found(index, "stance.binding_regulation:against") == [True]
    desk.withdraw(number, "Bo")
    assert (found(index, ""), claims(index)) == ([False], [])
    # Also where classify's record comes once more, or only now.
    write(stage, brought_back)
    assert (found(index, ""), claims(index)) == ([False], [])


def test_an_irrelevant_verdict_on_an_older_revision_takes_no_newer_one_out(
    desk: Desk, index: Index, stage: IndexStage
) -> None:
    write(stage, tagged(revision=2))
    write(stage, tagged(epoch=2, relevant=False, topics=(), stance=(), claims=()))
    assert version(index) == 2_000_001_000


class Meanwhile(IndexStage):
    """An index stage beside which somebody corrects, just when it has read the corrections that there are."""

    def __init__(self, index: Index, state: State, makings: Sequence[Any]) -> None:
        super().__init__(index, state)
        self._makings = list(makings)

    def _put(self, made: Any) -> Any:
        while self._makings:
            with self._state.begin() as transaction:
                corrections.make(transaction, self._makings.pop(), datetime.now(UTC))
        return super()._put(made)


def test_a_correction_made_while_a_newer_epoch_is_written_is_in_it(desk: Desk, index: Index, state: State) -> None:
    number = correct(desk, StanceChange(target="stronger_governance", label="neutral"))
    first = desk.find(number)
    making = corrections.Making(
        **{name: getattr(first, name) for name in corrections.Making.__dataclass_fields__}
        | {"change": StanceChange(target="open_models", label="favor")}
    )
    write(Meanwhile(index, state, [making]), tagged(epoch=2))
    assert found(index, "stance:neutral", "stance.open_models:favor") == [True, True]
    assert version(index) == 1_000_002_002


# --- exported ---


def test_only_what_a_second_person_confirmed_is_exported_and_only_while_it_stands(
    desk: Desk, stage: IndexStage
) -> None:
    confirmed = correct(desk, relabelled(desk, 1, label="against"))
    correct(desk, TopicChange(topic="military", is_about=True))
    assert list(desk.evaluation_rows()) == []
    desk.confirm(confirmed, "Bo")
    [row] = desk.evaluation_rows()
    assert (row["id"], row["text"], row["topics"]) == (ARTICLE_ID, article().text, ["regulation_law"])
    assert row["claims"] == [
        {
            "holder": "Ana Ruiz",
            "target": "binding_regulation",
            "label": "against",
            "evidence": "We need binding rules for frontier systems",
            "by": "person",
        }
    ]
    assert [(each["id"], each["by"], each["confirmed_by"]) for each in row["corrections"]] == [(confirmed, "Ana", "Bo")]
    write(stage, tagged(revision=2, text="Another text."))
    assert list(desk.evaluation_rows()) == []


def test_what_the_model_abstains_from_is_no_label_of_a_record(desk: Desk, stage: IndexStage) -> None:
    unsure = tuple(each.model_copy(update={"label": "unsure"}) for each in labels().stance[:1])
    write(stage, tagged(epoch=2, stance=unsure))
    desk.confirm(correct(desk, StanceChange(target="open_models", label="favor")), "Bo")
    [row] = desk.evaluation_rows()
    assert row["stance"] == {"open_models": "favor"}
