"""A state-media commentary as such texts are: who holds what, what was done, and nothing that nobody said."""

from pathlib import Path

import pytest

from govwire.core.records import Labels
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import Document, open_classifier
from processors.classifiers.actors import Actors
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Speakers

TEXT = (Path(__file__).parents[2] / "cases" / "texts" / "state-commentary.txt").read_text(encoding="utf-8")
TITLE, _, BODY = TEXT.partition("\n\n")


@pytest.fixture(scope="module")
def labels() -> Labels:
    classifier = open_classifier(Settings(), load_vocabulary(shared("config")), "onnx")
    (found,) = classifier.classify([Document("commentary", TITLE, BODY)])
    classifier.close()
    assert isinstance(found, Labels)
    return found


def holders(labels: Labels, *, of: str) -> set[str]:
    """Who is given a claim whose evidence has some words."""
    return {claim.holder for claim in labels.claims if of in claim.evidence.text}


def test_it_is_relevant_and_about_cooperation(labels: Labels) -> None:
    assert labels.relevant
    assert "international_cooperation" in {topic.id for topic in labels.topics if topic.role == "about"}


def test_two_experts_of_one_surname_are_kept_apart(labels: Labels) -> None:
    held = {claim.holder for claim in labels.claims}
    assert {"Wang Lihua", "Wang Zhiyuan"} <= held
    assert "Wang" not in held
    assert holders(labels, of="A pause would only hand the future") <= {"Wang Lihua"}
    assert "Wang Lihua" not in holders(labels, of="should be halted until there is proof")


def test_who_added_something_is_who_spoke_before(labels: Labels) -> None:
    speakers = Speakers(BODY, Actors(load_vocabulary(shared("config")).actors))
    for said, who in (("she added, and praised", "Amina Diallo"), ('" he added.', "Wang Zhiyuan")):
        start = BODY.index(said) + said.index("he added") - said.count("she")
        holder = speakers.holder(Span(start, start + len("he") + said.count("she")))
        assert holder is not None
        assert holder.name == who
    assert holders(labels, of="Rules that are written without Africa") <= {"Amina Diallo"}
    assert "Amina Diallo" in {claim.holder for claim in labels.claims if claim.target == "inclusive_development"}


def test_what_the_state_and_its_initiative_hold_is_of_one_actor(labels: Labels) -> None:
    named = {claim.holder for claim in labels.claims if claim.holder_id == "china"}
    assert len(named) >= 2
    assert any("Initiative" in name for name in named)
    assert any("China" in name for name in named)


def test_a_signing_is_an_act_and_no_claim(labels: Labels) -> None:
    acts = [act for act in labels.acts if "signed the Hangzhou Declaration" in act.evidence.text]
    assert [act.act for act in acts] == ["signed"]
    assert not holders(labels, of="signed the Hangzhou Declaration")
    assert not holders(labels, of="did not sign")


def test_patents_and_forecasts_are_no_positions(labels: Labels) -> None:
    assert not holders(labels, of="patents")
    assert not holders(labels, of="expects the industry")


def test_both_laws_are_found(labels: Labels) -> None:
    assert {"eu_ai_act", "china_generative_ai_measures"} <= {law.id for law in labels.laws}


def test_nothing_is_invented(labels: Labels) -> None:
    pieces = [one.evidence for one in (*labels.claims, *labels.acts, *labels.instruments)]
    pieces += [stance.evidence for stance in labels.stance if stance.evidence]
    assert all(BODY[one.start : one.end] == one.text for one in pieces)
    assert all(claim.holder == "_author" or claim.holder in BODY for claim in labels.claims)
