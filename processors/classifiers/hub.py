"""The `hub` engine: a zero-shot NLI model or a sequence classifier of the Hugging Face hub in the heads' place.

An NLI model is asked by hypotheses made of the vocabulary; a sequence classifier answers what its labels are named
after, and the term lists the rest. A text is read in windows of whole sentences, and no further than so many of them,
so that its length does not matter; stances are shown, and claims made, by single sentences.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from govwire.core.errors import ConfigError, ModelError
from govwire.core.settings import Settings
from govwire.core.terms import Relevance, TermList
from govwire.core.vocabulary import Target, Vocabulary
from processors.classifiers import OVERALL, Document
from processors.classifiers.actors import Actors
from processors.classifiers.hub_model import Chances, HubModel
from processors.classifiers.judgement import STANCES, Cuts, Discussed, Judgement, Prominence, Stance, Statement, rounded
from processors.classifiers.keyword import KeywordEngine
from processors.classifiers.sentences import Span, sentences
from processors.classifiers.speakers import Speakers

# Of how this engine asks; raised when that changes.
VERSION = "hub-1"
# What may be asked: whether a text is relevant, topics by their ids, and stances as `target:favor`.
RELEVANT = "relevant"
RELEVANCE_CUT = 0.5
RELEVANCE_HYPOTHESIS = "This text is about how artificial intelligence is, should be or should not be governed."
# What a window must hold beside the longest hypothesis: fewer tokens are no passage.
LEAST_TOKENS = 32
# A token of English has more characters; hence what has no more of them fits a window, as good as always.
LEAST_CHARACTERS = 2
# The title is context in every window; what is longer is none.
TITLE_CHARACTERS = 200

Columns = Mapping[str, Chances]


class Asked(Protocol):
    """A model with the questions that it can answer."""

    model: HubModel
    questions: frozenset[str]
    room: int  # tokens of a text beside any question

    def ask(self, texts: Sequence[str], questions: Sequence[str]) -> Columns:
        """For each question the chances that the answer is yes, text by text.

        Raises:
            ClassificationError: the model fails on a text.
        """


class Hypotheses:
    """An NLI model: a question is a hypothesis, and yes is that the text entails it."""

    def __init__(self, model: HubModel, vocabulary: Vocabulary) -> None:
        """Put the vocabulary into hypotheses.

        Raises:
            ConfigError: one of them leaves no room for a text.
        """
        self.model = model
        self._entailment = next(index for label, index in model.labels.items() if _is_entailment(label))
        self._hypotheses = dict(_hypotheses(vocabulary))
        self.questions = frozenset(self._hypotheses)
        room = {question: model.room(hypothesis) for question, hypothesis in self._hypotheses.items()}
        self.room = min(room.values())
        problems = [
            f"{question}: its sentence leaves {tokens} of {model.max_tokens} tokens to a text; shorten it, or raise"
            " classify.hub_max_tokens as far as the model allows"
            for question, tokens in room.items()
            if tokens < LEAST_TOKENS
        ]
        if problems:
            raise ConfigError(problems)

    def ask(self, texts: Sequence[str], questions: Sequence[str]) -> Columns:
        """Every text with every hypothesis."""
        pairs = [(text, self._hypotheses[question]) for question in questions for text in texts]
        entailed = self.model.chances([text for text, _ in pairs], [asked for _, asked in pairs])[:, self._entailment]
        return dict(zip(questions, entailed.reshape(len(questions), len(texts)), strict=True))


class Labelled:
    """A sequence classifier: it answers what its labels are named after."""

    def __init__(self, model: HubModel, vocabulary: Vocabulary) -> None:
        """Match labels with the vocabulary.

        Raises:
            ModelError: a label names nothing in it, or two name the same.
        """
        self.model = model
        known = {RELEVANT, *vocabulary.topics}
        known |= {f"{target}:{stance}" for target in vocabulary.targets for stance in STANCES}
        self._columns = {label.casefold(): index for label, index in model.labels.items()}
        unknown = sorted(label for label in model.labels if label.casefold() not in known)
        if unknown or len(self._columns) < len(model.labels):
            raise ModelError(
                f"model {model.name}: labels that name no topic, no TARGET:STANCE and not 'relevant', or one twice:"
                f" {', '.join(unknown or sorted(model.labels))}; rename them in id2label and label2id of config.json"
            )
        self.questions = frozenset(self._columns)
        self.room = model.room()

    def ask(self, texts: Sequence[str], questions: Sequence[str]) -> Columns:
        """Every text once."""
        chances = self.model.chances(texts)
        return {question: chances[:, self._columns[question]] for question in questions}


@dataclass(frozen=True)
class _Window:
    """A stretch of the text as the model gets it, with its sentences, or the parts of long ones."""

    text: str
    tokens: int
    sentences: tuple[Span, ...]


class HubEngine:
    """A model of the hub with the vocabulary. May be used from several threads."""

    # The scores of such a model are not calibrated: even chances, and a claim is shown when it is clearly above.
    cuts = Cuts(topic=0.5, target=0.5, unsure=0.5, candidate=0.5, shown=0.8)

    def __init__(self, asked: Asked, vocabulary: Vocabulary, terms: dict[str, TermList], windows: int) -> None:
        self.model = asked.model.name
        self._asked, self._windows = asked, windows
        self._keyword, self._terms = KeywordEngine(vocabulary, terms), Relevance(terms)
        self._actors = Actors(vocabulary.actors)
        self._topics = tuple(topic for topic in vocabulary.topics if topic in asked.questions)
        by_target = {name: tuple(q for q in asked.questions if q.startswith(f"{name}:")) for name in vocabulary.targets}
        self._targets = {name: tuple(sorted(questions)) for name, questions in by_target.items() if questions}
        # Whether the term lists have something to answer beside it.
        self._is_partial = {*vocabulary.topics, *vocabulary.targets} > {*self._topics, *self._targets}
        parts = (VERSION, self._keyword.digest, asked.model.digest, str(asked.model.max_tokens), str(windows))
        self.digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def judge(self, document: Document) -> Judgement:
        """The judgement of one English text; one without a term of AI is irrelevant, and the model is not asked.

        Raises:
            ClassificationError: the model fails on it.
            ModelError: the device fails.
        """
        is_hopeless = not self._terms.names_ai(_whole(document), "en")
        windows = self._read(document) if document.is_vouched or not is_hopeless else []
        unasked = Judgement(relevant=False, relevance=0.0, relevance_by="terms")
        if not windows:
            return unasked
        judgement = unasked if is_hopeless else self._relevance(document, windows)
        is_labelled = judgement.relevant or document.is_vouched
        return self._labelled(document, windows, judgement) if is_labelled else judgement

    def close(self) -> None:
        """Nothing is held but memory."""

    def _relevance(self, document: Document, windows: Sequence[_Window]) -> Judgement:
        if RELEVANT not in self._asked.questions:
            relevant = self._terms.decides(_whole(document), "en")
            return Judgement(relevant=relevant, relevance=float(relevant), relevance_by="terms")
        chance = _overall(self._asked.ask([one.text for one in windows], [RELEVANT])[RELEVANT], windows)
        return Judgement(relevant=chance >= RELEVANCE_CUT, relevance=chance, relevance_by="model")

    def _labelled(self, document: Document, windows: Sequence[_Window], judgement: Judgement) -> Judgement:
        counted = self._keyword.count(document) if self._is_partial else judgement
        questions = [*self._topics, *(question for group in self._targets.values() for question in group)]
        told = self._asked.ask([window.text for window in windows], questions) if questions else {}
        topics = {name: Prominence(_overall(told[name], windows), rounded(told[name].max())) for name in self._topics}
        discussed = {name: self._discussed(name, told, windows) for name in self._targets}
        asked = [name for name, one in discussed.items() if name == OVERALL or one.chance >= self.cuts.target]
        spans = [span for window in windows for span in window.sentences]
        shown = self._shown(asked, [span.of(document.text) for span in spans])
        for name in asked:
            discussed[name] = Discussed(name, discussed[name].chance, discussed[name].stance, _most(shown[name], spans))
        return replace(
            judgement,
            topics={**counted.topics, **topics},
            targets=(*discussed.values(), *(one for one in counted.targets if one.target not in self._targets)),
            statements=(
                *self._statements(document.text, spans, shown),
                *(one for one in counted.statements if one.target not in self._targets),
            ),
        )

    def _discussed(self, name: str, told: Columns, windows: Sequence[_Window]) -> Discussed:
        chances = np.max([told[question] for question in self._targets[name]], axis=0)
        # Where the target is discussed decides.
        weights = np.maximum(chances * [window.tokens for window in windows], 1e-9)
        sides = [float(np.average(told[one], weights=weights)) if one in told else None for one in _sides(name)]
        return Discussed(name, rounded(chances.max()), _stance(*sides))

    def _shown(self, targets: Sequence[str], texts: Sequence[str]) -> dict[str, Chances]:
        """How much each sentence is for and against each target [sentences, 2]."""
        sides = {name: [one for one in _sides(name)[:2] if one in self._targets[name]] for name in targets}
        questions = [question for group in sides.values() for question in group]
        told = self._asked.ask(texts, questions) if questions else {}
        nothing = np.zeros(len(texts))
        return {name: np.stack([told.get(one, nothing) for one in _sides(name)[:2]], axis=1) for name in targets}

    def _statements(self, text: str, spans: Sequence[Span], shown: Mapping[str, Chances]) -> Iterator[Statement]:
        """What sentences say in which somebody is given the word."""
        speaking = Speakers(text, self._actors).speaking() if shown else []
        for at, span in enumerate(spans):
            mention = next((one for one in speaking if span.overlap(one)), None)
            if mention is not None:
                for name, chances in shown.items():
                    against, favor = chances[at] / max(1.0, float(chances[at].sum()))
                    said: dict[Stance, float] = {"against": rounded(against), "favor": rounded(favor), "neutral": 0.0}
                    yield Statement(mention, name, said, dict.fromkeys(STANCES, span))

    def _read(self, document: Document) -> list[_Window]:
        """The windows of a text, as many as are read."""
        heading = f"{document.title[:TITLE_CHARACTERS]}. " if document.title else ""
        count = self._asked.model.count
        room = max(self._asked.room - count(heading), self._asked.room // 2)
        windows: list[_Window] = []
        held: list[Span] = []
        tokens = 0
        for span in _pieces(document.text, room * LEAST_CHARACTERS):
            more = min(count(span.of(document.text)), room)
            if tokens + more > room:
                windows.append(_window(document.text, heading, held, tokens))
                held, tokens = [], 0
                if len(windows) == self._windows:
                    return windows
            held.append(span)
            tokens += more
        return [*windows, _window(document.text, heading, held, tokens)] if held else windows


def open_hub(settings: Settings, vocabulary: Vocabulary, terms: dict[str, TermList]) -> HubEngine:
    """The engine with the model that the settings name.

    Raises:
        ConfigError: the extra is not installed, there is no such device, or a sentence of the vocabulary is too long.
        ModelError: the model cannot be had, or its labels are not of the vocabulary.
    """
    model = HubModel(settings.classify)
    is_nli = any(map(_is_entailment, model.labels))
    asked: Asked = Hypotheses(model, vocabulary) if is_nli else Labelled(model, vocabulary)
    return HubEngine(asked, vocabulary, terms, settings.classify.hub_windows)


def _whole(document: Document) -> str:
    return f"{document.title}. {document.text}"


def _is_entailment(label: str) -> bool:
    return label.casefold().startswith("entail")


def _hypotheses(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    yield RELEVANT, RELEVANCE_HYPOTHESIS
    for topic in vocabulary.topics.values():
        yield topic.id, f"This text is about {topic.label}: {topic.description}"
    for target in vocabulary.targets.values():
        yield f"{target.id}:favor", target.favor
        yield f"{target.id}:against", target.against
        yield f"{target.id}:discussed", f"This text discusses whether {_inside(target)}"


def _inside(target: Target) -> str:
    """A proposition as it goes on a sentence."""
    first, rest = target.proposition[:1], target.proposition[1:]
    return target.proposition if rest[:1].isupper() else first.lower() + rest


def _sides(name: str) -> tuple[str, ...]:
    return tuple(f"{name}:{stance}" for stance in STANCES)


def _stance(against: float | None, favor: float | None, neutral: float | None) -> dict[Stance, float]:
    """The chances of each stance, 1 together; what is asked by no question is what the others leave."""
    sides = (against or 0.0) + (favor or 0.0)
    rest = max(0.0, 1 - sides) if neutral is None else neutral
    total = sides + rest
    chances = (against or 0.0, favor or 0.0, rest) if total else (0.0, 0.0, 1.0)
    return {stance: rounded(chance / (total or 1.0)) for stance, chance in zip(STANCES, chances, strict=True)}


def _most(chances: Chances, spans: Sequence[Span]) -> dict[Stance, Span]:
    """The sentence that shows each stance most; of neutral, the one that has most of both sides."""
    columns = (*chances.T, chances.sum(axis=1))
    return {stance: spans[int(column.round(4).argmax())] for stance, column in zip(STANCES, columns, strict=True)}


def _pieces(text: str, longest: int) -> Iterator[Span]:
    """Sentences; those of more characters in parts, where there is a space."""
    for span in sentences(text):
        start = span.start
        while span.end - start > longest:
            space = text.rfind(" ", start + 1, start + longest)
            end = space if space > 0 else start + longest
            yield Span(start, end)
            start = end + (space > 0)
        yield Span(start, span.end)


def _window(text: str, heading: str, held: Sequence[Span], tokens: int) -> _Window:
    return _Window(heading + text[held[0].start : held[-1].end], tokens, tuple(held))


def _overall(chances: Chances, windows: Sequence[_Window]) -> float:
    """One chance from those of the windows: the opening's, or the mean by length where that is higher."""
    mean = float(np.average(chances, weights=[window.tokens for window in windows]))
    return rounded(max(float(chances[0]), mean))
