"""The extract stage: pages become articles, each a revision in a story; what is no news ends here with its reason.

A page that answers 404 or 410 is sent by the crawl where it was an article: its going is a revision, with the words of
the one before. Nothing is deleted because a site removed it.
"""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import structlog
from pebble import ProcessExpired, ProcessPool

from govwire.core import flow, urls
from govwire.core.envelope import wrap
from govwire.core.errors import ExtractionError, RecordError
from govwire.core.records import Article, Lane, Page
from govwire.core.settings import Settings
from govwire.core.state import State, Transaction, corrections, identity, revisits, stories, texts
from govwire.core.state.identity import Observation, Revision, Sighting
from govwire.core.state.ledger import UNCHANGED, Outcome, Outcomes
from govwire.core.state.stories import Teller
from processors.bringing_back import brought_back
from processors.extraction import EXTRACTOR, Drop
from processors.extraction.worker import Finding, find, prepare
from processors.stage import Publication, Result
from processors.stories import IN_COMMON, IN_COMMON_ON_ONE_SITE

log = structlog.get_logger(__name__)

TIMEOUT = "extraction_timeout"
# Answers that say there is no such page, and what the crawl calls them too.
_MISSING = {404: "not_found", 410: "gone"}

# A worker is replaced after so many pages: what parsers leak stays bounded.
_PAGES_PER_WORKER = 2000


# Pools in a row that may break down over one batch before its unread pages are given up.
_POOLS = 3


class _StuckError(Exception):
    """The workers live and read nothing."""


@dataclass(frozen=True)
class Found:
    """An article found on a page, and which article it is."""

    finding: Finding
    teller: Teller


@dataclass(frozen=True)
class Missing:
    """A page that the site has no more."""

    reason: str


class ExtractStage:
    """Reads pages in worker processes, under a time limit each."""

    step = flow.EXTRACT
    # A second or two of work for two workers: short enough that a kill repeats little.
    max_batch = 32

    def __init__(self, settings: Settings, state: State, *, patience_seconds: float = 30) -> None:
        """Workers that begin no page within `patience_seconds` are replaced; a fresh one needs some to start."""
        self._settings, self._state, self._patience_seconds = settings.extract, state, patience_seconds
        self._obeyed = settings.fetch.obey
        self._pool = self._open_pool()

    def work(self, records: Sequence[Page]) -> Sequence[Found | Drop | Missing | RecordError]:
        """Read the pages, then make known in state, in a transaction of its own, which articles they are and by what
        they are compared: whoever looks for their like after that finds them.
        """
        read = self._read(records)
        found = [(page, finding) for page, finding in zip(records, read, strict=True) if isinstance(finding, Finding)]
        with self._state.begin() as transaction:
            proposed = {page.url_id: urls.article_id(finding.url) for page, finding in found}
            article_ids = identity.assign_articles(transaction, proposed)
            tellers = {page.fetch_id: _teller(article_ids[page.url_id], page, finding) for page, finding in found}
            stories.announce(transaction, tellers.values())
            guessed = {urls.article_id(page.url): article_ids[page.url_id] for page, _ in found}
            corrections.adopt(transaction, {guess: own for guess, own in guessed.items() if guess != own})
        return [
            Found(finding, tellers[page.fetch_id]) if isinstance(finding, Finding) else finding
            for page, finding in zip(records, read, strict=True)
        ]

    def settle(
        self, transaction: Transaction, records: Sequence[Page], drafts: Sequence[Found | Drop | Missing]
    ) -> list[Result]:
        """Number the revisions, choose the stories, and send on what is news."""
        found = [(page, draft) for page, draft in zip(records, drafts, strict=True) if isinstance(draft, Found)]
        tellers = [draft.teller for _, draft in found]
        story_ids = stories.assign_stories(transaction, tellers, IN_COMMON, IN_COMMON_ON_ONE_SITE)
        # In order of articles, as every process does it, so that two of them never wait for each other crosswise;
        # of one article in order of time, else the earlier fetch would count as overtaken.
        found.sort(key=lambda pair: (pair[1].teller.article_id, pair[0].fetched_at, pair[0].fetch_id))
        revisions = {page.fetch_id: identity.observe(transaction, _observation(page, draft)) for page, draft in found}
        wanted = brought_back(transaction, {page.url_id: draft.teller.article_id for page, draft in found})
        results = [
            _dropped(page, draft.reason, draft.detail)
            if isinstance(draft, Drop)
            else _gone(transaction, page, draft)
            if isinstance(draft, Missing)
            else _result(
                transaction,
                page,
                draft,
                revisions[page.fetch_id],
                story_ids[draft.teller.article_id],
                is_brought_back=page.url_id in wanted,
            )
            for page, draft in zip(records, drafts, strict=True)
        ]
        first = {fetch_id for fetch_id, revision in revisions.items() if revision.number == 1}
        sent = [page for page, result in zip(records, results, strict=True) if result.publications]
        revisits.found_news(transaction, [page.source.id for page in sent if page.fetch_id not in first])
        return results

    def close(self) -> None:
        """End the workers, whatever they are at."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _read(self, records: Sequence[Page]) -> list[Finding | Drop | Missing | RecordError]:
        read: dict[str, Finding | Drop | Missing | RecordError] = {
            page.fetch_id: Missing(_MISSING[page.status]) for page in records if page.status in _MISSING
        }
        for _ in range(_POOLS):
            left = [page for page in records if page.fetch_id not in read]
            try:
                waiting = [(page, self._schedule(page)) for page in left]
                for page, future in waiting:
                    read[page.fetch_id] = self._outcome(page, future)
            except (BrokenProcessPool, _StuckError) as error:
                log.warning("worker_pool_replaced", stage=self.step.name, error=repr(error))
                self.close()
                self._pool = self._open_pool()
        lost = ExtractionError(f"not read: {_POOLS} pools of workers broke down one after the other")
        return [read.get(page.fetch_id, lost) for page in records]

    def _schedule(self, page: Page) -> "Future[Finding | Drop]":
        if not self._pool.active:
            raise BrokenProcessPool("the workers have ended")
        return self._pool.schedule(find, args=[page, self._obeyed], timeout=self._settings.timeout_seconds)

    def _outcome(self, page: Page, future: "Future[Finding | Drop]") -> Finding | Drop | RecordError:
        seconds = self._settings.timeout_seconds
        try:
            # Pages are begun in order, so this one is in work, or will be at once.
            return future.result(seconds + self._patience_seconds)
        except RecordError as error:
            return error
        except TimeoutError as error:
            if not future.done():
                # A worker that was killed while it waited took the lock of the queue with it.
                raise _StuckError from error
            return ExtractionError(f"{page.final_url}: not read within {seconds:g} s", reason=TIMEOUT)
        except ProcessExpired as error:
            return ExtractionError(f"{page.final_url}: the worker died of it (exit status {error.exitcode})")

    def _open_pool(self) -> ProcessPool:
        context = multiprocessing.get_context("spawn")
        return ProcessPool(self._settings.workers, _PAGES_PER_WORKER, prepare, context=context)


def _teller(article_id: str, page: Page, finding: Finding) -> Teller:
    site = urls.registrable_domain(finding.url)
    return Teller(article_id, page.first_seen_at, page.fetched_at, finding.bands, site)


def _observation(page: Page, draft: Found) -> Observation:
    return Observation(
        article_id=draft.teller.article_id,
        url_id=page.url_id,
        fetch_id=page.fetch_id,
        fetched_at=page.fetched_at,
        text_hash=draft.finding.text_hash,
        extractor=EXTRACTOR,
    )


def _result(
    transaction: Transaction, page: Page, found: Found, revision: Revision, story_id: str, *, is_brought_back: bool
) -> Result:
    article_id = found.teller.article_id
    article = _article(page, found, revision.number, story_id)
    if revision.sighting is Sighting.RE_EXTRACTED:
        texts.reread(transaction, article)
    if not revision.is_news and not is_brought_back:
        return _dropped(page, UNCHANGED, _unchanged(page, revision), article_id)
    if is_brought_back:
        # Behind the news, and to no alert's notice, as all that is labelled anew.
        article = article.model_copy(update={"lane": Lane.BACKFILL, "came_by": page.lane})
    return _sent(page, article, f"revision {revision.number}, {len(article.text)} characters, story {story_id}")


def _gone(transaction: Transaction, page: Page, missing: Missing) -> Result:
    """The next revision of the article that was on this page: the same words, gone."""
    article_id = identity.article_of(transaction, page.url_id)
    seen = identity.revisions_of(transaction, article_id) if article_id else []
    # Of a redelivered fetch, the revision before the one that it made.
    before = next((each for each in reversed(seen) if each.seen_at < page.fetched_at), None)
    last = texts.find(transaction, article_id, before.revision) if article_id and before else None
    if before is None or last is None:
        return _dropped(page, missing.reason, f"HTTP {page.status}; no text of an article is kept", article_id)
    if before.url_id != page.url_id:
        return _dropped(
            page, missing.reason, f"revision {before.revision} was seen under url_id {before.url_id}", article_id
        )
    observation = Observation(
        article_id=last.article_id,
        url_id=page.url_id,
        fetch_id=page.fetch_id,
        fetched_at=page.fetched_at,
        text_hash=last.text_hash,
        extractor=last.extractor,
        state="gone",
    )
    revision = identity.observe(transaction, observation)
    if not revision.is_news:
        return _dropped(page, UNCHANGED, f"gone as in revision {revision.number}", article_id)
    changes = {
        "revision": revision.number,
        "state": "gone",
        "fetch_id": page.fetch_id,
        "fetched_at": page.fetched_at,
        "lane": page.lane,
    }
    return _sent(page, last.model_copy(update=changes), f"revision {revision.number}, gone: HTTP {page.status}")


def _sent(page: Page, article: Article, detail: str) -> Result:
    lane = article.lane
    message = wrap(
        flow.EXTRACT.name, article.article_id, article, lane=lane, url_id=page.url_id, fetch_id=page.fetch_id
    )
    outcome = Outcomes.of_page(page, flow.EXTRACT.name, Outcome.EXTRACTED, detail=detail, article_id=article.article_id)
    return Result([outcome], [Publication(flow.ARTICLES, lane, message)])


def _article(page: Page, found: Found, number: int, story_id: str) -> Article:
    draft = found.finding.draft
    return Article(
        article_id=found.teller.article_id,
        url_id=page.url_id,
        fetch_id=page.fetch_id,
        revision=number,
        lane=page.lane,
        source=page.source,
        url=found.finding.url,
        requested_url=page.url,
        title=draft.title,
        text=draft.text,
        summary=draft.summary,
        authors=draft.authors,
        language=draft.language,
        published=draft.published,
        updated=draft.updated,
        fetched_at=page.fetched_at,
        first_seen_at=page.first_seen_at,
        text_hash=found.finding.text_hash,
        story_id=story_id,
        extractor=EXTRACTOR,
        access=draft.access,
        partial=draft.partial,
        opt_outs=draft.opt_outs,
    )


def _unchanged(page: Page, revision: Revision) -> str:
    if revision.url_id != page.url_id:
        return f"duplicate of url_id {revision.url_id}, revision {revision.number}"
    why = {
        Sighting.OLDER: "fetched before revision",
        Sighting.RE_EXTRACTED: "re-extracted, the text stays that of revision",
    }
    return f"{why.get(revision.sighting, 'same text as revision')} {revision.number}"


def _dropped(page: Page, reason: str, detail: str, article_id: str | None = None) -> Result:
    return Result(
        [
            Outcomes.of_page(
                page, flow.EXTRACT.name, Outcome.DROPPED, reason=reason, detail=detail, article_id=article_id
            )
        ]
    )
