"""Calibration and cuts of a trained model, by the engine as it is used, on the events that are kept for choosing.

In this order, since each rests on those before: the scale of every head; the weights of what a claim's score is made
of; the cuts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from sklearn.linear_model import LogisticRegression

from govwire.core.errors import ClassificationError
from govwire.core.records import AUTHOR, Claim
from govwire.core.terms import Relevance, TermList
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import OVERALL, Document
from processors.classifiers.actors import Actors
from processors.classifiers.cache import PassageCache
from processors.classifiers.encoder import Encoder
from processors.classifiers.evaluation.claims import same_holder
from processors.classifiers.evaluation.figures import figures
from processors.classifiers.evaluation.records import Labelled
from processors.classifiers.heads import Heads, Scale
from processors.classifiers.judgement import STANCES, Cuts, Judgement, best
from processors.classifiers.labelling import MAX_TOPICS, LabellingClassifier
from processors.classifiers.neural import NeuralEngine, nearby, overall, stated
from processors.classifiers.speakers import Speakers
from processors.classifiers.training.choose import AS_GOOD, STEPS, cut, given_up, precise, scale, temperature
from processors.classifiers.training.passages import Row

log = structlog.get_logger(__name__)

# How often what is shown is to be right, on the events for choosing.
SHOWN_PRECISION = 0.55
# A stance less likely than this, of three, is no stance.
UNSURE = 0.42

END_TO_END, CLAIMS = "target_stance_end_to_end_macroF1", "claim_F1(holder,target,label)"


def _proper(vocabulary: Vocabulary) -> Vocabulary:
    """Without what is on trial: no record has a label for it."""
    topics = {name: one for name, one in vocabulary.topics.items() if not one.experimental}
    targets = {name: one for name, one in vocabulary.targets.items() if not one.experimental}
    return vocabulary.model_copy(update={"topics": topics, "targets": targets})


@dataclass
class Decisions:
    """What a yes-or-no head said, and what was so."""

    chances: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def add(self, chances: Iterable[float], right: Iterable[bool]) -> None:
        """Some more."""
        self.chances.extend(map(float, chances))
        self.right.extend(right)


class Calibration:
    """A model on its way to its facts."""

    def __init__(
        self, encoder: Encoder, heads: Heads, vocabulary: Vocabulary, terms: dict[str, TermList], rows: Sequence[Row]
    ) -> None:
        self._encoder, self._terms, self._rows = encoder, terms, rows
        self._vocabulary = _proper(vocabulary)
        self._documents = [Document(row["id"], row["title"], row["text"], row["lang"]) for row in rows]
        self._actors = Actors(vocabulary.actors)
        self.heads = heads
        self._engine = self._open()

    def run(self) -> Heads:
        """The heads with all facts chosen."""
        self._set(**self._scales())
        self._set(claim=self._claim_weights())
        self._set(**self._relevance_cuts())
        self._set(cuts=self._cuts())
        log.info("calibrated", **self.heads.facts.model_dump(exclude={"topics", "targets"}))
        return self.heads

    def _set(self, **facts: Any) -> None:
        self.heads = Heads(self.heads.facts.model_copy(update=facts), self.heads.arrays)
        self._engine = self._open()

    def _open(self) -> NeuralEngine:
        cache = PassageCache(None, "calibration")
        return NeuralEngine(
            self._encoder,
            self.heads,
            self._vocabulary,
            Relevance(self._terms),
            self._actors,
            digest="calibration",
            cache=cache,
        )

    def _alone(self) -> Iterator[tuple[Row, Any]]:
        """Records that fit one window, with what the heads say of it."""
        for row, document in zip(self._rows, self._documents, strict=True):
            windows = self._engine.windows(document)
            if len(windows) == 1:
                yield row, self._engine.passages(windows, Speakers(document.text, self._actors))[0]

    def _scales(self) -> dict[str, Scale]:
        relevance, topics, targets = Decisions(), Decisions(), Decisions()
        stances: tuple[list[Sequence[float]], list[int]] = ([], [])
        for row, passage in self._alone():
            relevance.add(passage.relevance, [row["relevant"]])
            if not row["relevant"]:
                continue
            topics.add(passage.topics, [name in row["topics"] for name in self._vocabulary.topics])
            for at, name in enumerate(self._vocabulary.targets):
                if name != OVERALL:
                    targets.add([passage.discussed[at]], [name in row["stance"]])
                if name in row["stance"]:
                    stances[0].append(passage.stance[at])
                    stances[1].append(STANCES.index(row["stance"][name]))
        return {
            "relevance": scale(relevance.chances, relevance.right),
            "topic": scale(topics.chances, topics.right),
            "target": scale(targets.chances, targets.right),
            "stance": temperature(*stances),
        }

    def _claim_weights(self) -> tuple[float, ...]:
        """A logistic regression on the parts of the model that have a say in a claim."""
        rows, right = [], []
        for row, document in zip(self._rows, self._documents, strict=True):
            if row["relevant"]:
                for holder, target, label, parts in self._stated(document):
                    rows.append(parts)
                    right.append(_holds(row, holder, target, label))
        model = LogisticRegression(C=10.0, max_iter=2000)
        model.fit(np.array(rows), np.array(right))
        return tuple(round(float(one), 4) for one in (model.intercept_[0], *model.coef_[0]))

    def _stated(self, document: Document) -> Iterator[tuple[str, str, str, Any]]:
        """What the engine could claim of a document: holder, target, label, and the parts of the score."""
        speakers = Speakers(document.text, self._actors)
        windows = self._engine.windows(document)
        for window, passage in zip(windows, self._engine.passages(windows, speakers), strict=True):
            for mention, shown in zip((None, *range(len(passage.mentions))), nearby(passage, window), strict=True):
                found = None if mention is None else speakers.holder(window.span(*passage.mentions[mention]))
                holder = AUTHOR if mention is None else found.name if found is not None else ""
                for target, stances, parts in zip(
                    self._vocabulary.targets, *stated(passage, mention, shown), strict=True
                ):
                    yield holder, target, STANCES[int(stances.argmax())], parts[1:]

    def _relevance_cuts(self) -> dict[str, float]:
        """Where a text counts as relevant, where its lead alone decides, and how sure one must be that names no AI."""
        chances, leads = [], []
        for document in self._documents:
            windows = self._engine.windows(document)
            leads.append(self._engine.lead(windows))
            passages = self._engine.passages(windows, Speakers(document.text, self._actors))
            chances.append(overall([float(one.relevance[0]) for one in passages], windows))
        right = [row["relevant"] for row in self._rows]
        chosen = cut(chances, right, average="macro")
        hopeless = given_up(leads, [chance >= chosen for chance in chances], right)
        log.info("given_up", share=round(float(np.mean([lead < hopeless for lead in leads])), 3))
        return {"relevance_cut": chosen, "unnamed_cut": round((1 + chosen) / 2, 3), "hopeless": hopeless}

    def _cuts(self) -> Cuts:
        """Topics and targets by their figures; claims by theirs, and what is shown by how often it is right."""
        judged = [self._engine.judge(document) for document in self._documents]
        self._engine.cuts = Cuts(topic=0.5, target=0.5, unsure=UNSURE, candidate=float(STEPS[0]), shown=1.0)
        labels = LabellingClassifier(self._engine, self._vocabulary, self._terms).classify(self._documents)
        claims = [() if isinstance(one, ClassificationError) else one.claims for one in labels]
        topic = self._best("topic_microF1", lambda cut: [{"topics": _topics(one, cut)} for one in judged])
        target = self._best(END_TO_END, lambda cut: [{"stance": _stance(one, cut)} for one in judged])
        candidate = self._best(CLAIMS, lambda cut: [{"claims": _above(some, cut)} for some in claims])
        scores = [claim.score for some in claims for claim in some]
        right = [
            _holds(row, claim.holder, claim.target, claim.label)
            for row, some in zip(self._rows, claims, strict=True)
            for claim in some
        ]
        told = sum(len(row["claims"]) for row in self._rows)
        log.info("shown_by_cut", **{f"{step:.2f}": _precision_recall(scores, right, step, told) for step in STEPS[::5]})
        shown = max(candidate, precise(scores, right, SHOWN_PRECISION))
        return Cuts(topic=topic, target=target, unsure=UNSURE, candidate=candidate, shown=shown)

    def _best(self, figure: str, said: Callable[[float], Sequence[dict[str, Any]]]) -> float:
        """The middle of the cuts whose figure is as good as the best."""
        gold = [Labelled.model_validate(row) for row in self._rows]
        steps = STEPS[::5]
        values = []
        for step in steps:
            labels = [
                Labelled.model_validate({"id": row["id"], "relevant": row["relevant"], **labels})
                for row, labels in zip(self._rows, said(float(step)), strict=True)
            ]
            values.append(figures(list(zip(gold, labels, strict=True)))[figure])
        good = np.array(values) >= max(values) - AS_GOOD
        return round(float(steps[good].mean()), 2)


def _topics(judgement: Judgement, cut: float) -> list[str]:
    ranked = sorted(judgement.topics, key=lambda name: -judgement.topics[name].overall)
    return [name for name in ranked if judgement.topics[name].overall >= cut][:MAX_TOPICS]


def _stance(judgement: Judgement, cut: float) -> dict[str, str]:
    return {one.target: best(one.stance) for one in judgement.targets if one.chance >= cut}


def _above(claims: Sequence[Claim], cut: float) -> list[dict[str, str]]:
    return [
        {"holder": claim.holder, "target": claim.target, "label": claim.label} for claim in claims if claim.score >= cut
    ]


def _holds(row: Row, holder: str, target: str, label: str) -> bool:
    """Whether the record has that claim."""
    return any(
        (one["target"], one["label"]) == (target, label) and same_holder(one["holder"], holder) for one in row["claims"]
    )


def _precision_recall(scores: Sequence[float], right: Sequence[bool], cut: float, told: int) -> tuple[float, float]:
    """How many of the claims above a cut are right, and how many of those told are found."""
    above = [yes for score, yes in zip(scores, right, strict=True) if score >= cut]
    return round(sum(above) / max(1, len(above)), 3), round(sum(above) / told, 3)
