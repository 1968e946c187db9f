"""Training, with PyTorch: what is trained is what is used, a broken run goes on, and propositions decide the side."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.encoder import Encoder, Reading, Tokenizer
from processors.classifiers.heads import Heads, Questions, Targets
from processors.classifiers.neural import MODEL

pytestmark = pytest.mark.hub

SHAPE = {"hidden_size": 384, "num_hidden_layers": 4, "num_attention_heads": 12, "intermediate_size": 32}
ROW = {
    "id": "x",
    "title": "Ministers want an AI law",
    "text": "Ana Ruiz said that AI firms must be bound by law. Tom Becker rejects any such rule. The vote is in May.",
    "lang": "en",
    "relevant": True,
    "topics": ["regulation_law"],
    "stance": {"stronger_governance": "neutral", "binding_regulation": "neutral"},
    "claims": [
        {
            "holder": "Ana Ruiz",
            "target": "binding_regulation",
            "label": "favor",
            "evidence": "AI firms must be bound by law",
        },
        {
            "holder": "Tom Becker",
            "target": "binding_regulation",
            "label": "against",
            "evidence": "Tom Becker rejects any such rule",
        },
    ],
}


@pytest.fixture
def small() -> Any:
    """A network of the real shape with few and random layers, and all that it is asked with."""
    import torch
    from transformers import BertConfig, BertModel

    from processors.classifiers.training.make import ids_of
    from processors.classifiers.training.network import Network
    from processors.classifiers.training.wordings import load_wordings

    torch.manual_seed(3)
    config = BertConfig(vocab_size=30522, **SHAPE)
    vocabulary, tokenizer = load_vocabulary(shared("config")), Tokenizer(MODEL)
    ids = ids_of(vocabulary)
    network = Network(BertModel(config, add_pooling_layer=False), len(ids.topics), len(ids.targets))
    return network, vocabulary, tokenizer, ids, load_wordings(vocabulary, tokenizer, ids)


def _facts(ids: Any) -> Any:
    from processors.classifiers.heads import Facts
    from processors.classifiers.training.make import PLAIN

    named = {"model": "m", "topics": ids.topics, "targets": ids.targets, "trained_on": 1, "data_digest": "d"}
    return Facts.model_validate({**named, **PLAIN})


def test_the_heads_compute_in_use_what_the_network_computes_in_training(small: Any) -> None:
    import random

    import torch

    from processors.classifiers.training.examples import examples
    from processors.classifiers.training.fit import Batch, Texts, tell_denials

    network, _, tokenizer, ids, wordings = small
    texts = Texts(network)
    propositions, _ = wordings.all()
    network.eval()
    network.centre(texts.batch(wordings.topics), texts.batch(propositions))
    tell_denials(network, wordings)
    example = examples([ROW], tokenizer, ids)[0]
    batch = Batch.of([example], random.Random(1))
    asked = [one[0] for one in wordings.affirming]
    vectors, mask = texts.batch([example.window.ids])
    with torch.no_grad():
        questions = (texts.batch(each) for each in (wordings.topics, asked, wordings.nothing))
        logits = network(vectors, mask, batch.mentions, batch.sentences, batch.own, *questions)
        means = [network.upper(*texts.batch([one]))[0].mean(0).numpy() for one in asked]
        described, proposed = (
            np.stack([texts.batch([one])[0][0].mean(0).numpy() for one in each]) for each in (wordings.topics, asked)
        )
        arrays = {name: one.numpy() for name, one in network.state_dict().items() if not name.startswith("bert.")}
        heads = Heads(_facts(ids), arrays)
        targets = Targets(heads, ids.targets, np.stack(means), proposed)
        tokens, answers = (one[0].numpy() for one in network.read(vectors, mask, torch.from_numpy(targets.tokens)))
    reading = Reading(tokens, vectors[0].mean(0).numpy(), answers)
    whole, answers = heads.normal("whole_norm", reading.whole), targets.answers(reading.asked)
    topics = Questions(heads, "topic", ids.topics, described)
    found = np.stack([reading.mean(one.first, one.end) for one in example.window.sentences])
    shown, affirmed = targets.shown(heads.normal("sentence_norm", found), answers)

    def chances(name: str) -> Any:
        return torch.softmax(logits[name][0], -1).numpy()

    def yes(name: str) -> Any:
        return torch.sigmoid(logits[name][0]).numpy()

    np.testing.assert_allclose(topics.chances(whole), yes("topics"), atol=1e-4)
    np.testing.assert_allclose(targets.discussed(whole, answers), yes("discussed"), atol=1e-4)
    np.testing.assert_allclose(heads.relevance(whole), yes("relevance"), atol=1e-4)
    np.testing.assert_allclose(shown, chances("shown"), atol=1e-4)
    np.testing.assert_allclose(targets.stance(whole, answers, shown, affirmed), chances("stance"), atol=1e-4)
    np.testing.assert_allclose(targets.claims("author", whole, answers), chances("claims")[0], atol=1e-4)
    np.testing.assert_allclose(heads.tags(tokens), chances("tags"), atol=1e-4)


def test_a_run_that_is_broken_off_goes_on_to_the_same_end(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import copy

    import torch

    from processors.classifiers.training.examples import examples
    from processors.classifiers.training.fit import Run, Texts, fit

    network, _, tokenizer, ids, wordings = small
    rows = [{**ROW, "id": str(number), "title": f"AI law {number}"} for number in range(20)]
    train = examples(rows, tokenizer, ids)

    def run(checkpoint: Path | None) -> Any:
        own = copy.deepcopy(network)
        return fit(own, Texts(own), train, ids, wordings, epochs=2, checkpoint=checkpoint).state_dict()

    whole, save = run(None), Run.save

    def broken(self: Run, path: Path | None, epochs: int) -> None:
        save(self, path, epochs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", broken)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "kept.pt")
    monkeypatch.undo()
    resumed = run(tmp_path / "kept.pt")
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)


def test_the_export_gives_what_the_network_gives_but_for_the_rounding_of_weights(small: Any, tmp_path: Path) -> None:
    import torch

    from processors.classifiers.training.base import TOKENIZER_FILES
    from processors.classifiers.training.export import export

    network, _, tokenizer, _, _ = small
    network.eval()
    weights = {
        name.removeprefix("bert."): one.numpy()
        for name, one in network.state_dict().items()
        if name.startswith("bert.")
    }
    base = tmp_path / "base"
    base.mkdir()
    for name in TOKENIZER_FILES:
        (base / name).write_bytes((MODEL / name).read_bytes())
    (base / "config.json").write_text(json.dumps({**json.loads((MODEL / "config.json").read_text()), **SHAPE}))
    export(weights, base, tmp_path)
    window = tokenizer.windows(ROW["title"], ROW["text"])[0]
    asked = np.random.default_rng(5).normal(size=(3, 384)).astype(np.float32)
    reading, alone = Encoder(tmp_path).read(window, asked), Encoder(tmp_path).read(window)
    np.testing.assert_allclose(alone.tokens, reading.tokens, atol=1e-5)
    ids, mask = torch.tensor([window.ids]), torch.ones(1, len(window.ids))
    with torch.no_grad():
        wanted = network.read(network.lower(ids, mask), mask, torch.from_numpy(asked))
    for read, each in zip((reading.tokens, reading.asked), wanted, strict=True):
        assert float(np.abs(read - each[0].numpy()).max()) < 0.1
        assert float(np.corrcoef(read.ravel(), each[0].numpy().ravel())[0, 1]) > 0.999
