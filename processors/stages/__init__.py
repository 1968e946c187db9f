"""The stages, one file each. None knows another; `govwire.core.flow` says who reads what.

STAGES is the written-out list: a stage's name and how it is built from what its process holds. Each builder imports its
stage when called, so that a process loads the model, or Apprise, only where it needs them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from govwire.core.bus import Bus
from govwire.core.index import Index
from govwire.core.settings import Settings
from govwire.core.state import State
from govwire.core.vocabulary import Vocabulary
from processors.stage import Stage


@dataclass(frozen=True)
class Room:
    """What a process holds for its stages."""

    settings: Settings
    vocabulary: Vocabulary
    bus: Bus
    state: State
    index: Index


def _extract(room: Room) -> Stage[Any]:
    from processors.stages.extract import ExtractStage

    return ExtractStage(room.settings, room.state)


def _classify(room: Room) -> Stage[Any]:
    from processors.stages.classify import ClassifyStage

    return ClassifyStage(room.settings, room.vocabulary, room.state)


def _index(room: Room) -> Stage[Any]:
    from processors.stages.index import IndexStage

    return IndexStage(room.index, room.state)


def _match(room: Room) -> Stage[Any]:
    from processors.stages.match import MatchStage

    return MatchStage(room.settings, room.vocabulary, room.state)


STAGES: dict[str, Callable[[Room], Stage[Any]]] = {
    "extract": _extract,
    "classify": _classify,
    "index": _index,
    "match": _match,
}
