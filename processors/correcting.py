"""What a person does with corrections: read an article's labels, correct them, confirm, withdraw, and export.

What is corrected can be searched at once: the documents are written again, one version higher.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from govwire.core import urls
from govwire.core.errors import ConfigError, DocumentRejectedError, UrlError
from govwire.core.index import Hit, Index
from govwire.core.records import Claim, Evidence, Labels, Tagged
from govwire.core.state import State, Transaction, identity, ledger
from govwire.core.state import corrections as kept
from govwire.core.state.corrections import Change, ClaimChange, Correction, Making, StanceChange, Status, TopicChange
from processors.bringing_back import bring_back
from processors.corrections import documents_with, find_evidence, lay_over
from processors.readback import read_back
from processors.stages.index import outcome_of


@dataclass(frozen=True)
class Wish:
    """A correction as it is asked for, before it is held against the article."""

    change: Change
    evidence: str | None  # the words that show it, if any were given
    by: str
    note: str | None = None


class Desk:
    """Where corrections are made: over an index and a state."""

    def __init__(self, index: Index, state: State) -> None:
        self._index, self._state = index, state

    def read(self, article: str) -> Tagged:
        """An article by its id or URL, with its labels as they are now.

        Raises:
            ConfigError: it is not in the index.
        """
        hit = self._hit(article)
        with self._state.begin() as transaction:
            return read_back(transaction, [hit])[0]

    def correct(self, article: str, wish: Wish) -> Correction:
        """Make a correction; it can be searched when this returns.

        Raises:
            ConfigError: the article is not in the index, or the evidence is not in its text.
            DocumentRejectedError: the index refuses the corrected document.
        """
        now = datetime.now(UTC)
        labelled = self.read(article)
        with self._state.begin() as transaction:
            number = kept.make(transaction, _making(labelled, wish), now)
        self._write(labelled.article.article_id)
        with self._state.begin() as transaction:
            return kept.find(transaction, number)

    def bring_back(self, article: str, by: str, note: str | None) -> Correction:
        """Call a dropped article relevant; it can be searched once its page has been fetched anew.

        Raises:
            ConfigError: nothing was dropped there, or it was called relevant already.
        """
        with self._state.begin() as transaction:
            number = bring_back(transaction, article, by, note, datetime.now(UTC))
            return kept.find(transaction, number)

    def confirm(self, correction_id: int, by: str) -> Correction:
        """Say that somebody else's correction is right: it may go into an evaluation from now on.

        Raises:
            ConfigError: there is none of that number, it does not stand, or the same person made it.
        """
        with self._state.begin() as transaction:
            return kept.confirm(transaction, correction_id, by, datetime.now(UTC))

    def withdraw(self, correction_id: int, by: str) -> Correction:
        """Take a correction back; where the article is in the index, its labels are as before when this returns.

        One that was in it only because a person called it relevant is taken out.

        Raises:
            ConfigError: there is none of that number, or it is withdrawn already.
        """
        with self._state.begin() as transaction:
            withdrawn = kept.withdraw(transaction, correction_id, by, datetime.now(UTC))
        self._write(withdrawn.article_id)
        return withdrawn

    def listed(self) -> list[Correction]:
        """All corrections, oldest first."""
        with self._state.begin() as transaction:
            return kept.listed(transaction)

    def find(self, correction_id: int) -> Correction:
        """One correction.

        Raises:
            ConfigError: there is none of that number.
        """
        with self._state.begin() as transaction:
            return kept.find(transaction, correction_id)

    def evaluation_rows(self) -> Iterator[dict[str, Any]]:
        """Every article with a confirmed correction that stands, under the labels with which it was confirmed.

        Corrections that nobody has confirmed are not in them; articles that have left the index are left out.
        """
        confirmed: dict[str, list[Correction]] = {}
        for correction in self.listed():
            if correction.status is Status.CONFIRMED:
                confirmed.setdefault(correction.article_id, []).append(correction)
        for article_id, corrections in confirmed.items():
            hit = self._index.get("articles", article_id)
            if hit is not None:
                with self._state.begin() as transaction:
                    tagged = _as_classified(transaction, hit)
                yield _evaluation_row(lay_over(tagged, corrections)[0], corrections)

    def _hit(self, article: str) -> Hit:
        hit = self._index.get("articles", article)
        if hit is None:
            try:
                normalised = urls.normalise(article)
            except UrlError:
                raise _not_there(article) from None
            with self._state.begin() as transaction:
                article_id = identity.article_of(transaction, urls.url_id(normalised)) or urls.article_id(normalised)
            hit = self._index.get("articles", article_id)
        if hit is None:
            raise _not_there(article)
        return hit

    def _write(self, article_id: str) -> None:
        """Put the article's documents with the corrections of now, where they are in the index.

        A newer revision or epoch that comes in between brings its own, with the corrections in them, and wins.
        """
        hit = self._index.get("articles", article_id)
        if hit is None:
            return
        with self._state.begin() as transaction:
            labelled = _as_classified(transaction, hit)
            (documents,) = documents_with(transaction, [labelled], datetime.now(UTC))
        version = documents.article.version
        refused = self._index.put("articles", [documents.article]) if documents.is_wanted else []
        refused += self._index.replace_claims(article_id, version, documents.claims)
        for refusal in refused:
            raise DocumentRejectedError(f"{refusal.id}: {refusal.reason}; withdraw the correction")
        if not documents.is_wanted:
            self._index.delete("articles", [article_id], up_to=version)
            with self._state.begin() as transaction:
                ledger.record(transaction, [outcome_of(labelled.article, documents)], datetime.now(UTC))
        self._index.refresh()


def _as_classified(transaction: Transaction, hit: Hit) -> Tagged:
    """The article under the labels that the classifier gave it."""
    tagged = read_back(transaction, [hit])[0]
    labels = kept.uncorrected_of(transaction, hit.id, tagged.article.revision, tagged.labels.epoch)
    return tagged if labels is None else tagged.model_copy(update={"labels": labels})


def _making(labelled: Tagged, wish: Wish) -> Making:
    article, change = labelled.article, wish.change
    _refuse_idle(labelled.labels, change)
    evidence = _evidence_of(labelled, wish)
    if isinstance(change, ClaimChange) and change.now is not None:
        assert evidence is not None, "a claim has its evidence"
        change = change.model_copy(update={"now": change.now.model_copy(update={"evidence": evidence})})
    return Making(
        article_id=article.article_id,
        url=article.url,
        revision=article.revision,
        epoch=labelled.labels.epoch,
        change=change,
        evidence=evidence,
        text_hash=article.text_hash,
        note=wish.note,
        made_by=wish.by,
    )


def _refuse_idle(labels: Labels, change: Change) -> None:
    """Raise ConfigError where a label is to be removed that is not there."""
    match change:
        case StanceChange(label=None) if change.target not in {each.target for each in labels.stance}:
            raise ConfigError(
                f"stance {change.target}: the article has none; 'govwire correct ARTICLE' shows what it has"
            )
        case TopicChange(is_about=False) if change.topic not in {each.id for each in labels.topics}:
            raise ConfigError(
                f"topic {change.topic}: the article has none; 'govwire correct ARTICLE' shows what it has"
            )


def _evidence_of(labelled: Tagged, wish: Wish) -> Evidence | None:
    """What a correction stands or falls with: the words given, else those of the label that it corrects."""
    if wish.evidence is not None:
        found = find_evidence(labelled.article.text, Evidence(text=wish.evidence, start=0, end=0))
        if found is None:
            raise ConfigError(f"evidence {wish.evidence[:80]!r}: not in the article's text; copy it word for word")
        return found
    if isinstance(wish.change, StanceChange):
        target = wish.change.target
        return next((each.evidence for each in labelled.labels.stance if each.target == target), None)
    if isinstance(wish.change, ClaimChange):
        meant = wish.change.was or wish.change.now
        return meant.evidence if meant else None
    return None


def claim_numbered(labels: Labels, number: int) -> Claim:
    """An article's claim by its number from 1, as `govwire correct` shows them.

    Raises:
        ConfigError: there is none of that number.
    """
    if not 1 <= number <= len(labels.claims):
        raise ConfigError(f"claim {number}: the article has {len(labels.claims)}; 'govwire correct ARTICLE' shows them")
    return labels.claims[number - 1]


def _evaluation_row(tagged: Tagged, corrections: Sequence[Correction]) -> dict[str, Any]:
    """An article in the form of labelled records; what the model abstains from, and candidates, are no labels."""
    article, labels = tagged.article, tagged.labels
    return {
        "id": article.article_id,
        "source": article.url,
        "lang": article.language,
        "kind": "article",
        "title": article.title,
        "text": article.text,
        "relevant": labels.relevant,
        "topics": [topic.id for topic in labels.topics if topic.role == "about"],
        "stance": {stance.target: stance.label for stance in labels.stance if stance.label != "unsure"},
        "claims": [
            {
                "holder": claim.holder,
                "target": claim.target,
                "label": claim.label,
                "evidence": claim.evidence.text,
                "by": claim.by,
            }
            for claim in labels.claims
            if claim.shown
        ],
        "corrections": [
            {"id": each.correction_id, "says": str(each.change), "by": each.made_by, "confirmed_by": each.confirmed_by}
            for each in corrections
        ],
        "model": labels.model,
        "epoch": labels.epoch,
    }


def _not_there(article: str) -> ConfigError:
    return ConfigError(f"article {article}: not in the index; 'govwire why URL' tells what became of it")
