"""What a stance hangs on: the proposition masked, the proposition denied, records that differ in little but labels.

A classifier that reads the text alone keeps its answers when the proposition says nothing or the opposite; one that
goes by topic or tone gives all records of a contrast pair the same labels.
"""

import os
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from govwire.core.errors import ClassificationError
from govwire.core.vocabulary import Vocabulary
from processors.classifiers.evaluation.claims import same_claim
from processors.classifiers.evaluation.figures import STANCES, macro
from processors.classifiers.evaluation.intervals import Counts, Figure, Sums, add, share
from processors.classifiers.evaluation.records import Labelled, LabelledClaim, Pair
from processors.classifiers.judgement import Engine, Judgement, best
from processors.classifiers.training.passages import DATA

# A proposition that says nothing.
NOTHING = "…"
OPPOSITE = {"favor": "against", "against": "favor"}

Judgements = Sequence[Judgement | None]  # None: the engine failed, or was not asked
Stances = dict[str, str]  # of one record: target to the likeliest label, whether the target counts as discussed or not


def denials(path: Path = DATA / "propositions.toml") -> dict[str, str]:
    """For each target a proposition that denies its own, in words that training never uses."""
    return {name: str(entry["probe"]) for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def masked(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with targets that say nothing."""
    nothing = dict.fromkeys(("proposition", "favor", "against"), NOTHING)
    return _changed(vocabulary, dict.fromkeys(vocabulary.targets, nothing))


def denied(vocabulary: Vocabulary, denials: Mapping[str, str]) -> Vocabulary:
    """The vocabulary with denied propositions; nothing else of a target is changed, so that nothing else helps."""
    return _changed(vocabulary, {name: {"proposition": text} for name, text in denials.items()})


def judge(engine: Engine, gold: Sequence[Labelled]) -> list[Judgement | None]:
    """The engine's judgements of the English records."""

    def one(record: Labelled) -> Judgement | None:
        try:
            return engine.judge(record.document) if record.language == "en" else None
        except ClassificationError:
            return None

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, gold))


def stances(judgements: Judgements) -> list[Stances]:
    """The likeliest stance on every target; none where a text was judged irrelevant."""
    return [{one.target: best(one.stance) for one in found.targets} if found else {} for found in judgements]


def proposition_figures(
    gold: Sequence[Labelled], plain: Judgements, masked: Judgements, denied: Judgements, samples: int
) -> dict[str, Figure]:
    """How far the stances follow the proposition, wherever gold has one."""
    told = (stances(plain), stances(masked), stances(denied))
    sums = Sums([_count(record, *each) for record, *each in zip(gold, *told, strict=True)], samples)
    plainly, without = (macro([sums.tally(kind, label=label) for label in STANCES]) for kind in ("plain", "masked"))
    targets = sums.names("right")
    flipped, right = (sums.total((kind, target) for target in targets) for kind in ("flipped", "right"))
    return {
        "stance_macroF1(where gold has one)": Figure(plainly),
        "the same, proposition masked": Figure(without),
        "fall by the mask, in points": Figure(100 * (plainly - without)),
        "denied proposition: correct favor/against that flip": share(flipped, right),
        **{f"  {target}": share(sums["flipped", target], sums["right", target]) for target in targets},
    }


def contrast_figures(pairs: Sequence[Pair], samples: int) -> dict[str, Figure]:
    """How many contrast pairs have every member right in what tells the members apart."""
    groups = defaultdict(list)
    for gold, said in pairs:
        if gold.pair:
            groups[gold.pair].append((gold, said))
    answers = [right for members in groups.values() if (right := all_right(members)) is not None]
    sums = Sums([Counts({("pair",): 1, ("right",): int(right)}) for right in answers], samples)
    return {"contrast pairs with all members right": share(sums["right",], sums["pair",])}


def all_right(members: Sequence[Pair]) -> bool | None:
    """Whether all members are right in what differs: stances, or else claims; None where neither does."""
    targets = {target for gold, _ in members for target in gold.stance}
    differing = [one for one in targets if len({gold.stance.get(one) for gold, _ in members}) > 1]
    if differing:
        return all(gold.stance.get(one) == said.stance.get(one) for gold, said in members for one in differing)
    claims = {(one.holder, one.target, one.label): one for gold, _ in members for one in gold.claims}
    unlike = [one for one in claims.values() if len({_has(gold, one) for gold, _ in members}) > 1]
    if unlike:
        return all(_has(gold, one) == _has(said, one) for gold, said in members for one in unlike)
    return None


def _has(record: Labelled, claim: LabelledClaim) -> bool:
    return any(same_claim(claim, one) for one in record.claims)


def _count(gold: Labelled, plain: Stances, masked: Stances, denied: Stances) -> Counts:
    counts = Counts()
    for target, label in gold.stance.items():
        for kind, said in (("plain", plain), ("masked", masked)):
            for one in STANCES:
                add(counts, kind, "", one, gold=label == one, said=said.get(target) == one)
        if label in OPPOSITE and plain.get(target) == label:
            counts["right", target] += 1
            counts["flipped", target] += denied.get(target) == OPPOSITE[label]
    return counts


def _changed(vocabulary: Vocabulary, changes: Mapping[str, Mapping[str, str]]) -> Vocabulary:
    targets = {
        name: target.model_copy(update=dict(changes.get(name, {}))) for name, target in vocabulary.targets.items()
    }
    return vocabulary.model_copy(update={"targets": targets})
