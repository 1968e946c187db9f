"""What the state promises corrections and relabellings, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from govwire.core.errors import ConfigError
from govwire.core.state import State, corrections, open_state, relabellings
from govwire.core.state.corrections import (
    Change,
    ClaimChange,
    Making,
    RelevanceChange,
    StanceChange,
    Status,
    TopicChange,
)
from samples import evidence, labels
from state_databases import DATABASES, NOW, after, empty_database

QUOTE = evidence("We need binding rules for frontier systems")
RUIZ, INDUSTRY = labels().claims
STANCE = StanceChange(target="open_models", label="favor")


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def making(change: Change = STANCE, **changes: Any) -> Making:
    values = {
        "article_id": "a1",
        "url": "https://wire.example/a1",
        "revision": 1,
        "epoch": 2,
        "change": change,
        "evidence": QUOTE,
        "text_hash": "h",
        "note": "治理",
        "made_by": "Ana Field",
    }
    return Making(**(values | changes))


def make(state: State, *makings: Making) -> list[int]:
    with state.begin() as transaction:
        return [corrections.make(transaction, each, NOW) for each in makings]


@pytest.mark.parametrize(
    "change",
    [
        STANCE,
        StanceChange(target="open_models", label=None),
        TopicChange(topic="military", is_about=False),
        ClaimChange(was=RUIZ, now=RUIZ.model_copy(update={"holder": "A. Ruiz", "by": "person"})),
        ClaimChange(was=INDUSTRY),
        RelevanceChange(),
    ],
    ids=str,
)
@pytest.mark.parametrize("proof", [QUOTE, None], ids=["with evidence", "without"])
def test_a_correction_comes_back_as_it_was_made(state: State, change: Change, proof: Any) -> None:
    [number] = make(state, making(change, evidence=proof))
    with state.begin() as transaction:
        found = corrections.find(transaction, number)
    assert (found.change, found.evidence, found.note, found.made_at) == (change, proof, "治理", NOW)
    assert found.status is Status.MADE


def test_corrections_are_listed_in_the_order_in_which_they_were_made(state: State) -> None:
    numbers = make(state, making(), making(article_id="a2"), making())
    with state.begin() as transaction:
        assert [each.correction_id for each in corrections.listed(transaction)] == numbers
        assert [each.correction_id for each in corrections.listed(transaction, ["a2"])] == [numbers[1]]
        found = corrections.by_article(transaction, ["a1", "nobody"])
    assert {name: [each.correction_id for each in own] for name, own in found.items()} == {
        "a1": [numbers[0], numbers[2]]
    }


def test_a_second_person_confirms_and_the_first_may_not(state: State) -> None:
    [number] = make(state, making())
    with state.begin() as transaction:
        for name in ("Ana Field", " ana  FIELD "):
            with pytest.raises(ConfigError, match="made by Ana Field; somebody else has to confirm it"):
                corrections.confirm(transaction, number, name, after(1))
        confirmed = corrections.confirm(transaction, number, "Bo", after(1))
        assert (confirmed.status, confirmed.confirmed_by, confirmed.confirmed_at) == ("confirmed", "Bo", after(1))
        with pytest.raises(ConfigError, match="confirmed by Bo"):
            corrections.confirm(transaction, number, "Cy", after(2))


def test_what_is_withdrawn_or_stale_cannot_be_confirmed(state: State) -> None:
    withdrawn, stale = make(state, making(), making())
    with state.begin() as transaction:
        corrections.withdraw(transaction, withdrawn, "Ana Field", after(1))
        corrections.mark(transaction, corrections.listed(transaction), {stale}, after(1))
        for number, status in ((withdrawn, "withdrawn"), (stale, "stale")):
            with pytest.raises(ConfigError, match=f"{number}: {status}"):
                corrections.confirm(transaction, number, "Bo", after(2))
        with pytest.raises(ConfigError, match="withdrawn by Ana Field already"):
            corrections.withdraw(transaction, withdrawn, "Bo", after(2))


def test_a_number_that_is_not_there_is_named(state: State) -> None:
    with state.begin() as transaction, pytest.raises(ConfigError, match="correction 7: not there"):
        corrections.find(transaction, 7)


def test_those_made_and_those_withdrawn_are_counted_for_the_version(state: State) -> None:
    first, _, _ = make(state, making(), making(), making(article_id="a2"))
    with state.begin() as transaction:
        corrections.withdraw(transaction, first, "Bo", after(1))
        assert corrections.counts(transaction, ["a1", "a2", "a3"]) == {"a1": 3, "a2": 1}
        assert corrections.count_of(corrections.listed(transaction, ["a1"])) == 3


def test_no_article_takes_more_corrections_than_its_version_can_count(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "MOST_OF_ONE_ARTICLE", 2)
    make(state, making(), making(), making(article_id="a2"))
    with pytest.raises(ConfigError, match="2 corrections and no more"):
        make(state, making())


def test_staleness_comes_and_goes_and_keeps_when_it_began(state: State) -> None:
    numbers = make(state, making(), making())

    def mark(stale: set[int], seconds: float) -> list[Any]:
        with state.begin() as transaction:
            corrections.mark(transaction, corrections.listed(transaction), stale, after(seconds))
            return [each.stale_since for each in corrections.listed(transaction)]

    assert mark({numbers[0]}, 1) == [after(1), None]
    assert mark(set(numbers), 2) == [after(1), after(2)]
    assert mark(set(), 3) == [None, None]


def test_an_article_is_vouched_for_until_that_is_withdrawn(state: State) -> None:
    [number, _] = make(state, making(RelevanceChange()), making(article_id="a2"))
    with state.begin() as transaction:
        assert corrections.vouched(transaction, ["a1", "a2", "a3"]) == {"a1"}
        corrections.withdraw(transaction, number, "Bo", after(1))
        assert corrections.vouched(transaction, ["a1", "a2", "a3"]) == set()


def test_what_was_called_relevant_unread_goes_over_to_the_article_that_it_turns_out_to_be(state: State) -> None:
    unread = making(RelevanceChange(), revision=corrections.UNREAD)
    [moved, stays, other] = make(state, unread, making(), making(RelevanceChange(), article_id="a2", revision=0))
    with state.begin() as transaction:
        corrections.adopt(transaction, {"a1": "canonical", "nobody": "else"})
        corrections.adopt(transaction, {})
        of = {each.correction_id: each.article_id for each in corrections.listed(transaction)}
    assert of == {moved: "canonical", stays: "a1", other: "a2"}


def test_what_the_classifier_said_is_kept_and_only_moves_forward(state: State) -> None:
    def keep(revision: int, epoch: int) -> bool:
        with state.begin() as transaction:
            return corrections.keep_uncorrected(transaction, "a1", revision, labels(epoch=epoch))

    assert [keep(1, 2), keep(1, 2), keep(1, 1), keep(1, 3), keep(2, 1), keep(1, 9)] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    with state.begin() as transaction:
        assert corrections.uncorrected_of(transaction, "a1", 2, 1) == labels(epoch=1)
        assert corrections.uncorrected_of(transaction, "a1", 1, 3) is None
        assert corrections.uncorrected_of(transaction, "a2", 1, 1) is None


def test_a_relabelling_goes_on_where_it_was_cut_short_and_begins_anew_after_its_end(state: State) -> None:
    with state.begin() as transaction:
        first, cursor, counted = relabellings.begin(transaction, "everything", 2, NOW)
        assert (cursor, counted) == (None, {})
        relabellings.advance(transaction, first, "page 1", {"read": 200, "sent": 150})
        assert relabellings.begin(transaction, "everything", 2, NOW) == (first, "page 1", {"read": 200, "sent": 150})
        assert relabellings.begin(transaction, "something else", 2, NOW)[1:] == (None, {})
        relabellings.end(transaction, first)
        assert relabellings.begin(transaction, "everything", 2, NOW) == (first, None, {})


def test_a_relabelling_of_an_older_epoch_is_not_gone_on_with(state: State) -> None:
    with state.begin() as transaction:
        older, _, _ = relabellings.begin(transaction, "everything", 2, NOW)
        relabellings.advance(transaction, older, "page 1", {"read": 200})
        assert relabellings.begin(transaction, "everything", 3, NOW)[1:] == (None, {})
        assert relabellings.begin(transaction, "everything", 2, NOW) == (older, None, {})
