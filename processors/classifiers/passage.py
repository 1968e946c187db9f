"""A passage: everything the heads say of one window, as arrays; what the passage cache keeps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.classifiers.encoder import Encoder, Reading, Tokens, Vector, Window
from processors.classifiers.heads import BEGIN, INSIDE, OUTSIDE, Heads, Questions, Targets

# A token is taken for a holder's from this chance on: claims are cut later, by what is said of them as a whole.
TAGGED = 0.3


@dataclass(frozen=True)
class Passage:
    """Chances, single precision, so that what comes out of the cache is what went in.

    Targets are in the order of the vocabulary; of the last axis, 4 are no claim and each stance, 3 each stance.
    """

    relevance: Vector  # [1]
    topics: Vector  # [topics]
    discussed: Vector  # [targets]
    stance: Vector  # [targets, 3]
    shown: Vector  # [sentences, targets, 4]
    author: Vector  # [targets, 4]
    mentions: NDArray[np.int64]  # [mentions, 2]: first token and end
    tagged: Vector  # [mentions]: that each is a holder
    claims: Vector  # [mentions, targets, 4]

    def pack(self) -> bytes:
        """As bytes."""
        file = BytesIO()
        np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        return file.getvalue()

    @staticmethod
    def unpack(packed: bytes) -> "Passage":
        """From bytes."""
        with np.load(BytesIO(packed), allow_pickle=False) as arrays:
            return Passage(**{name: arrays[name] for name in arrays.files})


class PassageReader:
    """Reads windows by an encoder and its heads, asking about topics and targets."""

    def __init__(self, encoder: Encoder, heads: Heads, *, topics: Questions, targets: Targets) -> None:
        self._encoder, self._heads, self._topics, self._targets = encoder, heads, topics, targets

    def relevance(self, window: Window) -> float:
        """The chance that a window is relevant, alone."""
        return self._heads.relevance(self._whole(self._encoder.read(window)))

    def read(self, window: Window, mentions: Mapping[Tokens, bool]) -> Passage:
        """Everything about a window with at least one sentence.

        `mentions` are tokens that may hold a position, and whether they are given the word under another name.

        Raises:
            ClassificationError: the model fails on it.
        """
        targets = self._targets
        reading = self._encoder.read(window, targets.tokens)
        whole, answers = self._whole(reading), targets.answers(reading.asked)
        found = [reading.mean(one.first, one.end) for one in window.sentences]
        shown, affirmed = targets.shown(self._heads.normal("sentence_norm", np.stack(found)), answers)
        tags = self._heads.tags(reading.tokens)
        # Where a name begins and ends, rules know better than the tags; that it holds something, the tags.
        tagged = [
            span for span, speaks in mentions.items() if speaks or 1 - tags[slice(*span), OUTSIDE].min() >= TAGGED
        ]
        held = [*tagged, *apart(spans(tags, window), tagged)]
        chances = np.array([1 - tags[slice(*span), OUTSIDE].min() for span in held])
        own = [window.sentence_of(first) for first, _ in held]
        claims = np.zeros((0, *shown.shape[1:]))
        if held:
            claims = self._claims(reading, answers, held, [found[at] for at in own])
            # Where the rules alone say that it speaks, it holds what its sentence shows.
            claims[chances < TAGGED] = shown[own][chances < TAGGED]
        arrays = {
            "relevance": np.array([self._heads.relevance(whole)]),
            "topics": self._topics.chances(whole),
            "discussed": targets.discussed(whole, answers),
            "stance": targets.stance(whole, answers, shown, affirmed),
            "shown": shown,
            "author": targets.claims("author", whole, answers),
            "tagged": chances,
            "claims": claims,
        }
        single: dict[str, Any] = {name: array.astype(np.float32) for name, array in arrays.items()}
        return Passage(mentions=np.array(held, np.int64).reshape(-1, 2), **single)

    def _claims(self, reading: Reading, answers: Vector, held: Sequence[Tokens], sentences: Sequence[Vector]) -> Vector:
        """What each mention holds, by its own tokens and its sentence."""
        near = [np.concatenate([reading.mean(*span), of]) for span, of in zip(held, sentences, strict=True)]
        return self._targets.claims("claim", self._heads.normal("mention_norm", np.stack(near)), answers)

    def _whole(self, reading: Reading) -> Vector:
        return self._heads.normal("whole_norm", reading.whole)


def apart(spans: Iterable[Tokens], others: Sequence[Tokens]) -> Iterator[Tokens]:
    """Those that share no token with the others."""
    return (span for span in spans if not any(span[0] < end and first < span[1] for first, end in others))


def spans(tags: Vector, window: Window) -> Iterator[Tokens]:
    """The tokens of the text that the tags mark as holders, first and end."""
    at, end = window.first, len(window.ids) - 1
    while at < end:
        first = at
        at += 1
        if tags[first, BEGIN] > TAGGED:
            while at < end and tags[at, INSIDE] > max(TAGGED, tags[at, BEGIN]):
                at += 1
            yield first, at
