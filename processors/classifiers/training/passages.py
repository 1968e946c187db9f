"""Labelled passages: the committed training data, each read by the encoder as a text is read in use."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govwire.core.errors import ConfigError
from processors.classifiers.encoder import Encoder, Sentence, Window
from processors.classifiers.sentences import Span

DATA = Path(__file__).parent.parent / "data"
# A sentence that shares fewer code points with a claim's evidence does not show the claim.
SHARED = 15


@dataclass(frozen=True)
class Stated:
    """A sentence that shows a claim: on what, and which side."""

    sentence: Sentence
    target: str
    label: str


@dataclass(frozen=True)
class Passage:
    """One record of the data, with what the encoder makes of it."""

    record: dict[str, Any]
    window: Window
    stated: tuple[Stated, ...]

    @property
    def event(self) -> str:
        """What training and testing are kept apart by: records of one event share facts and words."""
        return str(self.record["event"])

    @property
    def stance(self) -> dict[str, str]:
        """Target to label."""
        return dict(self.record["stance"])


def records(folder: Path = DATA) -> list[dict[str, Any]]:
    """Every record of the folder's JSON Lines files, in the order of names and lines.

    Raises:
        ConfigError: a line is no JSON.
    """
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise ConfigError(f"{path}:{number}: not JSON ({error})") from error
    return rows


def digest(rows: Sequence[dict[str, Any]]) -> str:
    """What the data is known by."""
    return hashlib.sha256("\n".join(json.dumps(row, sort_keys=True) for row in rows).encode()).hexdigest()[:16]


def read(rows: Sequence[dict[str, Any]], encoder: Encoder, threads: int) -> list[Passage]:
    """Encode the records; a passage's first window stands for it."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda row: _passage(row, encoder), rows))


def _passage(row: dict[str, Any], encoder: Encoder) -> Passage:
    reading = encoder.read(row["title"], row["text"])
    claims = [(_span(row["text"], claim["evidence"]), claim) for claim in row["claims"]]
    stated = []
    for sentence in reading.sentences:
        shown = [(span.overlap(sentence.span), number) for number, (span, _) in enumerate(claims)]
        overlap, number = max(shown, default=(0, 0))
        if overlap >= SHARED:
            stated.append(Stated(sentence, claims[number][1]["target"], claims[number][1]["label"]))
    return Passage(row, reading.windows[0], tuple(stated))


def _span(text: str, evidence: str) -> Span:
    start = text.index(evidence)
    return Span(start, start + len(evidence))
