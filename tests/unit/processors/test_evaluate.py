"""The figures: right on cases counted by hand, equal to the definition on the gold file, above the baselines."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import Classifier, open_classifier
from processors.classifiers import evaluate as evaluation
from processors.classifiers.evaluate import Labelled, Row, evaluate, figures, render, same_holder


def record(record_id: str, **values: object) -> Labelled:
    return Labelled.model_validate({"id": record_id, "relevant": True} | values)


def claim(holder: str, target: str = "binding_regulation", label: str = "favor") -> dict[str, str]:
    return {"holder": holder, "target": target, "label": label}


def test_figures_are_as_counted_by_hand() -> None:
    gold = [
        record("a", topics=["military"], stance={"stronger_governance": "favor", "military_limits": "favor"}),
        record("b", topics=["military", "privacy_data"], stance={"stronger_governance": "against"}),
        record("c", relevant=False),
    ]
    said = [
        record("a", topics=["military"], stance={"stronger_governance": "favor", "military_limits": "against"}),
        record("b", topics=["privacy_data"], stance={"stronger_governance": "favor", "export_controls": "favor"}),
        record("c", relevant=True),
    ]
    found = figures(list(zip(gold, said, strict=True)))
    assert found["relevance_macroF1"] == pytest.approx((4 / 5 + 0) / 2)
    assert found["topic_microF1"] == pytest.approx(4 / 5)
    assert found["stance_overall_macroF1"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["target_detectionF1"] == pytest.approx(2 / 3)
    assert found["target_stance_macroF1(detected)"] == 0


def test_claims_are_matched_one_to_one_and_overall_ones_give_way_to_specific_ones() -> None:
    gold = record(
        "a", claims=[claim("Ana Ruiz"), claim("Ana Ruiz", "stronger_governance"), claim("Tom Becker", label="against")]
    )
    said = record("a", claims=[claim("Ruiz"), claim("Ana Ruiz"), claim("The Chamber", label="against")])
    found = figures([(gold, said)])
    assert found["claim_F1(holder,target,label)"] == pytest.approx(2 * 1 / (2 * 1 + 2 + 1))
    assert found["holder_F1"] == pytest.approx(2 * 1 / (2 * 1 + 2 + 1))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Sen. Ana Ruiz", "Ruiz", True),
        ("the European Commission", "European Commission", True),
        ("_author", "the author", False),
        ("Ana Ruiz", "Tom Becker", False),
        ("The President", "The Minister", False),
    ],
)
def test_holders_are_compared_leniently(one: str, other: str, same: bool) -> None:
    assert same_holder(one, other) is same


def test_a_file_that_holds_no_labelled_records_is_refused_by_name(tmp_path: Path) -> None:
    for content in ("", "{}", "no json"):
        path = tmp_path / "gold.jsonl"
        path.write_text(content)
        with pytest.raises(ConfigError, match=r"gold\.jsonl"):
            evaluate(path, [])


def test_intervals_hold_the_value_and_are_the_same_every_time(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    rows = [
        {"id": str(n), "relevant": n % 3 > 0, "stance": {"stronger_governance": "favor"} if n % 3 else {}}
        for n in range(30)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    first = evaluate(path, [], samples=50)
    assert [row.figure for row in first] == list(dict.fromkeys(row.figure for row in first))
    assert all(row.low <= row.value <= row.high for row in first if row.figure == "relevance_macroF1")
    assert render(first) == render(evaluate(path, [], samples=50))
    assert [json.loads(line)["figure"] for line in render(first, as_json=True).splitlines()] == [
        row.figure for row in first
    ]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(shared("config"))


@pytest.fixture(scope="module")
def definition(corpus_dir: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", corpus_dir / "eval" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def classifiers(vocabulary: Vocabulary) -> Iterator[Sequence[Classifier]]:
    opened = [open_classifier(Settings(), vocabulary, engine) for engine in ("keyword", "onnx")]
    yield opened
    for classifier in opened:
        classifier.close()


@pytest.mark.corpus
def test_figures_equal_the_definition_on_the_gold_file(
    corpus_dir: Path, definition: ModuleType, classifiers: Sequence[Classifier]
) -> None:
    path = corpus_dir / "eval" / "dev.jsonl"
    gold = evaluation.read_gold(path)
    written = {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    for classifier in classifiers:
        said = evaluation.predict(classifier, gold)
        defined = definition.score(written, {one.id: one.model_dump() for one in said})
        del defined["missing"]
        assert figures(list(zip(gold, said, strict=True))) == pytest.approx(defined, abs=5e-4)


@pytest.mark.corpus
def test_the_model_beats_keywords_and_majority_on_the_gold_file(
    corpus_dir: Path, classifiers: Sequence[Classifier]
) -> None:
    rows = evaluate(corpus_dir / "eval" / "dev.jsonl", classifiers, samples=5)
    for figure in ("relevance_macroF1", "topic_microF1", "stance_overall_macroF1"):
        majority, keyword, model = (row.value for row in rows if row.figure == figure)
        assert model >= max(majority, keyword) + 0.05, figure
    assert _value(rows, "topic_microF1") >= 0.50


def _value(rows: Sequence[Row], figure: str) -> float:
    return [row.value for row in rows if row.figure == figure][-1]
