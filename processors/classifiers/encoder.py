"""The encoder: texts to vectors. The only door to ONNX Runtime and to transformers' tokenizers.

A text is read whole, in windows of whole sentences; each window runs alone, on one thread, and is never padded. Hence
its vectors depend on nothing else in the batch, to the last bit, however many threads there are; documents run side by
side in threads of the caller's, which on a CPU is also the fastest way. Weights lie in the file as int8 for each output
channel and are made float once, at load, so that no activation is rounded and no scale is taken from a batch.
"""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from govwire.core.errors import ClassificationError, ModelError
from processors.classifiers.sentences import Span, sentences

Vector = NDArray[np.float32]

Tokens = tuple[int, int]  # the first token of a stretch of a window, and its end

# A passage of news is seldom longer; the time that attention takes grows with the square of it.
WINDOW_TOKENS = 384
# The title is context in every window.
TITLE_TOKENS = 40
SIZE = 384  # of a vector
NOTHING: Vector = np.zeros((0, SIZE), np.float32)
OUTPUTS = ("token_vectors", "middle_vectors", "asked_vectors")


@dataclass(frozen=True)
class Sentence:
    """A sentence of the text, or the part of a long one that is in a window: tokens `first` to `end` of the window."""

    span: Span
    first: int
    end: int


@dataclass(frozen=True)
class Window:
    """A stretch of the text as the model gets it: [CLS] title [SEP] sentences [SEP]."""

    ids: tuple[int, ...]
    tokens: tuple[Span, ...]  # where the tokens of the text lie in it; the first of them is number `first`
    first: int
    sentences: tuple[Sentence, ...]

    def tokens_of(self, span: Span) -> Tokens | None:
        """The tokens, first and end, that have a part of a stretch of the text; None where there are none."""
        first = bisect_right(self.tokens, span.start, key=lambda token: token.end)
        end = bisect_left(self.tokens, span.end, key=lambda token: token.start)
        return (self.first + first, self.first + end) if first < end else None

    def sentence_of(self, token: int) -> int:
        """The number of the sentence that has a token of the text."""
        return next(number for number, one in enumerate(self.sentences) if one.first <= token < one.end)

    def lead(self, tokens: int) -> "Window":
        """Its beginning, whole sentences as far as they fit; at least one."""
        kept = [one for one in self.sentences if one.end < tokens] or list(self.sentences[:1])
        end = min(kept[-1].end, max(tokens, self.first + 1))
        return Window((*self.ids[:end], self.ids[-1]), self.tokens[: end - self.first], self.first, tuple(kept))

    def span(self, first: int, end: int) -> Span:
        """The stretch of the text that these tokens cover."""
        return Span(self.tokens[first - self.first].start, self.tokens[end - 1 - self.first].end)


@dataclass(frozen=True)
class Reading:
    """The vectors of a window: of each token [tokens, size], after the last layer; the mean after the middle one.

    And those of what was asked along with it [asked, size], after the last layer.
    """

    tokens: Vector
    middle: Vector
    asked: Vector

    @property
    def last(self) -> Vector:
        """The mean vector after the last layer."""
        return np.asarray(self.tokens.mean(axis=0))

    @property
    def whole(self) -> Vector:
        """The mean vectors of both layers: the words and the meaning."""
        return np.concatenate([self.middle, self.last])

    def mean(self, first: int, end: int) -> Vector:
        """The mean vector of some tokens."""
        return np.asarray(self.tokens[first:end].mean(axis=0))


class Encoder:
    """The fine-tuned all-MiniLM-L6-v2 from the files of a folder. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        # Else importing transformers warns that PyTorch is missing, which it is on purpose.
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        import onnxruntime
        from threadpoolctl import threadpool_limits

        # Documents run side by side: where numpy's threads ran as well, they would wait for each other, and spin.
        threadpool_limits(1, user_api="blas")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = folder / "encoder.onnx"
        unreadable: tuple[type[Exception], ...] = (OSError, ValueError, *_runtime_errors())
        self.failures: tuple[type[Exception], ...] = (TypeError, ValueError, *_runtime_errors())
        self.tokenizer = Tokenizer(folder)
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except unreadable as error:
            raise ModelError(f"model {path}: {error}; install govwire again, or run 'govwire train'") from error

    def windows(self, title: str, text: str) -> list[Window]:
        """A text in as many windows as it takes; one without sentences for an empty text.

        Raises:
            ClassificationError: the tokenizer fails on it.
        """
        try:
            return self.tokenizer.windows(title, text)
        except self.failures as error:
            raise ClassificationError(f"tokenizer: {error}") from error

    def read(self, window: Window, asked: Vector = NOTHING) -> Reading:
        """The vectors of a window, and of what is asked along with it: vectors of the middle layer [asked, size].

        What is asked sees the window and itself, and nothing sees it: the window's vectors are the same without it.

        Raises:
            ClassificationError: the model fails on it.
        """
        try:
            tokens, middle, answers = self._session.run(OUTPUTS, {"input_ids": np.array(window.ids), "asked": asked})
        except self.failures as error:
            raise ClassificationError(f"encoder: {error}") from error
        return Reading(tokens, middle.mean(axis=0), answers)

    def embed(self, sentence: str) -> Reading:
        """The vectors of one short text by itself: a topic's description, a target's proposition."""
        return self.read(self.tokenizer.short(sentence))


class Tokenizer:
    """Texts to windows of token ids; the model's own word pieces."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError) as error:
            raise ModelError(f"model {folder}: {error}; install govwire again, or run 'govwire train'") from error
        self._first, self._last = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id

    def windows(self, title: str, text: str) -> list[Window]:
        """A text in as many windows as it takes."""
        heading = self._tokens(title)[0][:TITLE_TOKENS]
        pieces = self._pieces(text)
        return [self._window(heading, group) for group in _grouped(pieces, WINDOW_TOKENS - 3 - len(heading))]

    def short(self, sentence: str) -> Window:
        """One short text between the marks, as a window without sentences."""
        ids = self._tokens(sentence)[0][: WINDOW_TOKENS - 2]
        return Window((self._first, *ids, self._last), (), 1, ())

    def _tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return encoded["input_ids"], encoded["offset_mapping"]

    def _pieces(self, text: str) -> list["_Piece"]:
        """Sentences with their tokens; one that is longer than a window, in several pieces."""
        ids, offsets = self._tokens(text)
        starts = [start for start, _ in offsets]
        pieces = []
        limit = WINDOW_TOKENS - 3 - TITLE_TOKENS
        for span in sentences(text):
            first, end = bisect_left(starts, span.start), bisect_left(starts, span.end)
            for at in range(first, end, limit):
                stop = min(end, at + limit)
                pieces.append(_Piece(span, tuple(ids[at:stop]), tuple(Span(*one) for one in offsets[at:stop])))
        return pieces

    def _window(self, heading: Sequence[int], pieces: Sequence["_Piece"]) -> Window:
        first = at = 2 + len(heading)
        found = []
        for piece in pieces:
            found.append(Sentence(piece.span, at, at + len(piece.ids)))
            at += len(piece.ids)
        ids = (self._first, *heading, self._last, *(one for piece in pieces for one in piece.ids), self._last)
        return Window(ids, tuple(span for piece in pieces for span in piece.tokens), first, tuple(found))


@dataclass(frozen=True)
class _Piece:
    """Tokens of one sentence that fit a window."""

    span: Span
    ids: tuple[int, ...]
    tokens: tuple[Span, ...]


def _grouped(pieces: Sequence[_Piece], budget: int) -> Iterator[Sequence[_Piece]]:
    """Pieces in windows of about equal size, none over `budget` tokens; one empty window for an empty text."""
    sizes = [len(piece.ids) for piece in pieces]
    total = sum(sizes)
    aim = total / max(1, -(-total // budget))
    cuts, size = [0], 0
    for number, own in enumerate(sizes):
        if size and (size + own > budget or size >= aim):
            cuts.append(number)
            size = 0
        size += own
    yield from (pieces[start:end] for start, end in pairwise([*cuts, len(pieces)]))


def _runtime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    found = [kind for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return tuple(found)
