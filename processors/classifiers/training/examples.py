"""Examples: a labelled record, window by window, with its labels at the places where the heads give theirs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from govwire.core.records import AUTHOR
from processors.classifiers.encoder import Tokenizer, Tokens, Window
from processors.classifiers.heads import BEGIN, INSIDE, OUTSIDE
from processors.classifiers.judgement import STANCES
from processors.classifiers.sentences import Span

# Neither right nor wrong: no loss comes from it.
IGNORED = -100
# The outcomes of a claim head; the stances alone are those of the stance head.
OUTCOMES = ("none", *STANCES)
# A sentence shows a claim if it has this share of the evidence, or the evidence this share of it.
SHARED = 0.3
# Of the beginnings of relevant records, every so manieth is learned from: there are five times as many.
RELEVANT_LEADS = 4
# Names: what could be a holder and is none, to learn the difference from.
_NAME = re.compile(r"[A-Z][\w'’.-]+(?:\s(?:of|for|de|van|der|the|and)?\s?[A-Z][\w'’.-]+){0,4}")

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Ids:
    """Topics and targets in the order of the weights."""

    topics: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One window of a record. Numbers of outcomes; `IGNORED` where the record says nothing."""

    record: dict[str, Any]
    window: Window
    lead: bool  # the first window of its record
    alone: bool  # the only one
    brief: bool  # the beginning alone: only relevance is learned from it
    topics: Array  # [topics] 0 or 1
    stance: Array  # [targets]; IGNORED where not discussed
    mentions: tuple[Tokens, ...]  # of holders
    others: tuple[Tokens, ...]  # names that hold nothing
    claims: Array  # [1 + mentions, targets]: the text itself, then each mention
    shown: Array  # [sentences, targets]
    tags: Array  # [tokens]

    @property
    def relevant(self) -> bool:
        """Whether the record is about the governance of AI."""
        return bool(self.record["relevant"])


def examples(rows: Sequence[dict[str, Any]], tokenizer: Tokenizer, ids: Ids) -> list[Example]:
    """Every window of every record, in order."""
    found = []
    for row in rows:
        windows = [window for window in tokenizer.windows(row["title"], row["text"]) if window.sentences]
        found += [
            _example(row, window, ids, lead=number == 0, alone=len(windows) == 1)
            for number, window in enumerate(windows)
        ]
    return found


def leads(some: Sequence[Example], tokens: int) -> list[Example]:
    """The beginnings of records, to learn relevance from: of every irrelevant one, and of some that are relevant."""
    first = [one for one in some if one.lead]
    kept = [one for number, one in enumerate(first) if not one.relevant or number % RELEVANT_LEADS == 0]
    return [_brief(one, one.window.lead(tokens)) for one in kept]


def _brief(one: Example, window: Window) -> Example:
    sentences, targets = len(window.sentences), len(one.stance)
    return replace(
        one,
        window=window,
        brief=True,
        mentions=(),
        others=(),
        claims=np.full((1, targets), IGNORED, np.int64),
        shown=np.full((sentences, targets), IGNORED, np.int64),
        tags=np.full(len(window.ids), IGNORED, np.int64),
    )


def _example(row: dict[str, Any], window: Window, ids: Ids, *, lead: bool, alone: bool) -> Example:
    stance = [STANCES.index(row["stance"][one]) if one in row["stance"] else IGNORED for one in ids.targets]
    author = np.zeros(len(ids.targets), np.int64)
    held: dict[Tokens, Array] = {}
    shown = np.zeros((len(window.sentences), len(ids.targets)), np.int64)
    for claim in row["claims"]:
        target, outcome = ids.targets.index(claim["target"]), OUTCOMES.index(claim["label"])
        evidence = _span(row["text"], claim["evidence"])
        tokens = window.tokens_of(evidence)
        if tokens is None:
            continue
        for number, sentence in enumerate(window.sentences):
            if _shows((sentence.first, sentence.end), tokens):
                shown[number, target] = outcome
        if claim["holder"] == AUTHOR:
            author[target] = outcome
        elif (mention := _nearest(row["text"], claim["holder"], evidence, window)) is not None:
            held.setdefault(mention, np.zeros(len(ids.targets), np.int64))[target] = outcome
    return Example(
        record=row,
        window=window,
        lead=lead,
        alone=alone,
        brief=False,
        topics=np.array([one in row["topics"] for one in ids.topics], np.int64),
        stance=np.array(stance, np.int64),
        mentions=tuple(held),
        others=_others(row, window, held),
        claims=np.stack([author, *held.values()]),
        shown=shown,
        tags=_tags(row, window, held),
    )


def _span(text: str, evidence: str) -> Span:
    start = text.index(evidence)
    return Span(start, start + len(evidence))


def _shows(sentence: Tokens, evidence: Tokens) -> bool:
    common = min(sentence[1], evidence[1]) - max(sentence[0], evidence[0])
    return common >= max(3, SHARED * min(sentence[1] - sentence[0], evidence[1] - evidence[0]))


def _nearest(text: str, holder: str, evidence: Span, window: Window) -> Tokens | None:
    """The mention of the holder that is nearest the evidence, where it is in the window."""
    starts = [match.start() for match in re.finditer(re.escape(holder), text)]
    within = [start for start in starts if evidence.start <= start < evidence.end]
    nearest = min(within or starts, key=lambda start: min(abs(start - evidence.start), abs(start - evidence.end)))
    return window.tokens_of(Span(nearest, nearest + len(holder)))


def _others(row: dict[str, Any], window: Window, held: dict[Tokens, Array]) -> tuple[Tokens, ...]:
    """Names that are no holder's, nor a part of one's."""
    if not row["relevant"]:
        return ()
    holders = [claim["holder"] for claim in row["claims"]]
    found = []
    for match in _NAME.finditer(row["text"]):
        tokens = window.tokens_of(Span(*match.span()))
        apart = tokens is not None and not any(tokens[0] < end and first < tokens[1] for first, end in held)
        if tokens is not None and apart and not any(match[0] in one or one in match[0] for one in holders):
            found.append(tokens)
    return tuple(found)


def _tags(row: dict[str, Any], window: Window, held: dict[Tokens, Array]) -> Array:
    """What each token is; a holder's mentions that are not nearest any evidence are neither right nor wrong."""
    tags = np.full(len(window.ids), IGNORED, np.int64)
    tags[window.first : -1] = OUTSIDE
    for claim in row["claims"]:
        for match in re.finditer(re.escape(claim["holder"]), row["text"]):
            tokens = window.tokens_of(Span(*match.span()))
            if tokens is not None:
                tags[slice(*tokens)] = IGNORED
    for first, end in held:
        tags[first], tags[first + 1 : end] = BEGIN, INSIDE
    return tags
