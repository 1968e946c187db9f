"""From a labelled article to what the index holds, and back: one article document, and one flat one per shown claim.

Documents hold everything; what readers are shown of it is decided by the source's rights where it is shown. The fields
are those of the mappings in deploy/elasticsearch, which refuse any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from govwire.core.index import Document
from govwire.core.query.tree import instant
from govwire.core.records import AUTHOR, Article, Claim, Dated, Labels, SourceFacts, Tagged
from govwire.core.text import tokens

# The fields that only searches need; a search's hits leave them out.
TOKEN_FIELDS = ("title_tokens", "text_tokens")
_PARTS_OF_A_DATE = ("precision", "provenance", "plausible")


@dataclass(frozen=True)
class Fetch:
    """What the state knows, and no document holds, of the fetch that an article was taken from."""

    fetch_id: str
    requested_url: str
    text_hash: str


@dataclass(frozen=True)
class Documents:
    """What one labelled article becomes."""

    article: Document
    claims: tuple[Document, ...]
    is_wanted: bool = True  # False: irrelevant; what the index holds of it is to be taken out


def version_of(tagged: Tagged, corrections: int = 0) -> int:
    """The version of its documents: a newer revision wins, then a newer epoch, then one more correction."""
    return tagged.article.revision * 10**9 + tagged.labels.epoch * 10**3 + corrections


def documents_of(tagged: Tagged, corrections: int = 0) -> Documents:
    """The article document and its flat claims, all of one version; `corrections` counts those ever made and undone."""
    article, labels, version = tagged.article, tagged.labels, version_of(tagged, corrections)
    shared = _shared_facts(article, labels)
    shown = [claim for claim in labels.claims if claim.shown and labels.relevant]
    return Documents(
        Document(article.article_id, version, article_body(tagged)),
        tuple(
            Document(claim_id(article.article_id, number), version, _claim_body(article, shared, number, claim))
            for number, claim in enumerate(shown)
        ),
        is_wanted=labels.relevant,
    )


def claim_id(article_id: str, number: int) -> str:
    """The id of an article's shown claim, numbered from 0 without a gap, so that the ones too many can be found."""
    return f"{article_id}-{number:03d}"


def article_body(tagged: Tagged) -> Mapping[str, Any]:
    """The body of the article document, which `Query.matches` answers about."""
    article, labels = tagged.article, tagged.labels
    return {
        **_shared_facts(article, labels),
        "text": article.text,
        "summary": article.summary,
        "authors": list(article.authors),
        "state": article.state,
        "url_id": article.url_id,
        **_date("updated", article.updated),
        "fetched_at": instant(article.fetched_at),
        "extractor": article.extractor,
        "access": article.access,
        "partial": article.partial,
        "opt_outs": list(article.opt_outs),
        "relevance_score": labels.relevance_score,
        "relevance_by": labels.relevance_by,
        "topics": [topic.model_dump() for topic in labels.topics],
        "stance": [stance.model_dump() for stance in labels.stance],
        "claims": [_claim_facts(claim) for claim in labels.claims],
        "laws": [law.model_dump() for law in labels.laws],
        "acts": [act.model_dump() for act in labels.acts],
        "instruments": [instrument.model_dump() for instrument in labels.instruments],
        "text_tokens": _joined(article.text, article.language),
    }


def tagged_of(body: Mapping[str, Any], fetch: Fetch) -> Tagged:
    """The labelled article that an article document was made of; its documents are the same again.

    What no document holds (the scores of topics that it does not have, labels on trial) is left out.
    """
    dates = {name: _dated(name, body) for name in ("published", "updated")}
    article = Article.model_validate({**body, **dates, **vars(fetch)})
    return Tagged(article=article, labels=Labels.model_validate({**body, "relevant": True}))


def _shared_facts(article: Article, labels: Labels) -> dict[str, Any]:
    """What the article document and each of its claims repeat."""
    return {
        "article_id": article.article_id,
        "url": article.url,
        "title": article.title,
        "title_tokens": _joined(article.title, article.language),
        "language": article.language,
        "source": _source(article.source),
        "story_id": article.story_id,
        "lane": str(article.came_by or article.lane),
        "revision": article.revision,
        "epoch": labels.epoch,
        "model": labels.model,
        **_date("published", article.published),
        "first_seen_at": instant(article.first_seen_at),
        "sort_at": instant(article.sort_at),
        "topic_ids": [topic.id for topic in labels.topics],
        "stance_labels": [f"{stance.target}:{stance.label}" for stance in labels.stance],
        "law_ids": [law.id for law in labels.laws],
        "act_ids": sorted({act.act for act in labels.acts}),
        "instrument_ids": [instrument.id for instrument in labels.instruments],
    }


def _claim_body(article: Article, shared: Mapping[str, Any], number: int, claim: Claim) -> dict[str, Any]:
    return {
        **shared,
        **_claim_facts(claim),
        "claim_id": claim_id(article.article_id, number),
        "text_tokens": _joined(claim.evidence.text, article.language),
    }


def _claim_facts(claim: Claim) -> dict[str, Any]:
    holder = "" if claim.holder == AUTHOR else _joined(claim.holder, "")
    return {**claim.model_dump(), "holder_tokens": holder}


def _source(source: SourceFacts) -> dict[str, Any]:
    return {**source.model_dump(), "tags": list(source.tags)}


def _date(name: str, dated: Dated | None) -> dict[str, Any]:
    return {
        f"{name}_at": instant(dated.at) if dated else None,
        **{f"{name}_{part}": getattr(dated, part, None) for part in _PARTS_OF_A_DATE},
    }


def _dated(name: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    if body.get(f"{name}_at") is None:
        return None
    return {"at": body[f"{name}_at"], **{part: body[f"{name}_{part}"] for part in _PARTS_OF_A_DATE}}


def _joined(text: str, language: str) -> str:
    return " ".join(tokens(text, language))
