"""The `onnx` engine: one reading of the text by the encoder, and every chance by a small head on it.

A text's lead is read first, and no more where that is hopeless. Else each window is read for relevance, topics, targets
discussed, stance toward each, who holds what (a mention, or the text itself), and which sentence shows it; then the
windows are put together.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from govwire.core.terms import Relevance, TermList
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import OVERALL, Document, digest_of
from processors.classifiers.actors import Actors
from processors.classifiers.cache import PassageCache
from processors.classifiers.encoder import Encoder, Tokens, Vector, Window
from processors.classifiers.heads import Heads, Questions, Targets, load_heads, logit, sigmoid
from processors.classifiers.judgement import (
    DECIMALS,
    FAINT,
    STANCES,
    Discussed,
    Judgement,
    Prominence,
    Stance,
    Statement,
    rounded,
)
from processors.classifiers.passage import Passage, PassageReader
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Speakers

MODEL = Path(__file__).parent / "model"
# Every file that can change a judgement.
FILES = ("encoder.onnx", "heads.json", "heads.npz", "tokenizer.json")
# What is read of a text before anything else: enough to tell most of what is irrelevant.
LEAD_TOKENS = 64
# How often the sentence so many after the mention shows its claim, against the mention's own.
NEAR = {0: 1.0, 1: 0.5, -1: 0.3, 2: 0.2}
FAR = 0.05
ELSEWHERE = 0.3
# A sentence that shows nothing has no say in the stance.
BLUR = 0.02
# The opening of an article tells more of its stance than a part further down.
LEAD_WEIGHT = 1.5


class NeuralEngine:
    """The shipped model. May be used from several threads."""

    def __init__(
        self,
        encoder: Encoder,
        heads: Heads,
        vocabulary: Vocabulary,
        relevance: Relevance,
        actors: Actors,
        *,
        digest: str,
        cache: PassageCache,
    ) -> None:
        self.model, self.digest, self.cuts = heads.facts.model, digest, heads.facts.cuts
        self._encoder, self._heads, self._terms, self._cache = encoder, heads, relevance, cache
        self._actors = actors
        self._topics, self._targets = tuple(vocabulary.topics), tuple(vocabulary.targets)
        topics = [encoder.embed(f"{one.label}: {one.description}").middle for one in vocabulary.topics.values()]
        propositions = [encoder.embed(one.proposition) for one in vocabulary.targets.values()]
        means, middles = (
            np.stack(each) for each in zip(*((one.last, one.middle) for one in propositions), strict=True)
        )
        self._reader = PassageReader(
            encoder,
            heads,
            topics=Questions(heads, "topic", self._topics, np.stack(topics)),
            targets=Targets(heads, self._targets, means, middles),
        )

    def judge(self, document: Document) -> Judgement:
        """The judgement of one English text.

        Raises:
            ClassificationError: the tokenizer or the model fails on it.
        """
        windows = self.windows(document)
        if not windows[0].sentences:
            # A title alone: there is nothing that could show a label.
            return _irrelevant(0.0)
        cut = self._cut(document)
        lead = self.lead(windows)
        is_hopeless = lead < min(cut, self._heads.facts.hopeless)
        if is_hopeless and not document.is_vouched:
            return _irrelevant(lead)
        speakers = Speakers(document.text, self._actors)
        passages = self.passages(windows, speakers)
        relevance = overall([float(one.relevance[0]) for one in passages], windows)
        if relevance < cut and not document.is_vouched:
            return _irrelevant(relevance)
        return Judgement(
            relevant=relevance >= cut and not is_hopeless,
            relevance=relevance,
            relevance_by="model",
            topics=self._prominences(passages, windows),
            targets=tuple(self._discussed(passages, windows)),
            statements=tuple(one for pair in zip(passages, windows, strict=True) for one in self._statements(*pair)),
            speakers=speakers,
        )

    def close(self) -> None:
        """Release the cache."""
        self._cache.close()

    def windows(self, document: Document) -> list[Window]:
        """The windows in which a document is read.

        Raises:
            ClassificationError: the tokenizer fails on it.
        """
        return self._encoder.windows(document.title, document.text)

    def lead(self, windows: Sequence[Window]) -> float:
        """The relevance of the beginning alone."""
        return rounded(self._reader.relevance(windows[0].lead(LEAD_TOKENS)))

    def _cut(self, document: Document) -> float:
        """Most news does not name AI, and of that the model saw little: it has to be surer there."""
        named = self._terms.names_ai(f"{document.title}. {document.text}", document.language)
        return self._heads.facts.relevance_cut if named else self._heads.facts.unnamed_cut

    def passages(self, windows: Sequence[Window], speakers: Speakers) -> list[Passage]:
        """What the heads say of the windows of a text, from the cache where it is there.

        Raises:
            ClassificationError: the model fails on it.
        """
        speaking = set(speakers.speaking())
        mentions = [(mention, mention in speaking and speakers.refers(mention)) for mention in speakers.mentions()]
        return [self._passage(window, _within(window, mentions)) for window in windows]

    def _passage(self, window: Window, mentions: Mapping[Tokens, bool]) -> Passage:
        places = (number for mention, speaks in mentions.items() for number in (*mention, speaks))
        asked = np.array([*window.ids, *places], np.int32)
        key = hashlib.blake2b(asked.tobytes(), digest_size=16).digest()
        kept = self._cache.get(key)
        if kept is not None:
            return Passage.unpack(kept)
        passage = self._reader.read(window, mentions)
        self._cache.put(key, passage.pack())
        return passage

    def _prominences(self, passages: Sequence[Passage], windows: Sequence[Window]) -> dict[str, Prominence]:
        chances = np.stack([one.topics for one in passages])
        return {
            name: Prominence(overall(chances[:, at].tolist(), windows), rounded(chances[:, at].max()))
            for at, name in enumerate(self._topics)
        }

    def _discussed(self, passages: Sequence[Passage], windows: Sequence[Window]) -> Iterator[Discussed]:
        lengths = np.array([len(one.ids) for one in windows], np.float64)
        lengths[0] *= LEAD_WEIGHT
        for at, name in enumerate(self._targets):
            chances = np.array([float(one.discussed[at]) for one in passages])
            # Where the target is discussed decides; everywhere, for the overall stance.
            weights = lengths if name == OVERALL else lengths * chances
            stance = np.average([one.stance[at] for one in passages], axis=0, weights=np.maximum(weights, 1e-9))
            yield Discussed(
                target=name,
                chance=1.0 if name == OVERALL else rounded(chances.max()),
                stance=_by_stance(stance),
                evidence=dict(self._evidence(at, passages, windows)),
            )

    def _evidence(
        self, at: int, passages: Sequence[Passage], windows: Sequence[Window]
    ) -> Iterator[tuple[Stance, Span]]:
        """For each stance, the sentence of all the text that shows it most."""
        shown = np.concatenate([one.shown[:, at, 1:] for one in passages]).round(DECIMALS)
        spans = [sentence.span for window in windows for sentence in window.sentences]
        for stance, clearest in zip(STANCES, shown.argmax(axis=0), strict=True):
            yield stance, spans[clearest]

    def _statements(self, passage: Passage, window: Window) -> Iterator[Statement]:
        spans = [sentence.span for sentence in window.sentences]
        for mention, shown in zip((None, *range(len(passage.mentions))), nearby(passage, window), strict=True):
            stances, parts = stated(passage, mention, shown)
            chances = stances * sigmoid(parts @ np.array(self._heads.facts.claim))[:, np.newaxis]
            clearest = shown[..., 1:].argmax(axis=0)
            for at in np.flatnonzero(chances.sum(axis=1) >= FAINT):
                yield Statement(
                    mention=None if mention is None else window.span(*passage.mentions[mention]),
                    target=self._targets[at],
                    chances=_by_stance(chances[at]),
                    evidence={stance: spans[clearest[at, number]] for number, stance in enumerate(STANCES)},
                )


def stated(passage: Passage, mention: int | None, shown: Vector) -> tuple[Vector, Vector]:
    """For each target, the chances of each stance, if a mention holds one; and what the score that it does is made of.

    The stance is what the mention and its clearest sentence say together. The score is made of 1 and the logits of all
    that has a say in it: the mention, the sentence, whether the target is discussed, how clear the stance is, whether
    the whole text has the same, and the tag; and of whether it is the text itself.
    """
    claims = passage.author if mention is None else passage.claims[mention]
    targets = np.arange(len(claims))
    clearest = shown[shown[..., 1:].sum(axis=2).argmax(axis=0), targets, 1:]
    stances = np.sqrt(claims[:, 1:] * (clearest + BLUR))
    stances /= stances.sum(axis=1, keepdims=True)
    best = stances.argmax(axis=1)
    of_best = [each[targets, best] for each in (clearest, stances, passage.stance)]
    logits = logit(np.stack([1 - claims[:, 0], of_best[0], passage.discussed, *of_best[1:]], axis=1))
    tagged = 0.0 if mention is None else float(logit(passage.tagged[mention]))
    ends = np.broadcast_to([tagged, mention is None], (len(claims), 2))
    return stances, np.hstack([np.ones((len(claims), 1)), logits, ends])


def nearby(passage: Passage, window: Window) -> Iterator[Vector]:
    """What the sentences show, weighted by how readily each shows a claim: of the text itself, then of each mention."""
    yield passage.shown.astype(np.float64)
    of_mentions = [window.sentence_of(int(first)) for first, _ in passage.mentions]
    for own in of_mentions:
        # Another sentence where somebody else is named rather shows a position of theirs.
        weights = [
            NEAR.get(number - own, FAR) * (ELSEWHERE if number != own and number in of_mentions else 1)
            for number in range(len(window.sentences))
        ]
        yield passage.shown * np.array(weights)[:, np.newaxis, np.newaxis]


def open_neural(
    vocabulary: Vocabulary,
    terms: dict[str, TermList],
    folder: Path = MODEL,
    *,
    cache: Path | None = None,
    entries: int = 0,
) -> NeuralEngine:
    """The engine whose files lie in a folder, the shipped one by default; it keeps so many passages in a cache.

    Raises:
        ModelError: a file is missing or unreadable.
    """
    heads = load_heads(folder)
    files = [hashlib.sha256((folder / name).read_bytes()).digest() for name in FILES]
    digest = digest_of(heads.facts.model, vocabulary, *files)
    kept = PassageCache(cache, digest, entries)
    actors = Actors(vocabulary.actors)
    return NeuralEngine(Encoder(folder), heads, vocabulary, Relevance(terms), actors, digest=digest, cache=kept)


def _within(window: Window, mentions: Iterable[tuple[Span, bool]]) -> dict[Tokens, bool]:
    """The mentions that are in a window, as its tokens."""
    found = ((window.tokens_of(mention), speaks) for mention, speaks in mentions)
    return {tokens: speaks for tokens, speaks in found if tokens is not None}


def _irrelevant(relevance: float) -> Judgement:
    return Judgement(relevant=False, relevance=relevance, relevance_by="model")


def overall(each: Sequence[float], windows: Sequence[Window]) -> float:
    """One chance from those of the windows: the opening's, or the mean by length where that is higher."""
    mean = float(np.average(each, weights=[len(one.ids) for one in windows]))
    return rounded(max(each[0], mean))


def _by_stance(chances: Iterable[float]) -> dict[Stance, float]:
    return {stance: rounded(chance) for stance, chance in zip(STANCES, chances, strict=True)}
