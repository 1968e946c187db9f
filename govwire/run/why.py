"""Why an article is, or is not, in the index: every stage's outcome for one URL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from govwire.core import urls
from govwire.core.source import Source
from govwire.core.state import (
    State,
    Transaction,
    corrections,
    frontier,
    identity,
    irrelevant,
    ledger,
    lookup,
    outbox,
    revisits,
)
from govwire.core.state.corrections import Correction
from govwire.core.state.identity import Seen
from govwire.core.state.ledger import IRRELEVANT, PREFILTERED
from govwire.run.prospect import Prospect, foresee


@dataclass(frozen=True)
class Why:
    """What is known of a URL; `known` is false where it was never seen, and `prospect` says what would become of it."""

    url: str
    known: bool
    standing: dict[str, Any] | None
    steps: list[ledger.Step]
    revisions: list[Seen]
    waiting: dict[str, Any] | None
    relevance: dict[str, Any] | None
    corrections: list[Correction]
    alerts: list[dict[str, Any]]
    variants: list[str]  # other addresses of the same article
    prospect: Prospect | None

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain data."""
        return {
            **vars(self),
            "steps": [asdict(step) for step in self.steps],
            "revisions": [asdict(revision) for revision in self.revisions],
            "corrections": [correction.as_dict() for correction in self.corrections],
            "prospect": self.prospect.as_dict() if self.prospect else None,
        }

    def __str__(self) -> str:
        if self.prospect is not None:
            return f"{self.url}\n{self.prospect}"
        lines = [self.url, *(f"  also {variant}" for variant in self.variants)]
        for step in self.steps:
            reason = f" ({step.reason})" if step.reason else ""
            detail = f": {step.detail}" if step.detail else ""
            lines.append(f"  {step.at:%Y-%m-%d %H:%M:%S}  {step.stage:9} {step.outcome}{reason}{detail}")
        lines += [
            f"  {each.seen_at:%Y-%m-%d %H:%M:%S}  revision {each.revision} {each.state}" for each in self.revisions
        ]
        if self.waiting:
            lines.append(f"  due {self.waiting['due_at']:%Y-%m-%d %H:%M:%S} ({self.waiting['why']})")
        if self.relevance:
            lines.append(f"  relevance {self.relevance['score']:.2f} by {self.relevance['relevance_by']}")
        for each in self.corrections:
            confirmed = f", confirmed by {each.confirmed_by}" if each.confirmed_by else ""
            made = f"by {each.made_by}, {each.made_at:%Y-%m-%d}{confirmed}"
            lines.append(f"  correction {each.correction_id} ({each.status}): {each.change}, {made}")
        if self.standing is not None and self.standing["reason"] in (IRRELEVANT, PREFILTERED):
            lines.append("  if it is relevant: 'govwire correct URL --relevant --by NAME' brings it back")
        lines += [f"  alert {alert['subscription']}: {alert['status']} {alert['message_id']}" for alert in self.alerts]
        return "\n".join(lines)


def explain(state: State, url: str, watched: Mapping[str, Source], agent: str) -> Why:
    """Look a URL up everywhere: as one that was fetched, else as the canonical one of an article.

    Where it is neither, the answer says what these sources and the site's robots file mean for it; `agent` is how we
    introduce ourselves there.

    Raises:
        UrlError: it is no web address.
    """
    with state.begin() as transaction:
        standing = lookup.find(transaction, url)
        url_id = standing["url_id"] if standing else urls.url_id(url)
        article_id = identity.article_of(transaction, url_id)
        return Why(
            url=standing["url"] if standing else urls.clean(url),
            known=standing is not None,
            standing=standing,
            steps=ledger.steps_of(transaction, url_id),
            revisions=identity.revisions_of(transaction, article_id) if article_id else [],
            waiting=frontier.next_visit(transaction, url_id) or _next_look(transaction, url_id),
            relevance=irrelevant.find(transaction, article_id) if article_id else None,
            corrections=corrections.listed(transaction, [article_id]) if article_id else [],
            alerts=outbox.of_article(transaction, article_id) if article_id else [],
            variants=_variants(transaction, article_id, url_id) if article_id else [],
            prospect=None if standing else foresee(transaction, urls.clean(url), watched, agent),
        )


def _variants(transaction: Transaction, article_id: str, url_id: str) -> list[str]:
    others = set(identity.urls_of(transaction, article_id)) - {url_id}
    return sorted(row["url"] for row in ledger.standing_of(transaction, others).values())


def _next_look(transaction: Transaction, url_id: str) -> dict[str, Any] | None:
    look_at = revisits.planned(transaction, url_id)
    return {"due_at": look_at, "why": frontier.REVISIT, "attempts": 0} if look_at else None
