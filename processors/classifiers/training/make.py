"""The whole of a training: read, fit, export, calibrate on events kept for that, write."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from govwire.core.settings import find_config
from govwire.core.terms import load_terms
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers.encoder import Encoder, Tokenizer
from processors.classifiers.evaluation import compare, held_out, predict
from processors.classifiers.heads import Facts, Heads, Scale, kept, load_heads, save_heads
from processors.classifiers.judgement import Cuts
from processors.classifiers.labelling import LabellingClassifier
from processors.classifiers.neural import LEAD_TOKENS, open_neural
from processors.classifiers.training import card, passages
from processors.classifiers.training.base import load_base
from processors.classifiers.training.calibrate import Calibration
from processors.classifiers.training.examples import Ids, examples, leads
from processors.classifiers.training.export import export
from processors.classifiers.training.fit import EPOCHS, SEED, Texts, device, fit
from processors.classifiers.training.network import Network
from processors.classifiers.training.passages import Row
from processors.classifiers.training.wordings import load_wordings

log = structlog.get_logger(__name__)

Array = NDArray[Any]
BERT = "bert."  # what names of the encoder's weights begin with
# Before calibration: every chance as the network gives it.
PLAIN = {
    "cuts": Cuts(topic=0.5, target=0.5, unsure=0.0, candidate=0.5, shown=0.5),
    "relevance_cut": 0.5,
    "unnamed_cut": 0.5,
    "hopeless": 0.0,
    **{name: Scale() for name in ("relevance", "topic", "target", "stance")},
    "claim": (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
}


def ids_of(vocabulary: Vocabulary) -> Ids:
    """What is trained: topics and targets that are not on trial."""
    topics, targets = (
        tuple(name for name in entries if not vocabulary.is_experimental(name))
        for entries in (vocabulary.topics, vocabulary.targets)
    )
    return Ids(topics, targets)


def learn(
    rows: Sequence[Row],
    base: Path,
    vocabulary: Vocabulary,
    *,
    epochs: int = EPOCHS,
    left_out: frozenset[str] = frozenset(),
    checkpoint: Path | None = None,
) -> dict[str, Array]:
    """The weights of a network that learned from these records, by their names."""
    torch.manual_seed(SEED)
    ids, tokenizer = ids_of(vocabulary), Tokenizer(base)
    network = Network(load_base(base), len(ids.topics), len(ids.targets)).to(device())
    whole = examples(rows, tokenizer, ids)
    learned = fit(
        network,
        Texts(network),
        [*whole, *leads(whole, LEAD_TOKENS)],
        ids,
        load_wordings(vocabulary, tokenizer, ids),
        epochs=epochs,
        left_out=left_out,
        checkpoint=checkpoint,
    )
    return {name: value.cpu().numpy() for name, value in learned.state_dict().items()}


def encoder_of(weights: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of the encoder, by their published names."""
    return {name.removeprefix(BERT): one for name, one in weights.items() if name.startswith(BERT)}


def checkpoint(work: Path, rows: Sequence[Row]) -> Path:
    """Where a training on these records, asked with these propositions, keeps what it has learned."""
    wordings = hashlib.sha256((passages.DATA / "propositions.toml").read_bytes()).hexdigest()[:8]
    return work / f"{passages.digest(rows)}-{wordings}.pt"


def write(weights: Mapping[str, Array], base: Path, folder: Path) -> Heads:
    """Write encoder and heads into the folder, uncalibrated."""
    export(encoder_of(weights), base, folder)
    vocabulary, rows = load_vocabulary(find_config()), passages.records()
    heads = {name: kept(one) for name, one in weights.items() if not name.startswith(BERT)}
    ids = ids_of(vocabulary)
    facts = Facts.model_validate(
        {
            "model": _version(folder, heads),
            "topics": ids.topics,
            "targets": ids.targets,
            "trained_on": len(passages.of_part(rows, "train")),
            "data_digest": passages.digest(rows),
            **PLAIN,
        }
    )
    save_heads(Heads(facts, heads), folder)
    return Heads(facts, heads)


def calibrate(heads: Heads, folder: Path) -> Heads:
    """Choose scales and cuts, and write them."""
    config = find_config()
    rows = passages.of_part(passages.records(), "choice")
    chosen = Calibration(Encoder(folder), heads, load_vocabulary(config), load_terms(config), rows).run()
    save_heads(chosen, folder)
    return chosen


def make(base: Path, folder: Path, work: Path, *, studies: bool) -> None:
    """Train on the committed data and write the model and its card into `folder`; `work` holds the checkpoint."""
    from processors.classifiers.training.studies import study

    work.mkdir(parents=True, exist_ok=True)
    vocabulary, rows = load_vocabulary(find_config()), passages.records()
    train = passages.of_part(rows, "train")
    log.info("training_started", records=len(train), device=str(device()), work=str(work))
    weights = learn(train, base, vocabulary, checkpoint=checkpoint(work, rows))
    heads = calibrate(write(weights, base, folder), folder)
    if studies:
        study(base, folder, work)
    describe(folder)
    log.info("model_written", model=heads.facts.model, folder=str(folder))


def describe(folder: Path) -> None:
    """Measure the model of a folder on the held-out records, and write its card."""
    config = find_config()
    vocabulary, terms = load_vocabulary(config), load_terms(config)
    classifier = LabellingClassifier(open_neural(vocabulary, terms, folder), vocabulary, terms)
    gold = held_out()
    rows = compare(gold, {classifier.model: predict(classifier, gold)})
    classifier.close()
    card.write(folder, load_heads(folder).facts, rows, datetime.now(UTC).date())


def _version(folder: Path, heads: Mapping[str, Array]) -> str:
    """A name that differs where the weights do."""
    digest = hashlib.sha256((folder / "encoder.onnx").read_bytes())
    for name in sorted(heads):
        digest.update(np.ascontiguousarray(heads[name], np.float32).tobytes())
    return f"minilm-l6-{digest.hexdigest()[:8]}"
