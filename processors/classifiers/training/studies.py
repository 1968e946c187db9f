"""Studies: what rounding cost, how well targets are answered that were never taught, what more data would bring.

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
from govwire.core.terms import Relevance, load_terms
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import Document
from processors.classifiers.actors import Actors
from processors.classifiers.cache import PassageCache
from processors.classifiers.encoder import Encoder
from processors.classifiers.evaluation.figures import figures
from processors.classifiers.evaluation.records import Labelled, predict
from processors.classifiers.heads import Heads, load_heads
from processors.classifiers.judgement import STANCES
from processors.classifiers.labelling import LabellingClassifier
from processors.classifiers.neural import NeuralEngine
from processors.classifiers.training import passages
from processors.classifiers.training.export import export
from processors.classifiers.training.fit import SEED
from processors.classifiers.training.make import calibrate, checkpoint, encoder_of, ids_of, learn, write
from processors.classifiers.training.passages import Row

log = structlog.get_logger(__name__)

FOLDS = 3
# Less than for the model itself: each is a network of its own, which sees so much of the events.
FOLD_EPOCHS, FOLD_SHARE = 3, 0.33
SHARES = (0.25, 0.5)


def study(base: Path, folder: Path, work: Path) -> None:
    """Run all studies and write studies.json, anew after each; those that are in `work` already are not run again."""
    rows = passages.records()
    found: dict[str, list[Any]] = {"rounding": [], "held_out_targets": [], "learning_curve": []}
    runs: list[tuple[str, Path, Callable[[], Any]]] = [
        ("rounding", work / "rounding.json", partial(_rounding, rows, base, folder, work)),
        *(("held_out_targets", work / f"fold-{fold}.json", partial(_fold, rows, base, fold)) for fold in range(FOLDS)),
        *(("learning_curve", work / f"share-{share}.json", partial(_share, rows, base, share)) for share in SHARES),
    ]
    for kind, path, run in runs:
        found[kind].append(_kept(path, run))
        (folder / "studies.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _kept(path: Path, run: Callable[[], Any]) -> Any:
    """A result from its file, or run and written there: a study that is broken off goes on where it was."""
    if not path.exists():
        path.write_text(json.dumps(run()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _some(rows: Sequence[Row], share: float) -> list[Row]:
    """The training records of a share of the events."""
    train = passages.of_part(rows, "train")
    events = sorted({row["event"] for row in train})
    dice = random.Random(SEED)  # noqa: S311 - to be repeated, not secret
    kept = set(dice.sample(events, int(len(events) * share)))
    return [row for row in train if row["event"] in kept]


def _rounding(rows: Sequence[Row], base: Path, folder: Path, work: Path) -> dict[str, float]:
    """What each held-out figure loses by keeping the encoder's weights as int8, in points."""
    vocabulary = load_vocabulary(find_config())
    weights = learn(passages.of_part(rows, "train"), base, vocabulary, checkpoint=checkpoint(work, rows))
    shipped = _held_out(rows, folder, load_heads(folder), vocabulary)
    with TemporaryDirectory() as name:
        export(encoder_of(weights), base, Path(name), exact=True)
        exact = _held_out(rows, Path(name), load_heads(folder), vocabulary)
    lost = {figure: round(100 * (exact[figure] - shipped[figure]), 2) for figure in shipped}
    log.info("rounding_studied", **lost)
    return lost


def _held_out(rows: Sequence[Row], folder: Path, heads: Heads, vocabulary: Vocabulary) -> dict[str, float]:
    """The held-out figures of the encoder in a folder with some heads."""
    classifier = LabellingClassifier(_engine(folder, heads, vocabulary), vocabulary, load_terms(find_config()))
    gold = [Labelled.model_validate(row) for row in passages.of_part(rows, "test")]
    found = figures(list(zip(gold, predict(classifier, gold), strict=True)))
    classifier.close()
    return found


def _share(rows: Sequence[Row], base: Path, share: float) -> dict[str, float]:
    """The held-out figures of a model that saw only a share of the events."""
    some = _some(rows, share)
    vocabulary = load_vocabulary(find_config())
    with TemporaryDirectory() as name:
        folder = Path(name)
        heads = calibrate(write(learn(some, base, vocabulary), base, folder), folder)
        found = _held_out(rows, folder, heads, vocabulary)
    log.info("share_studied", share=share, **found)
    return {"share": share, "records": len(some), **{figure: round(value, 4) for figure, value in found.items()}}


def _fold(rows: Sequence[Row], base: Path, fold: int) -> dict[str, Any]:
    """The macro-F1 of stance, where gold has an entry, on targets whose labels the network never saw."""
    vocabulary = load_vocabulary(find_config())
    out = ids_of(vocabulary).targets[fold::FOLDS]
    with TemporaryDirectory() as name:
        folder = Path(name)
        some = _some(rows, FOLD_SHARE)
        weights = learn(some, base, vocabulary, epochs=FOLD_EPOCHS, left_out=frozenset(out))
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
