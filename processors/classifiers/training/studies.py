"""Studies: what more data would bring, and how well the model answers about targets it was never taught.

They train further networks, which takes as long again as the model itself and more; their figures go into studies.json
beside the model, and from there into its card.
"""

import json
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import structlog

from govwire.core.settings import find_config
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import Document
from processors.classifiers.actors import Actors
from processors.classifiers.cache import PassageCache
from processors.classifiers.encoder import Encoder
from processors.classifiers.evaluation.figures import figures
from processors.classifiers.evaluation.records import Labelled, predict
from processors.classifiers.heads import Heads
from processors.classifiers.judgement import STANCES
from processors.classifiers.labelling import LabellingClassifier
from processors.classifiers.neural import NeuralEngine
from processors.classifiers.terms import Relevance, load_terms
from processors.classifiers.training import passages
from processors.classifiers.training.fit import SEED
from processors.classifiers.training.make import calibrate, ids_of, learn, write
from processors.classifiers.training.passages import Row

log = structlog.get_logger(__name__)

FOLDS = 3
# Less than for the model itself: each is a network of its own.
FOLD_EPOCHS = 3
SHARES = (0.25, 0.5)


def study(base: Path, folder: Path, work: Path) -> None:
    """Run all studies and write studies.json; those that are in `work` already are not run again."""
    rows = passages.records()
    found = {
        "learning_curve": [_kept(work / f"share-{share}.json", partial(_share, rows, base, share)) for share in SHARES],
        "held_out_targets": [
            _kept(work / f"fold-{fold}.json", partial(_fold, rows, base, fold)) for fold in range(FOLDS)
        ],
    }
    (folder / "studies.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _kept(path: Path, run: Callable[[], Any]) -> Any:
    """A result from its file, or run and written there: a study that is broken off goes on where it was."""
    if not path.exists():
        path.write_text(json.dumps(run()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _share(rows: Sequence[Row], base: Path, share: float) -> dict[str, float]:
    """The held-out figures of a model that saw only a share of the events."""
    train = passages.of_part(rows, "train")
    events = sorted({row["event"] for row in train})
    dice = random.Random(SEED)  # noqa: S311 - to be repeated, not secret
    kept = set(dice.sample(events, int(len(events) * share)))
    some = [row for row in train if row["event"] in kept]
    config = find_config()
    vocabulary = load_vocabulary(config)
    with TemporaryDirectory() as name:
        folder = Path(name)
        heads = calibrate(write(learn(some, base, vocabulary), base, folder), folder)
        classifier = LabellingClassifier(_engine(folder, heads, vocabulary), vocabulary, load_terms(config))
        gold = [Labelled.model_validate(row) for row in passages.of_part(rows, "test")]
        found = figures(list(zip(gold, predict(classifier, gold), strict=True)))
        classifier.close()
    log.info("share_studied", share=share, **found)
    return {"share": share, "records": len(some), **{figure: round(value, 4) for figure, value in found.items()}}


def _fold(rows: Sequence[Row], base: Path, fold: int) -> dict[str, Any]:
    """The macro-F1 of stance, where gold has an entry, on targets whose labels the network never saw."""
    vocabulary = load_vocabulary(find_config())
    out = ids_of(vocabulary).targets[fold::FOLDS]
    with TemporaryDirectory() as name:
        folder = Path(name)
        weights = learn(passages.of_part(rows, "train"), base, vocabulary, epochs=FOLD_EPOCHS, left_out=frozenset(out))
        engine = _engine(folder, write(weights, base, folder), vocabulary)
        pairs = [pair for row in passages.of_part(rows, "test") for pair in _stances(engine, row, out)]
        engine.close()
    value = _macro(pairs)
    log.info("fold_studied", fold=fold, targets=out, stance_macroF1=value)
    return {"targets": list(out), "decisions": len(pairs), "stance_macroF1": round(value, 4)}


def _engine(folder: Path, heads: Heads, vocabulary: Vocabulary) -> NeuralEngine:
    relevance = Relevance(load_terms(find_config()))
    cache = PassageCache(None, "study", 0)
    actors = Actors(vocabulary.actors)
    return NeuralEngine(Encoder(folder), heads, vocabulary, relevance, actors, digest="study", cache=cache)


def _stances(engine: NeuralEngine, row: Row, targets: Sequence[str]) -> list[tuple[str, str]]:
    """Gold and answer for each of the targets that the record has an entry on."""
    wanted = [target for target in targets if target in row["stance"]]
    if not wanted:
        return []
    judgement = engine.judge(Document(row["id"], row["title"], row["text"], row["lang"]))
    said = {one.target: max(STANCES, key=one.stance.__getitem__) for one in judgement.targets}
    return [(row["stance"][target], said.get(target, "")) for target in wanted]


def _macro(pairs: Sequence[tuple[str, str]]) -> float:
    scores = []
    for stance in STANCES:
        hits = sum(pair == (stance, stance) for pair in pairs)
        all_of_it = sum(pair[0] == stance for pair in pairs) + sum(pair[1] == stance for pair in pairs)
        scores.append(2 * hits / all_of_it if all_of_it else 0.0)
    return float(np.mean(scores))
