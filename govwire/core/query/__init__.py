"""The query language, one everywhere: search, subscriptions, exports.

Words, "phrases", AND, OR, NOT (or -), brackets; words side by side must all be there. Fields: `title: source: kind:
country: lang: topic: law: act: instrument: story: tag: date: since: until:`; `stance.<target>:favor` is the article's
label, a bare `stance:` means stronger_governance; `claim:(holder:"Zeng Yi" target:inclusive_development stance:favor)`
must hold inside one claim; `candidates:yes` includes claims below the display threshold. The empty query is everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from govwire.core.query.parser import parse_tree
from govwire.core.query.tree import Node, holds
from govwire.core.vocabulary import Vocabulary


@dataclass(frozen=True)
class Query:
    """A parsed query; `text` is what it was parsed from, `root` its syntax tree."""

    text: str
    root: Node
    candidates: bool = False

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether an article document, or a flat claim, matches: the reference for every backend."""
        return holds(self.root, document, candidates=self.candidates)


def parse(text: str, now: datetime, vocabulary: Vocabulary | None = None) -> Query:
    """Parse a query; `since:7d` counts from `now`, so parse again when time has passed.

    With a vocabulary, topics, targets, laws and instruments that it does not know are mistakes.

    Raises:
        QueryError: what is wrong, the column, and what to write instead.
    """
    root, candidates = parse_tree(text, now, vocabulary)
    return Query(text, root, candidates)


__all__ = ["Query", "parse"]
