"""The encoder: texts to vectors. The only door to ONNX Runtime and to transformers' tokenizers.

A text is read whole, in windows of whole sentences; each window runs alone, on one thread, and is never padded. Hence
its vectors depend on nothing else in the batch, to the last bit, however many threads there are; documents run side by
side in threads of the caller's, which on a CPU is also the fastest way. Weights lie in the file as int8 for each output
channel and are made float once, at load, so that no activation is rounded and no scale is taken from a batch.
"""

import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from govwire.core.errors import ClassificationError, ModelError
from processors.classifiers.sentences import Span, sentences

# Means and all that follows from them are double, so that the order of a sum cannot move a score by what is rounded.
Vector = NDArray[np.float64]
Tokens = NDArray[np.float32]

# What all-MiniLM-L6-v2 was trained on (its sentence_bert_config.json); the title is context in every window.
WINDOW_TOKENS = 256
TITLE_TOKENS = 32


@dataclass(frozen=True)
class Window:
    """A stretch of the text, with the title before it: mean vectors of length 1."""

    tokens: int
    vector: Vector  # last layer: the meaning
    middle: Vector  # third layer: closer to the words


@dataclass(frozen=True)
class Sentence:
    """A sentence of the text; its vector is the mean of its tokens, read in their window."""

    span: Span
    vector: Vector


@dataclass(frozen=True)
class Reading:
    """A whole text as the heads see it."""

    windows: tuple[Window, ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class _Piece:
    """Tokens of one sentence that fit a window."""

    span: Span
    ids: Sequence[int]


class Encoder:
    """all-MiniLM-L6-v2 from the files of a folder. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        # Else importing transformers warns that PyTorch is missing, which it is on purpose.
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        import onnxruntime
        from transformers import AutoTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = folder / "encoder.onnx"
        unreadable: tuple[type[Exception], ...] = (OSError, ValueError, *_runtime_errors())
        self._failed: tuple[type[Exception], ...] = (TypeError, ValueError, *_runtime_errors())
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except unreadable as error:
            raise ModelError(f"model {path}: {error}; install govwire again, or run 'govwire train'") from error
        self._first, self._last = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id

    def read(self, title: str, text: str) -> Reading:
        """Encode a text, in as many windows as it takes.

        Raises:
            ClassificationError: the tokenizer or the model fails on it.
        """
        try:
            heading = self._tokens(f"{title}.")[0][:TITLE_TOKENS] if title else []
            windows, sums = [], _Sums()
            for pieces in _windows(self._pieces(text), WINDOW_TOKENS - 2 - len(heading)):
                window, token_vectors = self._window(heading, pieces)
                windows.append(window)
                sums.add(pieces, token_vectors, 1 + len(heading))
        except self._failed as error:
            raise ClassificationError(f"encoder: {error}") from error
        return Reading(tuple(windows), sums.sentences())

    def embed(self, sentence: str) -> Vector:
        """The vector of one short text by itself: a topic's description, a target's proposition."""
        return self.read("", sentence).windows[0].vector

    def window_ids(self, title: str, text: str) -> list[list[int]]:
        """The token ids of every window, as the model gets them: what a benchmark of the bare runtime needs."""
        heading = self._tokens(f"{title}.")[0][:TITLE_TOKENS] if title else []
        windows = _windows(self._pieces(text), WINDOW_TOKENS - 2 - len(heading))
        return [self._ids(heading, pieces) for pieces in windows]

    def _tokens(self, text: str) -> tuple[list[int], list[int]]:
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return encoded["input_ids"], [start for start, _ in encoded["offset_mapping"]]

    def _pieces(self, text: str) -> list[_Piece]:
        ids, starts = self._tokens(text)
        pieces = []
        limit = WINDOW_TOKENS - 2 - TITLE_TOKENS
        for span in sentences(text):
            own = ids[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            pieces += [_Piece(span, own[at : at + limit]) for at in range(0, len(own), limit)]
        return pieces

    def _ids(self, heading: Sequence[int], pieces: Sequence[_Piece]) -> list[int]:
        return [self._first, *heading, *(token for piece in pieces for token in piece.ids), self._last]

    def _window(self, heading: Sequence[int], pieces: Sequence[_Piece]) -> tuple[Window, Tokens]:
        ids = self._ids(heading, pieces)
        token, middle = self._session.run(["token_vectors", "middle_vectors"], {"input_ids": np.array([ids])})
        return Window(len(ids), unit(_mean(token[0])), unit(_mean(middle[0]))), token[0]


class _Sums:
    """Sums of token vectors for each sentence; a long sentence may lie in several windows."""

    def __init__(self) -> None:
        self._sums: dict[Span, Vector] = {}

    def add(self, pieces: Sequence[_Piece], token_vectors: Tokens, at: int) -> None:
        for piece in pieces:
            end = at + len(piece.ids)
            total = token_vectors[at:end].sum(axis=0, dtype=np.float64)
            self._sums[piece.span] = self._sums[piece.span] + total if piece.span in self._sums else total
            at = end

    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(Sentence(span, unit(total)) for span, total in self._sums.items())


def _mean(vectors: Tokens) -> Vector:
    return np.asarray(vectors.mean(axis=0, dtype=np.float64))


def unit(vector: Vector) -> Vector:
    """The vector at length 1."""
    return vector / max(float(np.sqrt(np.square(vector).sum())), 1e-12)


def _windows(pieces: Sequence[_Piece], budget: int) -> Iterator[Sequence[_Piece]]:
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
