"""Corrections laid over labels: what a person said wins, where its evidence stands; the rest stays as it was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.records import Claim, Evidence, Tagged
from govwire.core.state.corrections import (
    Change,
    ClaimChange,
    Correction,
    RelevanceChange,
    StanceChange,
    Status,
    TopicChange,
)
from processors.corrections import find_evidence, lay_over
from samples import TEXT, article, evidence, tagged

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
QUOTE = evidence("We need binding rules for frontier systems")
RUIZ, INDUSTRY = tagged().labels.claims


def correction(change: Change, evidence: Evidence | None = None, number: int = 1, **changes: Any) -> Correction:
    values = {
        "article_id": "a" * 32,
        "url": "https://wire.example/a",
        "revision": 1,
        "epoch": 1,
        "change": change,
        "evidence": evidence,
        "text_hash": "h" * 32,
        "note": None,
        "made_by": "Ana",
        "correction_id": number,
        "made_at": NOW,
        "confirmed_by": None,
        "confirmed_at": None,
        "withdrawn_by": None,
        "withdrawn_at": None,
        "stale_since": None,
    }
    return Correction(**(values | changes))


def claim(holder: str, target: str, label: str, proof: Evidence = QUOTE, **more: Any) -> Claim:
    values = {"holder": holder, "target": target, "label": label, "score": 0.5, "evidence": proof}
    return Claim.model_validate(values | more)


def corrected(of: Tagged, *corrections: Correction) -> Tagged:
    laid, stale = lay_over(of, corrections)
    assert stale == set()
    return laid


def stances(of: Tagged) -> list[tuple[str, str, str]]:
    return [(each.target, each.label, each.by) for each in of.labels.stance]


def claims(of: Tagged) -> list[tuple[str, str, str, str]]:
    return [(each.holder, each.target, each.label, each.by) for each in of.labels.claims]


def with_claims(*said: Claim) -> Tagged:
    return tagged(claims=said)


# --- stance and topic ---


def test_a_corrected_stance_stands_where_the_wrong_one_stood_and_says_who_set_it() -> None:
    laid = corrected(tagged(), correction(StanceChange(target="stronger_governance", label="against"), QUOTE))
    assert stances(laid) == [
        ("stronger_governance", "against", "person"),
        ("binding_regulation", "favor", "classifier"),
    ]
    assert laid.labels.stance[0].evidence == QUOTE


def test_a_stance_that_was_not_found_comes_last_and_one_that_is_none_goes() -> None:
    laid = corrected(
        tagged(),
        correction(StanceChange(target="open_models", label="neutral")),
        correction(StanceChange(target="stronger_governance", label=None), number=2),
    )
    assert stances(laid) == [("binding_regulation", "favor", "classifier"), ("open_models", "neutral", "person")]


def test_topics_are_added_and_removed() -> None:
    laid = corrected(
        tagged(),
        correction(TopicChange(topic="safety_risk", is_about=True)),
        correction(TopicChange(topic="regulation_law", is_about=False), number=2),
    )
    assert [(topic.id, topic.role, topic.by) for topic in laid.labels.topics] == [("safety_risk", "about", "person")]


def test_the_later_of_two_corrections_of_one_label_wins() -> None:
    favor, against = (StanceChange(target="open_models", label=label) for label in ("favor", "against"))
    laid = corrected(tagged(), correction(favor), correction(against, number=2))
    assert stances(laid)[-1] == ("open_models", "against", "person")


def test_a_withdrawn_correction_changes_nothing() -> None:
    change = StanceChange(target="open_models", label="favor")
    assert corrected(tagged(), correction(change, withdrawn_by="Bo", withdrawn_at=NOW)) == tagged()


# --- claims ---


def test_a_claim_that_was_not_found_is_added_and_shown() -> None:
    laid = corrected(tagged(), correction(ClaimChange(now=claim("The UN", "open_models", "favor")), QUOTE))
    assert claims(laid)[-1] == ("The UN", "open_models", "favor", "person")
    assert laid.labels.claims[-1].shown


def test_a_candidate_that_a_person_corrects_is_shown() -> None:
    right = INDUSTRY.model_copy(update={"label": "favor"})
    laid = corrected(tagged(), correction(ClaimChange(was=INDUSTRY, now=right), INDUSTRY.evidence))
    assert claims(laid)[1] == ("Industry groups", "binding_regulation", "favor", "person")
    assert laid.labels.claims[1].shown


@pytest.mark.parametrize(
    "newer",
    [
        (claim("Ana Ruiz", "binding_regulation", "favor"),),
        (claim("Ana Ruiz", "binding_regulation", "neutral"),),
        (claim("Ruiz", "binding_regulation", "against"),),
        (),
    ],
    ids=["same", "another label", "a shorter name", "no claim"],
)
def test_a_corrected_claim_replaces_what_a_later_model_says_there(newer: Sequence[Claim]) -> None:
    right = RUIZ.model_copy(update={"label": "against"})
    laid = corrected(with_claims(*newer), correction(ClaimChange(was=RUIZ, now=right), RUIZ.evidence))
    assert claims(laid) == [("Ana Ruiz", "binding_regulation", "against", "person")]


def test_a_removed_claim_stays_out_under_another_label_and_other_claims_stay() -> None:
    others = (
        claim("Ana Ruiz", "open_models", "favor"),
        claim("Industry groups", "binding_regulation", "against"),
        claim("Ana Ruiz", "binding_regulation", "favor", evidence("called the plan premature")),
    )
    wrong = claim("Ana Ruiz", "binding_regulation", "against")
    laid = corrected(with_claims(wrong, *others), correction(ClaimChange(was=RUIZ), RUIZ.evidence))
    assert laid.labels.claims == others


def test_a_claim_given_to_another_holder_is_no_longer_the_first_ones() -> None:
    right = RUIZ.model_copy(update={"holder": "Eva Ruiz-Lang", "holder_id": "eva_ruiz_lang"})
    laid = corrected(tagged(), correction(ClaimChange(was=RUIZ, now=right), RUIZ.evidence))
    assert [(each.holder, each.holder_id) for each in laid.labels.claims] == [
        ("Eva Ruiz-Lang", "eva_ruiz_lang"),
        ("Industry groups", None),
    ]


def test_laying_over_what_is_corrected_changes_nothing_more() -> None:
    made = [
        correction(ClaimChange(was=RUIZ, now=RUIZ.model_copy(update={"label": "against"})), QUOTE),
        correction(StanceChange(target="open_models", label="favor"), number=2),
        correction(TopicChange(topic="labor_economy", is_about=True), number=3),
        correction(ClaimChange(was=INDUSTRY), INDUSTRY.evidence, number=4),
    ]
    once = corrected(tagged(), *made)
    assert corrected(once, *made) == once


def test_why_an_article_is_neutral_follows_from_its_claims_as_corrected() -> None:
    stance = tuple(each.model_copy(update={"label": "neutral"}) for each in tagged().labels.stance)
    of = tagged(stance=stance)
    shown = correction(ClaimChange(was=INDUSTRY, now=INDUSTRY), INDUSTRY.evidence)
    gone = correction(ClaimChange(was=RUIZ), RUIZ.evidence, number=2)
    assert [
        [each.neutrality for each in corrected(of, *made).labels.stance] for made in ([shown], [gone], [shown, gone])
    ] == [["only_reported", "contested"], ["only_reported", "only_reported"], ["only_reported", None]]


# --- evidence ---


def revised(text: str, **changes: Any) -> Tagged:
    return tagged(article=article(text=text, revision=2, text_hash="other", **changes), stance=(), claims=(), topics=())


def test_an_article_that_a_person_called_relevant_is_so_as_long_as_that_stands_whatever_its_text() -> None:
    brought_back = tagged(relevance_by="person")
    vouching = correction(RelevanceChange())
    rewritten = brought_back.model_copy(update={"article": article(revision=2, text_hash="other")})
    assert lay_over(brought_back, [vouching]) == (brought_back, set())
    assert lay_over(rewritten, [vouching]) == (rewritten, set())
    assert not lay_over(brought_back, [replace(vouching, withdrawn_at=NOW, withdrawn_by="Ana")])[0].labels.relevant
    # What the classifier calls relevant by itself needs no voucher.
    assert lay_over(tagged(), []) == (tagged(), set())


def test_a_correction_follows_its_evidence_to_where_it_stands_in_a_new_revision() -> None:
    text = "Updated at noon.\n" + TEXT.replace("binding rules", "binding\n rules")
    laid = corrected(revised(text), correction(ClaimChange(now=RUIZ), RUIZ.evidence))
    found = laid.labels.claims[0].evidence
    assert found.text == "We need binding\n rules for frontier systems" == text[found.start : found.end]


def test_a_correction_whose_evidence_is_gone_is_stale_and_left_out() -> None:
    changes = (ClaimChange(now=RUIZ), StanceChange(target="open_models", label="favor"))
    made = [correction(change, QUOTE, number) for number, change in enumerate(changes)]
    text = TEXT.replace("binding", "other")
    assert lay_over(revised(text), made) == (revised(text), {0, 1})


def test_a_correction_without_evidence_rests_on_the_whole_text() -> None:
    made = correction(TopicChange(topic="labor_economy", is_about=True))
    assert lay_over(revised(TEXT), [made])[1] == {1}
    same_again = tagged(article=article(revision=3))
    assert corrected(same_again, made).labels.topics[-1].id == "labor_economy"


def test_of_two_places_the_nearer_one_is_meant() -> None:
    found = find_evidence("Stop. Go on. Stop. Go on. Stop.", Evidence(text="Stop.", start=14, end=19))
    assert found == Evidence(text="Stop.", start=13, end=18)


@given(st.text(max_size=60), st.text(max_size=20), st.integers(0, 80))
def test_evidence_that_is_found_is_a_part_of_the_text_with_the_same_words(text: str, words: str, start: int) -> None:
    found = find_evidence(text + words, Evidence(text=words, start=start, end=start + len(words)))
    if not words.split():
        assert found is None
    else:
        assert found is not None
        assert (text + words)[found.start : found.end] == found.text
        assert found.text.split() == words.split()


def test_withdrawn_wins_over_stale_and_stale_over_confirmed() -> None:
    change = TopicChange(topic="x", is_about=True)
    confirmed = {"confirmed_by": "Bo", "confirmed_at": NOW}
    stale = confirmed | {"stale_since": NOW}
    assert [correction(change, **more).status for more in ({}, confirmed, stale, stale | {"withdrawn_at": NOW})] == [
        Status.MADE,
        Status.CONFIRMED,
        Status.STALE,
        Status.WITHDRAWN,
    ]
