"""Corrections laid over labels: what a person said wins over the classifier as long as its evidence is in the text.

The index stage lays them over whatever it writes, and `processors.correcting` at once when one is made or withdrawn;
both through `documents_with`, so that the same article always becomes the same documents.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from govwire.core.index.documents import Documents, documents_of
from govwire.core.records import Article, Claim, Evidence, Labels, StanceLabel, Tagged, TopicLabel
from govwire.core.state import Transaction
from govwire.core.state import corrections as kept
from govwire.core.state.corrections import (
    ClaimChange,
    Correction,
    RelevanceChange,
    StanceChange,
    Status,
    TopicChange,
)
from govwire.core.vocabulary import name_key
from processors.classifiers.neutrality import with_neutrality

T = TypeVar("T")

# A person is not scored; whatever sorts or cuts by score keeps what he said.
CERTAIN = 1.0


def documents_with(transaction: Transaction, labelled: Sequence[Tagged], at: datetime) -> list[Documents]:
    """The documents of labelled articles with their corrections laid over.

    What the classifier said is kept beside them, and corrections whose evidence has gone are marked.
    """
    found = kept.by_article(transaction, {tagged.article.article_id for tagged in labelled})
    made = []
    for tagged in labelled:
        own = found.get(tagged.article.article_id, [])
        corrected, stale = lay_over(tagged, own)
        if own and corrected.labels.relevant:
            _keep(transaction, tagged, own, stale, at)
        made.append(documents_of(corrected, kept.count_of(own)))
    return made


def lay_over(tagged: Tagged, corrections: Sequence[Correction]) -> tuple[Tagged, set[int]]:
    """The article as corrected, in the order in which people did it, and the numbers of what is stale."""
    labels, stale = tagged.labels, set()
    if labels.relevance_by == "person" and not any(map(kept.vouches, corrections)):
        labels = labels.model_copy(update={"relevant": False})  # withdrawn since it was labelled
    for correction in corrections:
        if correction.status is Status.WITHDRAWN or isinstance(correction.change, RelevanceChange):
            continue  # classify has heeded it: an article that is called irrelevant has no labels to lay it over
        evidence = find_evidence(tagged.article.text, correction.evidence) if correction.evidence else None
        if evidence is None and (correction.evidence or not _is_same_text(tagged.article, correction)):
            stale.add(correction.correction_id)
        else:
            labels = _apply(labels, correction, evidence)
    if labels is not tagged.labels:
        labels = labels.model_copy(update={"stance": with_neutrality(labels.stance, labels.claims)})
    return tagged.model_copy(update={"labels": labels}), stale


def find_evidence(text: str, wanted: Evidence) -> Evidence | None:
    """Where the words stand in a text, however they are spaced: nearest to where they stood; None: they do not."""
    words = wanted.text.split()
    if not words:
        return None
    places = [match.span() for match in re.finditer(r"\s+".join(map(re.escape, words)), text)]
    if not places:
        return None
    start, end = min(places, key=lambda place: abs(place[0] - wanted.start))
    return Evidence(text=text[start:end], start=start, end=end)


def _keep(
    transaction: Transaction, tagged: Tagged, corrections: Sequence[Correction], stale: set[int], at: datetime
) -> None:
    """An older revision or epoch that comes late says nothing of what is stale now."""
    article = tagged.article
    if kept.keep_uncorrected(transaction, article.article_id, article.revision, tagged.labels):
        kept.mark(transaction, [each for each in corrections if each.status is not Status.WITHDRAWN], stale, at)


def _is_same_text(article: Article, correction: Correction) -> bool:
    # A revision is its text; another one may come back to the same.
    return article.revision == correction.revision or article.text_hash == correction.text_hash != ""


def _apply(labels: Labels, correction: Correction, evidence: Evidence | None) -> Labels:
    change = correction.change
    match change:
        case StanceChange():
            return labels.model_copy(update={"stance": _corrected_stance(labels.stance, change, evidence)})
        case TopicChange():
            return labels.model_copy(update={"topics": _corrected_topics(labels.topics, change)})
        case ClaimChange():
            return labels.model_copy(update={"claims": _corrected_claims(labels.claims, change, evidence)})
        case RelevanceChange():
            return labels


def _corrected_stance(
    stance: Sequence[StanceLabel], change: StanceChange, evidence: Evidence | None
) -> tuple[StanceLabel, ...]:
    right = None
    if change.label is not None:
        right = StanceLabel(target=change.target, label=change.label, score=CERTAIN, evidence=evidence, by="person")
    return _replaced(stance, [each for each in stance if each.target == change.target], right)


def _corrected_topics(topics: Sequence[TopicLabel], change: TopicChange) -> tuple[TopicLabel, ...]:
    right = TopicLabel(id=change.topic, score=CERTAIN, by="person") if change.is_about else None
    return _replaced(topics, [each for each in topics if each.id == change.topic], right)


def _corrected_claims(claims: Sequence[Claim], change: ClaimChange, evidence: Evidence | None) -> tuple[Claim, ...]:
    """What the classifier says there of the same holder and target, whichever label, gives way."""
    assert evidence is not None, "a claim has its evidence"
    meant = [claim for claim in (change.was, change.now) if claim is not None]
    wrong = [each for each in claims if any(_is_of_same(each, claim, evidence) for claim in meant)]
    right = None
    if change.now is not None:
        told = {"evidence": evidence, "score": CERTAIN, "shown": True, "by": "person"}
        right = change.now.model_copy(update=told)
    return _replaced(claims, wrong, right)


def _is_of_same(claim: Claim, other: Claim, evidence: Evidence) -> bool:
    overlaps = claim.evidence.start < evidence.end and evidence.start < claim.evidence.end
    return overlaps and claim.target == other.target and _is_same_holder(claim, other)


def _is_same_holder(claim: Claim, other: Claim) -> bool:
    """By id, or by a name that is part of the other: Ruiz is Ana Ruiz where both are given one sentence."""
    if claim.holder_id is not None and claim.holder_id == other.holder_id:
        return True
    one, another = set(name_key(claim.holder).split()), set(name_key(other.holder).split())
    return claim.holder == other.holder or bool(one and another and (one <= another or another <= one))


def _replaced(labels: Sequence[T], wrong: Sequence[T], right: T | None) -> tuple[T, ...]:
    """The right label where the first wrong one stood, else behind all others."""
    at = next((number for number, label in enumerate(labels) if label in wrong), len(labels))
    kept_labels = [label for label in labels if label not in wrong]
    kept_labels[at:at] = [] if right is None else [right]
    return tuple(kept_labels)
