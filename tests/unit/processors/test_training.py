"""Training: the export is the architecture it says it is, the heads learn, and the same data gives the same bytes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import save_file

from govwire.core.errors import ConfigError
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.encoder import Encoder
from processors.classifiers.heads import load_heads, save_heads, whole
from processors.classifiers.neural import MODEL
from processors.classifiers.training import fit, passages, train
from processors.classifiers.training.export import MIDDLE_LAYER, TOKENIZER_FILES, export
from processors.classifiers.training.passages import Passage

CONFIG = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": MIDDLE_LAYER + 1,
    "intermediate_size": 24,
    "layer_norm_eps": 1e-12,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A BERT of random weights."""
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
    folder = tmp_path / "source"
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    for name in TOKENIZER_FILES:
        (folder / name).write_bytes((MODEL / name).read_bytes())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def test_the_export_is_the_same_twice_and_gives_each_window_alone_what_it_gives_it_among_others(
    source: Path, tmp_path: Path
) -> None:
    export(source, tmp_path / "one")
    export(source, tmp_path / "two")
    assert (tmp_path / "one" / "encoder.onnx").read_bytes() == (tmp_path / "two" / "encoder.onnx").read_bytes()
    session = onnxruntime.InferenceSession(tmp_path / "one" / "encoder.onnx")
    batch = np.random.default_rng(1).integers(0, 50, (4, 9))
    token, middle = session.run(["token_vectors", "middle_vectors"], {"input_ids": batch})
    assert token.shape == middle.shape == (4, 9, CONFIG["hidden_size"])
    alone = session.run(["token_vectors"], {"input_ids": batch[2:3]})[0]
    np.testing.assert_allclose(alone[0], token[2], atol=1e-5)
    assert not np.allclose(token, middle)


@pytest.fixture(scope="module")
def few() -> tuple[list[Passage], fit.Ids]:
    """Some passages, and the ids that occur in enough of them."""
    encoder = Encoder(MODEL)
    vocabulary = load_vocabulary(shared("config"))
    rows = passages.records()[::8]
    seen = [topic for row in rows for topic in row["topics"]]
    topics = {name: encoder.embed(one.description) for name, one in vocabulary.topics.items() if seen.count(name) > 2}
    targets = {name: encoder.embed(one.proposition) for name, one in vocabulary.targets.items()}
    return passages.read(rows, encoder, 2), fit.Ids(topics, targets)


def test_heads_learn_what_they_are_shown_and_are_the_same_twice(
    few: tuple[list[Passage], fit.Ids], tmp_path: Path
) -> None:
    read, ids = few
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        cuts = {"relevance": 0.5, "topic": 0.5, "target": 0.5}
        linear = fit.fit(read, ids)
        save_heads(fit.assemble(linear, cuts, ids, model="m", trained_on=len(read), data_digest="d"), folder)
    for name in ("heads.npz", "heads.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    heads = load_heads(tmp_path / "one")
    # Some dimensions of the encoder are all but constant; standardised, they once grew past what a float holds.
    assert all(np.abs(head.weights).max() < 1e5 for head in heads.linear.values())
    head = heads["relevance"]
    right = [bool(head.probabilities(whole(one.window))[0] >= 0.5) == one.record["relevant"] for one in read]
    assert sum(right) / len(right) > 0.97


def test_no_event_is_trained_and_tested_on(few: tuple[list[Passage], fit.Ids]) -> None:
    read, _ = few
    for train_rows, test_rows in fit.folds(read):
        assert not {read[row].event for row in train_rows} & {read[row].event for row in test_rows}


def test_every_committed_passage_is_whole_and_in_the_vocabulary() -> None:
    vocabulary = load_vocabulary(shared("config"))
    rows = passages.records()
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row["topics"]) <= set(vocabulary.topics), row["id"]
        assert set(row["stance"]) <= set(vocabulary.targets), row["id"]
        assert all(claim["evidence"] in row["text"] for claim in row["claims"]), row["id"]
        assert row["relevant"] or not (row["topics"] or row["stance"] or row["claims"]), row["id"]


def test_training_without_an_encoder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"encoder\.onnx"):
        train(tmp_path)


def test_broken_training_data_is_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "a"}\n{"id": \n')
    with pytest.raises(ConfigError, match=r"a\.jsonl:2"):
        passages.records(tmp_path)


def test_the_shipped_model_was_trained_on_the_committed_passages() -> None:
    facts = load_heads(MODEL).facts
    rows = passages.records()
    assert (facts.trained_on, facts.data_digest) == (len(rows), passages.digest(rows))
    assert (MODEL / "CARD.md").read_text(encoding="utf-8").startswith(f"# {facts.model}\n")
