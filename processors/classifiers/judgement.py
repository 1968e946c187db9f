"""What an engine makes of one text, before any label: chances, and the stretches of the text that bear them out.

Every engine answers in this form, so that one place (labelling.py) makes labels of it and all engines' records agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from processors.classifiers import Document
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Speakers

Stance = Literal["against", "favor", "neutral"]
STANCES: tuple[Stance, ...] = ("against", "favor", "neutral")
Chances = Mapping[Stance, float]
DECIMALS = 4
# What one sentence shows with less than this chance is not shown by several, either.
FAINT = 0.1


@dataclass(frozen=True)
class Prominence:
    """How likely the whole text is about a topic, and the likeliest of its parts."""

    overall: float
    peak: float


@dataclass(frozen=True)
class Discussed:
    """How likely a text discusses a target, where it then stands, and the sentence that would show each stance."""

    target: str
    chance: float
    stance: Chances
    evidence: Mapping[Stance, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """How likely one mention in the text, or the text itself, holds a position on a target.

    The chances are of one stance each; what they lack of 1 is the chance that it holds none.
    """

    mention: Span | None  # None: the text itself
    target: str
    chances: Chances
    evidence: Mapping[Stance, Span]


@dataclass(frozen=True)
class Judgement:
    """Everything an engine says of one text; only the relevance, where it is irrelevant and nobody vouches for it."""

    relevant: bool
    relevance: float
    relevance_by: Literal["model", "keyword", "terms"]
    topics: Mapping[str, Prominence] = field(default_factory=dict)
    targets: tuple[Discussed, ...] = ()
    statements: tuple[Statement, ...] = ()
    speakers: Speakers | None = None  # those of the text, where the engine looked for them


class Cuts(BaseModel):
    """The chances from which on a label is given; chosen with the engine, on texts it was not made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: float
    target: float
    unsure: float  # a stance less sure than this is `unsure`
    candidate: float  # a claim less sure than this is none
    shown: float  # a claim less sure than this is a candidate


def best(chances: Chances) -> Stance:
    """The likeliest stance; the same one of two that are equally likely."""
    return max(STANCES, key=lambda stance: chances[stance])


def rounded(number: float) -> float:
    """A chance as it is compared and kept, so that the last bits of a float decide nothing."""
    return round(float(number), DECIMALS)


class Engine(Protocol):
    """Judges texts; may be used from several threads."""

    model: str  # name and version, for people
    digest: str  # of everything in it that can change a judgement
    cuts: Cuts

    def judge(self, document: Document) -> Judgement:
        """The judgement of one English text.

        Raises:
            ClassificationError: the engine fails on it.
        """

    def close(self) -> None:
        """Release what it holds."""
