"""Questions that are asked of the web beside the frontier, and their answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from scrapy.http import Response

from crawlers.challenges import why_unread
from crawlers.fates import GiveBack, fate_of_error
from govwire.core.state.exchanges import Purpose

FEED_TYPES = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True)
class Question:
    """An address to ask for, on behalf of a source, and what is hoped for there."""

    url: str
    source_id: str
    purpose: Purpose = "feed"


@dataclass(frozen=True)
class Answer:
    """What asking gave: a response or an error."""

    question: Question
    at: datetime
    response: Response | None = None
    error: BaseException | None = None
    moved_to: str | None = None  # where the site says that the address has moved for ever


def problem_of(answer: Answer) -> str | None:
    """Why an answer gives nothing to read; None where it does."""
    if answer.response is not None:
        status = answer.response.status
        return None if status == 200 else why_unread(answer.response, f"HTTP {status}")
    fate = fate_of_error(answer.error)
    return "stopped" if isinstance(fate, GiveBack) else f"{fate.reason}: {fate.detail}"


# Is told each answer as it comes, and says what to ask next; not called on the event loop, and by several threads.
Follow = Callable[[Answer], Iterable[Question]]
