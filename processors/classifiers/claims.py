"""Claims from an engine's statements: whose they are, one for each holder and target, the most specific target kept.

Left out: a mention that only acts in its sentence, since an act is no position; one that only describes or belongs to
the mention beside it ("Tom Becker of the Chamber", "Wang Lihua, a professor"); and one that may stand for several.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from govwire.core.records import AUTHOR, Act, Claim, Evidence
from processors.classifiers import OVERALL
from processors.classifiers.judgement import FAINT, Cuts, Stance, Statement, best, rounded
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Holder, Speakers

# A description begins at most so many code points after the mention that it describes.
NEARBY = 200
# Between a mention and one that only says more of it.
_BELONGING = re.compile(
    r",?\s(?:(?:of|for|at|from|with|who|which|that)\s)+(?:(?:is|was|leads|chairs|runs|heads)\s)?(?:an?\s|the\s)?"
)
_DESCRIBING = re.compile(r",\s")
_ARTICLE = re.compile(r"(?:an?|the|its|his|her|their|one)\s")


@dataclass(frozen=True)
class _Held:
    statement: Statement
    name: str
    actor_id: str | None

    @property
    def score(self) -> float:
        return rounded(sum(self.statement.chances.values()))

    @property
    def label(self) -> Stance:
        return best(self.statement.chances)


def claims_of(
    text: str, statements: Sequence[Statement], speakers: Speakers, acts: Sequence[Act], cuts: Cuts
) -> list[Claim]:
    """The claims of each holder, those that may be shown and candidates, in the order of their evidence."""
    speaking, acting = set(speakers.speaking()), _Acting(text, acts)
    held = [
        one
        for statement in statements
        if rounded(sum(statement.chances.values())) >= FAINT
        if statement.mention is None or statement.mention in speaking or statement.mention not in acting
        if (one := _held(statement, speakers)) is not None
    ]
    groups: dict[tuple[str, str], list[_Held]] = {}
    for one in _without_descriptions(text, held):
        groups.setdefault((one.name, one.statement.target), []).append(one)
    claims = [claim for group in groups.values() if (claim := _claim(text, group, cuts)).score >= cuts.candidate]
    return sorted(_most_specific(claims), key=lambda claim: (claim.evidence.start, claim.holder, claim.target))


def _held(statement: Statement, speakers: Speakers) -> _Held | None:
    if statement.mention is None:
        return _Held(statement, AUTHOR, None)
    holder: Holder | None = speakers.holder(statement.mention)
    return None if holder is None else _Held(statement, holder.name, holder.actor_id)


class _Acting:
    """Who acts in which sentence."""

    def __init__(self, text: str, acts: Sequence[Act]) -> None:
        self._text = text
        self._acts = sorted((act for act in acts if act.actor is not None), key=lambda act: act.evidence.start)
        self._starts = [act.evidence.start for act in self._acts]

    def __contains__(self, mention: Span) -> bool:
        name = mention.of(self._text)
        for act in reversed(self._acts[: bisect_right(self._starts, mention.start)]):
            if act.evidence.end <= mention.start:
                return False
            if act.actor is not None and (name in act.actor or act.actor in name):
                return True
        return False


def _without_descriptions(text: str, held: Sequence[_Held]) -> list[_Held]:
    """Without those of mentions that only say more of another one, which holds the same."""
    spans: dict[tuple[str, str], list[Span]] = {}
    for one in held:
        if one.statement.mention is not None:
            spans.setdefault((one.statement.target, one.label), []).append(one.statement.mention)
    for places in spans.values():
        places.sort(key=lambda span: span.start)
    return [
        one
        for one in held
        if one.statement.mention is None
        or not any(
            _describes(text, one.statement.mention, other)
            for other in _before(spans[one.statement.target, one.label], one.statement.mention)
        )
    ]


def _before(places: Sequence[Span], mention: Span) -> Sequence[Span]:
    """The places that begin not far before a mention, or with it."""
    first = bisect_left(places, mention.start - NEARBY, key=lambda span: span.start)
    return places[first : bisect_right(places, mention.start, key=lambda span: span.start)]


def _describes(text: str, mention: Span, other: Span) -> bool:
    """Whether a mention lies in the other one, or comes right after it and belongs to it."""
    if mention != other and other.start <= mention.start and mention.end <= other.end:
        return True
    between = text[other.end : mention.start] if other.end < mention.start else ""
    if _BELONGING.fullmatch(between):
        return True
    return bool(_DESCRIBING.fullmatch(between) and _ARTICLE.match(text, mention.start))


def _claim(text: str, group: Sequence[_Held], cuts: Cuts) -> Claim:
    """One holder's position on one target: the clearest sentence, and surer the more sentences show the same."""
    clearest = max(group, key=lambda one: one.score)
    label = clearest.label
    of_sentence: dict[Span, float] = {}
    for one in group:
        if one.label == label:
            span = one.statement.evidence[label]
            of_sentence[span] = max(one.score, of_sentence.get(span, 0.0))
    score = rounded(1 - prod(1 - score for score in of_sentence.values()))
    return Claim(
        holder=clearest.name,
        holder_id=clearest.actor_id,
        target=clearest.statement.target,
        label=label,
        score=score,
        evidence=evidence(text, clearest.statement.evidence[label]),
        shown=score >= cuts.shown,
    )


def _most_specific(claims: Sequence[Claim]) -> list[Claim]:
    """Without what somebody holds of AI rules in general, where they hold something more specific as surely."""
    specific = {(claim.holder, claim.shown) for claim in claims if claim.target != OVERALL}
    return [
        claim
        for claim in claims
        if claim.target != OVERALL or not {(claim.holder, True), (claim.holder, claim.shown)} & specific
    ]


def evidence(text: str, span: Span) -> Evidence:
    """A span as it goes into a record."""
    return Evidence(text=span.of(text), start=span.start, end=span.end)
