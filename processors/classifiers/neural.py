"""The `onnx` engine: one reading of the text by the encoder, and every label by a small head on it.

relevance -> topics (about, mentioned) -> targets discussed -> stance on each, with the sentence that shows it -> claims
from direct quotations. Scores are rounded before they are compared with a threshold, so that the last bits of a float
decide nothing.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from govwire.core.errors import ClassificationError
from govwire.core.records import Claim, Evidence, Labels, Score, StanceLabel, TopicLabel
from govwire.core.vocabulary import Target, Vocabulary
from processors.classifiers import NO_EPOCH, Document, digest_of
from processors.classifiers.actors import Actors
from processors.classifiers.encoder import Encoder, Reading, Sentence, Vector
from processors.classifiers.facets import Facets
from processors.classifiers.heads import SIDES, STANCES, Heads, between, load_heads, mixed, toward, whole
from processors.classifiers.quotations import Quotation, quotations
from processors.classifiers.sentences import Span
from processors.classifiers.terms import Relevance, TermList

MODEL = Path(__file__).parent / "model"
# Every file that can change a label.
FILES = ("encoder.onnx", "heads.json", "heads.npz", "tokenizer.json")
OVERALL = "stronger_governance"
DECIMALS = 4
# The annotation guide's limit for what a text is about.
MAX_TOPICS = 4


@dataclass(frozen=True)
class _Propositions:
    """A target's sentences as vectors."""

    proposition: Vector
    sides: dict[str, Vector]  # what a sentence that shows a stance is like


def _propositions(targets: Mapping[str, Target], encoder: Encoder) -> dict[str, _Propositions]:
    """The vectors of every target. What all propositions have in common counts half for evidence: it shows none."""
    propositions = {name: encoder.embed(target.proposition) for name, target in targets.items()}
    common = np.mean(list(propositions.values()), axis=0) / 2 if propositions else np.float64(0)
    return {
        name: _Propositions(
            proposition=propositions[name],
            sides={
                "favor": encoder.embed(target.favor) - common,
                "against": encoder.embed(target.against) - common,
                "neutral": propositions[name] - common,
            },
        )
        for name, target in targets.items()
    }


class NeuralClassifier:
    """The shipped model; labels English, and decides relevance by terms in other languages."""

    def __init__(
        self,
        encoder: Encoder,
        heads: Heads,
        vocabulary: Vocabulary,
        relevance: Relevance,
        *,
        digest: str,
        threads: int,
    ) -> None:
        self.model, self.digest = heads.facts.model, digest
        self._encoder, self._heads, self._relevance = encoder, heads, relevance
        self._topics = {name: encoder.embed(topic.description) for name, topic in vocabulary.topics.items()}
        self._targets = _propositions(vocabulary.targets, encoder)
        self._facets = Facets(vocabulary, Actors(vocabulary.actors))
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="classify")

    def classify(self, documents: Sequence[Document]) -> Sequence[Labels | ClassificationError]:
        """Labels for each document, in order; documents run side by side, each by itself."""
        return list(self._pool.map(self._try, documents))

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown()

    def _try(self, document: Document) -> Labels | ClassificationError:
        try:
            return self._facets.label(document, self._labels(document))
        except ClassificationError as error:
            return error

    def _labels(self, document: Document) -> Labels:
        whole_text = f"{document.title}. {document.text}"
        if document.language != "en":
            return self._by_terms(relevant=self._relevance.decides(whole_text, document.language))
        if not self._relevance.names_ai(whole_text, document.language):
            # Most news is of this kind: the model was never taught it, and there is nothing to ask it.
            return self._by_terms(relevant=False)
        reading = self._encoder.read(document.title, document.text)
        score = self._relevance_score(reading)
        relevant = score >= self._heads.facts.relevance_threshold
        topics = _Topics(self._heads, reading, self._topics) if relevant else None
        return Labels(
            relevant=relevant,
            relevance_score=score,
            relevance_by="model",
            topics=topics.labels() if topics else (),
            topic_scores=topics.scores() if topics else (),
            stance=self._stances(document.text, reading) if relevant else (),
            claims=self._claims(document.text, reading) if relevant else (),
            model=self.model,
            epoch=NO_EPOCH,
        )

    def _by_terms(self, *, relevant: bool) -> Labels:
        return Labels(
            relevant=relevant,
            relevance_score=float(relevant),
            relevance_by="terms",
            model=self.model,
            epoch=NO_EPOCH,
        )

    def _relevance_score(self, reading: Reading) -> float:
        if not reading.sentences:
            # A title alone: there is nothing that could show a label.
            return 0.0
        head = self._heads["relevance"]
        return _overall([float(head.probabilities(whole(one))[0]) for one in reading.windows], reading)

    def _stances(self, text: str, reading: Reading) -> tuple[StanceLabel, ...]:
        labels = []
        for name, target in self._targets.items():
            if name == OVERALL:
                gate = [1.0] * len(reading.windows)
            else:
                gate = [self._heads.likelihood("target", name, one, target.proposition) for one in reading.windows]
                if _overall(gate, reading) < self._heads.facts.target_threshold:
                    continue
            labels.append(self._stance(name, text, reading, gate))
        return tuple(labels)

    def _stance(self, name: str, text: str, reading: Reading, gate: Sequence[float]) -> StanceLabel:
        target = self._targets[name]
        # Where the target is discussed decides; everywhere, for the overall stance.
        tokens = [one.tokens for one in reading.windows]
        discussed = [own * (likely >= max(gate) / 2) for own, likely in zip(tokens, gate, strict=True)]
        head = self._heads["overall" if name == OVERALL else "pair"]
        each = [head.probabilities(toward(one.vector, one.middle, target.proposition)) for one in reading.windows]
        probabilities = np.round(mixed(each, discussed), DECIMALS)
        best = int(probabilities.argmax())
        shows = max(reading.sentences, key=lambda one: _likeness(one, target.sides[STANCES[best]]), default=None)
        return StanceLabel.model_validate(
            {
                "target": name,
                "label": STANCES[best],
                "score": _rounded(probabilities[best]),
                "evidence": _evidence(text, shows.span) if shows else None,
            }
        )

    def _claims(self, text: str, reading: Reading) -> tuple[Claim, ...]:
        return tuple(
            claim
            for quotation in quotations(text)
            if (claim := self._claim(text, quotation, _sentence(quotation, reading))) is not None
        )

    def _claim(self, text: str, quotation: Quotation, sentence: Sentence) -> Claim | None:
        chances = np.round(self._heads["claim_target"].probabilities(sentence.vector), DECIMALS)
        name = self._heads.facts.targets[int(chances.argmax())]
        if name not in self._targets:
            return None
        sides = self._heads["claim_side"].probabilities(between(sentence.vector, self._targets[name].proposition))
        favor = _rounded(sides[0])
        return Claim.model_validate(
            {
                "holder": quotation.holder,
                "target": name,
                "label": SIDES[favor >= 0.5],
                "score": _rounded(max(favor, 1 - favor)),
                "evidence": _evidence(text, quotation.span),
            }
        )


def open_neural(
    vocabulary: Vocabulary, terms: dict[str, TermList], threads: int = 0, folder: Path = MODEL
) -> NeuralClassifier:
    """The classifier whose files lie in a folder, the shipped one by default.

    Raises:
        ModelError: a file is missing or unreadable.
    """
    heads = load_heads(folder)
    files = [hashlib.sha256((folder / name).read_bytes()).digest() for name in FILES]
    digest = digest_of(heads.facts.model, vocabulary, *terms.values(), *files)
    return NeuralClassifier(Encoder(folder), heads, vocabulary, Relevance(terms), digest=digest, threads=threads)


class _Topics:
    """The likelihood of every topic in every window."""

    def __init__(self, heads: Heads, reading: Reading, descriptions: dict[str, Vector]) -> None:
        self._threshold = heads.facts.topic_threshold
        self._windows = {
            name: [heads.likelihood("topic", name, one, description) for one in reading.windows]
            for name, description in descriptions.items()
        }
        self._overall = {name: _overall(each, reading) for name, each in self._windows.items()}

    def labels(self) -> tuple[TopicLabel, ...]:
        """What the text is about, best first, then what a part of it mentions."""
        ranked = sorted(self._overall, key=lambda name: -self._overall[name])
        about = [name for name in ranked if self._overall[name] >= self._threshold][:MAX_TOPICS]
        mentioned = [name for name in ranked if name not in about and max(self._windows[name]) >= self._threshold]
        return tuple(
            TopicLabel(id=name, score=self._overall[name], role="about" if name in about else "mentioned")
            for name in (*about, *mentioned)
        )

    def scores(self) -> tuple[Score, ...]:
        """Every topic's score."""
        return tuple(Score(id=name, score=score) for name, score in self._overall.items())


def _overall(each: Sequence[float], reading: Reading) -> float:
    """One score from those of the windows: the opening's, or the mean by length where that is higher."""
    mean = float(np.average(each, weights=[one.tokens for one in reading.windows]))
    return _rounded(max(each[0], mean))


def _sentence(quotation: Quotation, reading: Reading) -> Sentence:
    """The sentence that has most of the quotation."""
    return max(reading.sentences, key=lambda one: one.span.overlap(quotation.span))


def _likeness(sentence: Sentence, side: Vector) -> float:
    return round(float(sentence.vector @ side), DECIMALS)


def _evidence(text: str, span: Span) -> Evidence:
    return Evidence(text=span.of(text), start=span.start, end=span.end)


def _rounded(number: float | np.float64) -> float:
    return round(float(number), DECIMALS)
