"""The whole of a training: read, fit by folds, choose thresholds, measure on unseen events, fit on all, write."""

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import structlog

from govwire.core.settings import find_config
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers.encoder import Encoder
from processors.classifiers.evaluate import Labelled, Pair, figures, predict
from processors.classifiers.heads import Heads, Linear, save_heads
from processors.classifiers.neural import NeuralClassifier
from processors.classifiers.terms import Relevance, load_terms
from processors.classifiers.training import card, fit, passages
from processors.classifiers.training.passages import Passage

log = structlog.get_logger(__name__)


def make(folder: Path) -> None:
    """Write heads.json, heads.npz and CARD.md for the encoder that lies in the folder."""
    config = find_config()
    vocabulary, encoder = load_vocabulary(config), Encoder(folder)
    rows = passages.records()
    read = passages.read(rows, encoder, os.cpu_count() or 1)
    log.info("passages_read", records=len(read), events=len({one.event for one in read}))
    ids = fit.Ids(
        {name: encoder.embed(topic.description) for name, topic in vocabulary.topics.items()},
        {name: encoder.embed(target.proposition) for name, target in vocabulary.targets.items()},
    )
    folds = fit.folds(read)
    trained = [fit.fit([read[row] for row in train], ids) for train, _ in folds]
    cuts = fit.thresholds(read, trained, ids)
    log.info("thresholds_chosen", **cuts)
    facts = {"trained_on": len(rows), "data_digest": passages.digest(rows)}
    pairs = [
        pair
        for linear, (_, test) in zip(trained, folds, strict=True)
        for pair in _answers(
            encoder,
            fit.assemble(linear, cuts, ids, model="fold", **facts),
            vocabulary,
            [read[row] for row in test],
            config,
        )
    ]
    linear = fit.fit(read, ids)
    heads = fit.assemble(linear, cuts, ids, model=_version(linear, cuts), **facts)
    save_heads(heads, folder)
    card.write(folder / "CARD.md", heads, read, figures(pairs), datetime.now(UTC).date())
    log.info("model_written", model=heads.facts.model, folder=str(folder))


def _answers(
    encoder: Encoder, heads: Heads, vocabulary: Vocabulary, test: Sequence[Passage], config: Path
) -> list[Pair]:
    """Gold and what the whole classifier says with these heads."""
    relevance = Relevance(load_terms(config))
    classifier = NeuralClassifier(encoder, heads, vocabulary, relevance, digest="", threads=os.cpu_count() or 1)
    try:
        gold = [Labelled.model_validate(one.record) for one in test]
        return list(zip(gold, predict(classifier, gold), strict=True))
    finally:
        classifier.close()


def _version(linear: dict[str, Linear], cuts: dict[str, float]) -> str:
    """A name that differs where the heads do."""
    digest = hashlib.sha256(repr(sorted(cuts.items())).encode())
    for name in sorted(linear):
        digest.update(np.ascontiguousarray(linear[name].weights).tobytes() + linear[name].bias.tobytes())
    return f"minilm-l6-{digest.hexdigest()[:8]}"
