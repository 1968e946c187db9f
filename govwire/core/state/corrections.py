"""Corrections: what people changed in the labels of articles, and what the classifier had said before.

A correction is never deleted: it is made, confirmed by somebody else, withdrawn, or stale where its evidence has gone
from the text. How it is laid over labels is `processors.corrections`; nothing that trains reads it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from sqlalchemy import RowMapping, func, or_, select, update

from govwire.core.errors import ConfigError
from govwire.core.records import Claim, Evidence, Labels, Part
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import corrections, uncorrected

# A document's version has three digits, and each may be made and withdrawn.
MOST_OF_ONE_ARTICLE = 499
# The revision of a correction that was made before any page of its article was read.
UNREAD = 0


class StanceChange(Part):
    """The article's stance on a target is another one, or None: it has none."""

    kind: Literal["stance"] = "stance"
    target: str
    label: Literal["favor", "against", "neutral"] | None

    def __str__(self) -> str:
        return f"stance {self.target}: {self.label}" if self.label else f"no stance on {self.target}"


class TopicChange(Part):
    """The article is about a topic, or it is not."""

    kind: Literal["topic"] = "topic"
    topic: str
    is_about: bool

    def __str__(self) -> str:
        return f"topic {self.topic}" if self.is_about else f"not topic {self.topic}"


class ClaimChange(Part):
    """A claim that was not found (`was` is None), is none (`now` is None), or is another than was said."""

    kind: Literal["claim"] = "claim"
    was: Claim | None = None
    now: Claim | None = None

    def __str__(self) -> str:
        if self.now is None:
            return f"no claim {_said(self.was)}"
        return f"claim {_said(self.now)}" + (f" (was: {_said(self.was)})" if self.was else "")


class RelevanceChange(Part):
    """The article is relevant, whatever the classifier says; that holds for all its revisions."""

    kind: Literal["relevance"] = "relevance"

    def __str__(self) -> str:
        return "relevant"


Change = StanceChange | TopicChange | ClaimChange | RelevanceChange
_CHANGE: TypeAdapter[Change] = TypeAdapter(Annotated[Change, Field(discriminator="kind")])


class Status(StrEnum):
    """How a correction stands."""

    MADE = "made"
    CONFIRMED = "confirmed"
    STALE = "stale"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Making:
    """A correction as a person makes it."""

    article_id: str
    url: str
    revision: int
    epoch: int
    change: Change
    evidence: Evidence | None  # what it stands or falls with; None: the whole text
    text_hash: str
    note: str | None
    made_by: str


@dataclass(frozen=True)
class Correction(Making):
    """A correction and what became of it."""

    correction_id: int
    made_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    stale_since: datetime | None

    @property
    def status(self) -> Status:
        """Withdrawn for good, stale for as long as its evidence is gone, else confirmed or only made."""
        if self.withdrawn_at is not None:
            return Status.WITHDRAWN
        if self.stale_since is not None:
            return Status.STALE
        return Status.CONFIRMED if self.confirmed_at is not None else Status.MADE

    def as_dict(self) -> dict[str, Any]:
        """The correction as plain data."""
        return vars(self) | {
            "status": str(self.status),
            "change": self.change.model_dump(),
            "says": str(self.change),
            "evidence": self.evidence.model_dump() if self.evidence else None,
        }


def make(transaction: Transaction, making: Making, at: datetime) -> int:
    """Write a correction down; its number.

    Raises:
        ConfigError: the article has as many corrections as its documents' version can count.
    """
    if len(listed(transaction, [making.article_id])) >= MOST_OF_ONE_ARTICLE:
        raise ConfigError(f"article {making.article_id}: {MOST_OF_ONE_ARTICLE} corrections and no more; train instead")
    row = vars(making) | {
        "change": making.change.model_dump(),
        "evidence": making.evidence.model_dump() if making.evidence else None,
        "made_at": at,
    }
    insert = insert_into(transaction, corrections).values(row).returning(corrections.c.correction_id)
    return int(transaction.execute(insert).scalar_one())


def find(transaction: Transaction, correction_id: int) -> Correction:
    """One correction.

    Raises:
        ConfigError: there is none of that number.
    """
    query = select(corrections).where(corrections.c.correction_id == correction_id)
    row = transaction.execute(query).mappings().first()
    if row is None:
        raise ConfigError(f"correction {correction_id}: not there; 'govwire corrections list' shows those that are")
    return _correction(row)


def listed(transaction: Transaction, article_ids: Iterable[str] | None = None) -> list[Correction]:
    """All corrections, or those of some articles, in the order in which they were made."""
    query = select(corrections).order_by(corrections.c.correction_id)
    if article_ids is not None:
        query = query.where(corrections.c.article_id.in_(list(article_ids)))
    return [_correction(row) for row in transaction.execute(query).mappings()]


def by_article(transaction: Transaction, article_ids: Iterable[str]) -> dict[str, list[Correction]]:
    """The corrections of these articles, withdrawn ones too; articles without any are left out."""
    found: dict[str, list[Correction]] = defaultdict(list)
    for correction in listed(transaction, article_ids):
        found[correction.article_id].append(correction)
    return dict(found)


def counts(transaction: Transaction, article_ids: Iterable[str]) -> dict[str, int]:
    """How often each article's corrections changed: those made, and those withdrawn once more."""
    changes = func.count() + func.count(corrections.c.withdrawn_at)
    query = select(corrections.c.article_id, changes).where(corrections.c.article_id.in_(list(article_ids)))
    return {row[0]: row[1] for row in transaction.execute(query.group_by(corrections.c.article_id))}


def count_of(found: Sequence[Correction]) -> int:
    """The same, of corrections at hand."""
    return len(found) + sum(correction.withdrawn_at is not None for correction in found)


def vouched(transaction: Transaction, article_ids: Iterable[str]) -> set[str]:
    """Those of these articles that a person has called relevant."""
    return {correction.article_id for correction in listed(transaction, article_ids) if vouches(correction)}


def vouches(correction: Correction) -> bool:
    """Whether by this correction its article is relevant."""
    return isinstance(correction.change, RelevanceChange) and correction.status is not Status.WITHDRAWN


def adopt(transaction: Transaction, article_ids: Mapping[str, str]) -> None:
    """Move corrections that were made before their page was ever read to the article that it turned out to be.

    Given is, for the article that a page would be by its address alone, the article that it is.
    """
    query = select(corrections.c.article_id).where(
        corrections.c.article_id.in_(list(article_ids)), corrections.c.revision == UNREAD
    )
    for guessed in set(transaction.scalars(query)) if article_ids else ():
        transaction.execute(
            update(corrections)
            .where(corrections.c.article_id == guessed, corrections.c.revision == UNREAD)
            .values(article_id=article_ids[guessed])
        )


def confirm(transaction: Transaction, correction_id: int, by: str, at: datetime) -> Correction:
    """Say that a correction made by somebody else is right.

    Raises:
        ConfigError: it was made by the same person, is stale or withdrawn, or is confirmed already.
    """
    correction = find(transaction, correction_id)
    if correction.status is not Status.MADE:
        by_whom = f" by {correction.confirmed_by}" if correction.status is Status.CONFIRMED else ""
        raise ConfigError(
            f"correction {correction_id}: {correction.status}{by_whom}; only one that stands is confirmed"
        )
    if _same_person(correction.made_by, by):
        raise ConfigError(f"correction {correction_id}: made by {correction.made_by}; somebody else has to confirm it")
    _set(transaction, [correction_id], confirmed_by=by, confirmed_at=at)
    return find(transaction, correction_id)


def withdraw(transaction: Transaction, correction_id: int, by: str, at: datetime) -> Correction:
    """Take a correction back; it is kept, and counts no more.

    Raises:
        ConfigError: it is withdrawn already.
    """
    correction = find(transaction, correction_id)
    if correction.withdrawn_at is not None:
        raise ConfigError(f"correction {correction_id}: withdrawn by {correction.withdrawn_by} already")
    _set(transaction, [correction_id], withdrawn_by=by, withdrawn_at=at)
    return find(transaction, correction_id)


def mark(transaction: Transaction, found: Sequence[Correction], stale: Collection[int], at: datetime) -> None:
    """Mark which of these have lost their evidence, and which have it again."""
    lost = [each.correction_id for each in found if each.correction_id in stale and each.stale_since is None]
    back = [each.correction_id for each in found if each.correction_id not in stale and each.stale_since is not None]
    _set(transaction, lost, stale_since=at)
    _set(transaction, back, stale_since=None)


def keep_uncorrected(transaction: Transaction, article_id: str, revision: int, labels: Labels) -> bool:
    """Keep what the classifier said; False where it has said something of a newer revision or epoch since."""
    rows = insert_into(transaction, uncorrected)
    new, old = rows.excluded, uncorrected.c
    newer = or_(new.revision > old.revision, (new.revision == old.revision) & (new.epoch >= old.epoch))
    values = {"revision": revision, "epoch": labels.epoch, "labels": labels.model_dump(mode="json")}
    upsert = rows.values(article_id=article_id, **values).on_conflict_do_update(
        index_elements=["article_id"], set_={name: new[name] for name in values}, where=newer
    )
    return transaction.execute(upsert.returning(old.article_id)).first() is not None


def uncorrected_of(transaction: Transaction, article_id: str, revision: int, epoch: int) -> Labels | None:
    """What the classifier said of this revision under this epoch, where it was kept."""
    query = select(uncorrected.c.labels).where(
        uncorrected.c.article_id == article_id, uncorrected.c.revision == revision, uncorrected.c.epoch == epoch
    )
    labels = transaction.scalar(query)
    return None if labels is None else Labels.model_validate(labels)


def _set(transaction: Transaction, correction_ids: Sequence[int], **values: Any) -> None:
    if correction_ids:
        transaction.execute(update(corrections).where(corrections.c.correction_id.in_(correction_ids)).values(**values))


def _correction(row: RowMapping | Mapping[str, Any]) -> Correction:
    evidence = Evidence.model_validate(row["evidence"]) if row["evidence"] else None
    return Correction(**{**row, "change": _CHANGE.validate_python(row["change"]), "evidence": evidence})


def _same_person(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _said(claim: Claim | None) -> str:
    return f"{claim.holder}: {claim.target} {claim.label}" if claim else ""
