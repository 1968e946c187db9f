"""The probes: a classifier that goes by the proposition passes them, one that is deaf to it does not."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from govwire.core.records import Labels
from govwire.core.share import shared
from govwire.core.text import tokens
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import OVERALL, Document, evaluation
from processors.classifiers.evaluation import Labelled, Row
from processors.classifiers.evaluation.calibration import BINS, ENOUGH, calibration, expected_error
from processors.classifiers.evaluation.probes import NOTHING, all_right, denials
from processors.classifiers.judgement import Cuts, Discussed, Judgement, Prominence, Stance
from processors.classifiers.training.passages import DATA

CUTS = Cuts(topic=0.5, target=0.5, unsure=0.5, candidate=0.3, shown=0.6)
TARGETS: Sequence[str] = (OVERALL, "open_models", "export_controls")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(shared("config"))


@dataclass
class Reader:
    """Knows the right answer by the title, and hears whether the proposition is there and whether it is denied."""

    vocabulary: Vocabulary
    propositions: dict[str, str]
    deaf: bool = False
    model = digest = "reader"
    cuts = CUTS

    def judge(self, document: Document) -> Judgement:
        found = [self._discussed(name, document.title) for name in TARGETS]
        return Judgement(
            relevant=True,
            relevance=0.9,
            relevance_by="model",
            topics={"military": Prominence(0.2, 0.3)},
            targets=tuple(found),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _discussed(self, name: str, title: str) -> Discussed:
        said = self.vocabulary.targets[name].proposition
        label: Stance = "favor" if title == "favor" else "against"
        if not self.deaf and said == NOTHING:
            label = "neutral"
        elif not self.deaf and said != self.propositions[name]:
            label = "against" if label == "favor" else "favor"
        chances: dict[Stance, float] = {"favor": 0.1, "against": 0.1, "neutral": 0.1}
        return Discussed(name, 0.2, chances | {label: 0.8})


class Silent:
    """A classifier that says nothing of anything."""

    model = digest = "reader"

    def classify(self, documents: Sequence[Document]) -> list[Labels]:
        return [
            Labels(relevant=True, relevance_score=1, relevance_by="model", model="reader", epoch=0) for _ in documents
        ]

    def close(self) -> None:
        """Nothing is held."""


def record(number: int, label: str, **more: object) -> Labelled:
    stance = dict.fromkeys(TARGETS, label)
    return Labelled.model_validate(
        {"id": str(number), "title": label, "text": "T.", "relevant": True, "stance": stance} | more
    )


def probed(vocabulary: Vocabulary, *, deaf: bool) -> dict[str, Row]:
    gold = [record(number, ("favor", "against")[number % 2]) for number in range(20)]
    classifier = Silent()
    answers = evaluation.Answers(gold, classifier, classifier.classify([one.document for one in gold]), {})
    propositions = {name: target.proposition for name, target in vocabulary.targets.items()}
    rows = evaluation.probe_rows(answers, lambda one: Reader(one, propositions, deaf), vocabulary, samples=20)
    return {row.figure.strip(): row for row in rows}


def test_masking_and_denying_propositions_show_who_goes_by_them(vocabulary: Vocabulary) -> None:
    found = probed(vocabulary, deaf=False)
    assert found["stance_macroF1(where gold has one)"].value == 1
    assert found["the same, proposition masked"].value == 0
    assert found["fall by the mask, in points"].value == 100
    flips = found["denied proposition: correct favor/against that flip"]
    assert (flips.hits, flips.total) == (60, 60)
    assert (found["open_models"].hits, found["open_models"].total) == (20, 20)


def test_masking_and_denying_propositions_show_who_is_deaf_to_them(vocabulary: Vocabulary) -> None:
    found = probed(vocabulary, deaf=True)
    assert found["fall by the mask, in points"].value == 0
    assert found["denied proposition: correct favor/against that flip"].value == 0


def test_every_target_has_a_denial_that_training_does_not_use(vocabulary: Vocabulary) -> None:
    proper = {name for name in vocabulary.targets if not vocabulary.is_experimental(name)}
    assert set(denials()) >= proper
    entries = tomllib.loads((DATA / "propositions.toml").read_text(encoding="utf-8"))
    for name, denial in denials().items():
        words = set(tokens(denial, "en"))
        for text in entries[name]["against"]:
            others = set(tokens(text, "en"))
            assert len(words & others) / len(words | others) < 0.6, (name, text)


def test_a_contrast_pair_is_right_where_every_member_is_in_what_differs() -> None:
    stances = [{OVERALL: "favor", "open_models": "favor"}, {OVERALL: "favor"}]
    gold = [record(number, "favor", stance=stance) for number, stance in enumerate(stances)]
    assert all_right(list(zip(gold, gold, strict=True))) is True
    # What does not differ does not count; what is invented in one of them does.
    off = record(0, "favor", stance={OVERALL: "against", "open_models": "favor"})
    assert all_right([(gold[0], off), (gold[1], gold[1])]) is True
    assert all_right([(gold[0], gold[0]), (gold[1], gold[0])]) is False


def test_a_contrast_pair_of_equal_stances_is_judged_by_its_claims() -> None:
    holders = ("Ana Ruiz", "Tom Becker")
    gold = [
        record(number, "favor", claims=[{"holder": holder, "target": "open_models", "label": "favor"}])
        for number, holder in enumerate(holders)
    ]
    assert all_right(list(zip(gold, gold, strict=True))) is True
    assert all_right([(gold[0], gold[0]), (gold[1], gold[0])]) is False
    assert all_right([(gold[0], gold[0]), (gold[0], gold[0])]) is None


def test_scores_that_are_chances_have_a_small_error_and_overconfident_ones_their_excess() -> None:
    random = np.random.default_rng(3)
    scores = random.uniform(size=20_000)
    honest = [
        (float(score), bool(came)) for score, came in zip(scores, random.uniform(size=20_000) < scores, strict=True)
    ]
    assert expected_error(honest) < 0.015
    assert expected_error([(0.9, number % 2 == 0) for number in range(1000)]) == pytest.approx(0.4)
    # Equal masses: each bin weighs the same, wherever the scores lie.
    halves = [(0.1 + number / 1e6, False) for number in range(500)] + [
        (0.9 + number / 1e6, True) for number in range(500)
    ]
    assert expected_error(halves) == pytest.approx(0.1, abs=0.001)
    assert BINS == 10


def test_a_head_that_was_asked_too_seldom_is_not_judged(vocabulary: Vocabulary) -> None:
    propositions = {name: target.proposition for name, target in vocabulary.targets.items()}
    reader = Reader(vocabulary, propositions)
    gold = [record(number, "favor") for number in range(ENOUGH // len(TARGETS))]
    judgements = [reader.judge(one.document) for one in gold]
    found = {row.figure: row for row in calibration([(one, one) for one in gold], judgements, vocabulary, "reader")}
    # Three stances a record; two targets besides the overall one, and a record each of relevance and of one topic.
    assert found["stance"].value == pytest.approx(0.2)
    assert found["stance"].note == f"{ENOUGH} decisions"
    for head, asked in (("relevance", 200), ("topic", 200), ("target", 400), ("claim", 0)):
        assert found[head].value is None
        assert found[head].note == f"{asked} decisions, under {ENOUGH}: not judged"
