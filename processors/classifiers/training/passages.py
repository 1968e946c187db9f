"""Labelled passages and articles: the committed data, and which part of it is for what."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from govwire.core.errors import ConfigError

DATA = Path(__file__).parent.parent / "data"
Row = dict[str, Any]  # a labelled record
# To learn from; to choose cuts and calibration on; to measure on.
Part = Literal["train", "choice", "test"]
TEST, CHOICE = 10, 20  # up to these hundredths of the events


def part(event: str) -> Part:
    """The part that an event's records are of: records of one event share facts and words, so they stay together."""
    hundredth = int(hashlib.sha256(event.encode()).hexdigest(), 16) % 100
    return "test" if hundredth < TEST else "choice" if hundredth < CHOICE else "train"


def records(folder: Path = DATA) -> list[Row]:
    """Every labelled record of the folder, in the order of files and lines.

    Raises:
        ConfigError: a line is no JSON.
    """
    rows = []
    for path in sorted([*folder.glob("passages-*.jsonl"), *folder.glob("articles-*.jsonl")]):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise ConfigError(f"{path}:{number}: not JSON ({error})") from error
    return rows


def of_part(rows: Sequence[Row], wanted: Part) -> list[Row]:
    """The records of one part."""
    return [row for row in rows if part(row["event"]) == wanted]


def digest(rows: Sequence[Row]) -> str:
    """What the data is known by."""
    return hashlib.sha256("\n".join(json.dumps(row, sort_keys=True) for row in rows).encode()).hexdigest()[:16]
