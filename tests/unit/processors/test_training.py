"""Training, what needs no PyTorch: examples, export, cuts, calibration; and that the shipped model is of the data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from govwire.core.errors import ConfigError
from govwire.core.records import AUTHOR
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.encoder import Tokenizer
from processors.classifiers.heads import BEGIN, INSIDE, load_heads
from processors.classifiers.neural import MODEL
from processors.classifiers.sentences import Span
from processors.classifiers.training import passages, train
from processors.classifiers.training.base import LOWER_LAYERS, TOKENIZER_FILES
from processors.classifiers.training.choose import cut, precise, scale, temperature
from processors.classifiers.training.examples import OUTCOMES, Ids, examples
from processors.classifiers.training.export import export

CONFIG = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": LOWER_LAYERS + 1,
    "intermediate_size": 24,
    "layer_norm_eps": 1e-12,
}


def ids() -> Ids:
    facts = load_heads(MODEL).facts
    return Ids(facts.topics, facts.targets)


@pytest.fixture
def weights() -> dict[str, Any]:
    """Those of a small BERT, random."""
    random = np.random.default_rng(7)
    size, wide = CONFIG["hidden_size"], CONFIG["intermediate_size"]

    def some(*shape: int) -> np.ndarray[Any, Any]:
        return random.normal(0, 0.5, shape).astype(np.float32)

    weights = {
        f"embeddings.{name}_embeddings.weight": some(rows, size) for name, rows in (("word", 50), ("position", 20))
    }
    weights["embeddings.token_type_embeddings.weight"] = some(2, size)
    norms = ["embeddings.LayerNorm"]
    for layer in range(int(CONFIG["num_hidden_layers"])):
        name = f"encoder.layer.{layer}"
        linear = {f"attention.self.{part}": (size, size) for part in ("query", "key", "value")}
        linear |= {
            "attention.output.dense": (size, size),
            "intermediate.dense": (wide, size),
            "output.dense": (size, wide),
        }
        for part, shape in linear.items():
            weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"] = (
                some(*map(int, shape)),
                some(int(shape[0])),
            )
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for name in norms:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = some(size), some(size)
    return weights


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with its config, and with the tokenizer."""
    folder = tmp_path / "base"
    folder.mkdir()
    for name in TOKENIZER_FILES:
        (folder / name).write_bytes((MODEL / name).read_bytes())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def test_the_export_is_the_same_twice_and_what_is_asked_changes_neither_the_text_nor_another_answer(
    weights: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    export(weights, base, tmp_path / "one")
    export(weights, base, tmp_path / "two")
    assert (tmp_path / "one" / "encoder.onnx").read_bytes() == (tmp_path / "two" / "encoder.onnx").read_bytes()
    session = onnxruntime.InferenceSession(tmp_path / "one" / "encoder.onnx")
    dice, size = np.random.default_rng(1), CONFIG["hidden_size"]
    ids, asked = dice.integers(0, 50, 9), dice.normal(size=(4, size)).astype(np.float32)

    def read(asked: Any) -> Any:
        return session.run(["token_vectors", "middle_vectors", "asked_vectors"], {"input_ids": ids, "asked": asked})

    token, middle, answers = read(asked)
    assert token.shape == middle.shape == (9, size)
    assert answers.shape == (4, size)
    assert not np.allclose(token, middle)
    alone, _, nothing = read(asked[:0])
    assert nothing.shape == (0, size)
    np.testing.assert_allclose(alone, token, atol=1e-5)
    np.testing.assert_allclose(read(asked[2:3])[2][0], answers[2], atol=1e-5)


def test_a_mention_a_sentence_and_a_tag_lie_where_the_claim_says() -> None:
    row = next(row for row in passages.records() if any(claim["holder"] != AUTHOR for claim in row["claims"]))
    example = examples([row], Tokenizer(MODEL), ids())[0]
    claim = next(claim for claim in row["claims"] if claim["holder"] != AUTHOR)
    target = ids().targets.index(claim["target"])
    held = {example.window.span(*mention).of(row["text"]): number for number, mention in enumerate(example.mentions)}
    assert OUTCOMES[example.claims[1 + held[claim["holder"]], target]] == claim["label"]
    start = row["text"].index(claim["evidence"])
    evidence = Span(start, start + len(claim["evidence"]))
    showing = [one.span for one, shown in zip(example.window.sentences, example.shown, strict=True) if shown[target]]
    assert any(span.overlap(evidence) for span in showing)
    first, end = example.mentions[held[claim["holder"]]]
    assert example.tags[first] == BEGIN
    assert set(example.tags[first + 1 : end]) <= {INSIDE}


def test_nearly_every_claim_of_a_passage_is_learned_from() -> None:
    rows = [row for row in passages.records() if row["kind"] == "passage"][::9]
    found = examples(rows, Tokenizer(MODEL), ids())
    learned = sum(int((one.claims > 0).sum()) for one in found)
    told = sum(len({(claim["holder"], claim["target"]) for claim in row["claims"]}) for row in rows)
    assert told * 0.95 <= learned <= told * 1.05


def test_names_that_hold_nothing_are_no_holders() -> None:
    for example in examples(passages.records()[::40], Tokenizer(MODEL), ids()):
        text, holders = example.record["text"], [claim["holder"] for claim in example.record["claims"]]
        assert not [other for other in example.others if example.window.span(*other).of(text) in holders]


def test_events_are_whole_in_one_part_and_every_part_is_large_enough() -> None:
    rows = passages.records()
    of_event: dict[str, set[str]] = {}
    parts: tuple[passages.Part, ...] = ("train", "choice", "test")
    for part in parts:
        for row in passages.of_part(rows, part):
            of_event.setdefault(row["event"], set()).add(part)
    assert all(len(found) == 1 for found in of_event.values())
    sizes = [len(passages.of_part(rows, part)) for part in parts]
    assert sum(sizes) == len(rows)
    assert sizes[1] >= 300
    assert sizes[2] >= 400


def test_a_cut_is_the_middle_of_those_that_are_as_good_as_the_best() -> None:
    chances = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]
    right = [False, False, False, True, True, True]
    assert 0.45 <= cut(chances, right) <= 0.55
    assert 0.3 <= precise(chances, right, 1.0) < 0.32
    assert precise([0.2, 0.9], [False, False], 0.5) == pytest.approx(0.95)


@given(st.lists(st.floats(0.01, 0.99), min_size=40, max_size=80))
def test_calibration_brings_scores_to_how_often_they_are_right(chances: list[float]) -> None:
    # Too sure by construction: what is right lies halfway to a half.
    right = [(0.5 + (chance - 0.5) / 2) > (number % 10) / 10 for number, chance in enumerate(chances)]
    assume(0 < sum(right) < len(right))
    scaled = scale(chances, right)(np.array(chances))
    assert abs(float(scaled.mean()) - sum(right) / len(right)) < 0.05


def test_a_temperature_cools_what_is_too_sure() -> None:
    sure = [[0.98, 0.01, 0.01]] * 10
    assert temperature(sure, [0, 0, 0, 0, 0, 1, 1, 2, 2, 0]).slope < 0.5
    assert temperature([[0.5, 0.25, 0.25]] * 10, [0] * 10).slope > 1.5


def test_every_committed_passage_is_whole_and_in_the_vocabulary() -> None:
    vocabulary = load_vocabulary(shared("config"))
    rows = passages.records()
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row["topics"]) <= set(vocabulary.topics), row["id"]
        assert set(row["stance"]) <= set(vocabulary.targets), row["id"]
        assert all(claim["evidence"] in row["text"] for claim in row["claims"]), row["id"]
        assert row["relevant"] or not (row["topics"] or row["stance"] or row["claims"]), row["id"]


def test_training_without_pytorch_or_an_encoder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train: .*(pip install 'govwire\[train\]'|--encoder)"):
        train(tmp_path, tmp_path, tmp_path / "work")


def test_broken_training_data_is_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "passages-a.jsonl").write_text('{"id": "a"}\n{"id": \n')
    with pytest.raises(ConfigError, match=r"passages-a\.jsonl:2"):
        passages.records(tmp_path)


def test_the_shipped_model_was_trained_on_the_committed_passages() -> None:
    facts = load_heads(MODEL).facts
    rows = passages.records()
    assert (facts.trained_on, facts.data_digest) == (len(passages.of_part(rows, "train")), passages.digest(rows))
    assert (MODEL / "CARD.md").read_text(encoding="utf-8").startswith(f"# {facts.model}\n")
