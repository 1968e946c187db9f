"""The spider of a few questions: it asks for addresses beside the frontier, and what their answers lead to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any, Self

import scrapy
import structlog
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from crawlers.answers import FEED_TYPES, Answer, Follow, Question
from crawlers.headers import left_alone_until
from crawlers.manners import STOP_LOOK_SECONDS
from crawlers.process import end_now
from crawlers.room import Guest, utc_now
from govwire.core.errors import ServiceError
from govwire.core.patience import StoppedError
from govwire.core.state import hosts
from govwire.core.urls import authority

log = structlog.get_logger(__name__)

# Redirects that mean: for ever (RFC 9110, 15.4.2 and 15.4.9).
_PERMANENT = {301, 308}


class AskingSpider(scrapy.Spider):
    """Asks each question once, hands each answer on, and ends when no question is left.

    Where it is not `alone` in its process, another spider ends that when the process is to stop.
    """

    name = "asking"
    # Answers go to whoever asked, and not on the bus.
    custom_settings = {"ITEM_PIPELINES": {}}  # noqa: RUF012 - as Scrapy has it

    def __init__(
        self, room: Guest, questions: Iterable[Question], follow: Follow, *, alone: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.room, self._alone = room, alone
        self._questions, self._follow = tuple(questions), follow
        self._asked: set[str] = set()
        self._waiting = 0  # for answers
        self._answered = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Scrapy's way of making one."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.callback_failed, signal=signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """The first questions; ends when there is no other, or the process is to stop."""
        for request in self._requests(self._questions):
            yield request
        while self._waiting and not self.room.stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), STOP_LOOK_SECONDS)
            self._answered.clear()
        if self._waiting and self._alone:
            end_now()

    async def answered(self, response: Response) -> AsyncIterator[Request]:
        """Hand an answer on, and ask what it leads to."""
        answer = Answer(response.meta["question"], utc_now(), response, moved_to=_moved_to(response))
        if (until := left_alone_until(response, answer.at)) is not None:
            with contextlib.suppress(StoppedError):
                await asyncio.to_thread(self.room.wait_for, lambda: self._leave_alone(response.url, until))
        for request in await self._next(answer):
            yield request

    async def failed(self, failure: Failure) -> AsyncIterator[Request]:
        """Hand on that there was no answer."""
        question: Question = failure.request.meta["question"]  # type: ignore[attr-defined] # set by Scrapy
        for request in await self._next(Answer(question, utc_now(), error=failure.value)):
            yield request

    def callback_failed(self, failure: Failure) -> None:
        """Whoever was told an answer failed over it, which nobody foresaw: without it the result is not whole."""
        log.error("callback_failed", exc_info=failure.value)
        self.room.give_up(ServiceError(f"asking: {type(failure.value).__name__}: {failure.value}"))

    def _leave_alone(self, url: str, until: datetime) -> None:
        with self.room.state.begin() as transaction:
            hosts.pause(transaction, authority(url), until)

    async def _next(self, answer: Answer) -> list[Request]:
        following = await asyncio.to_thread(lambda: list(self._follow(answer)))
        requests = list(self._requests(following))
        self._waiting -= 1
        self._answered.set()
        return requests

    def _requests(self, questions: Iterable[Question]) -> Iterator[Request]:
        for question in questions:
            if question.url not in self._asked:
                self._asked.add(question.url)
                self._waiting += 1
                yield Request(
                    question.url,
                    self.answered,
                    errback=self.failed,
                    headers={"Accept": FEED_TYPES} if question.purpose == "feed" else {},
                    meta={
                        "question": question,
                        "source_id": question.source_id,
                        "is_robots": question.purpose == "robots",  # which may always be asked for (RFC 9309, 2.2.2)
                    },
                    dont_filter=True,
                )


def _moved_to(response: Response) -> str | None:
    """Where permanent redirects lead, up to the first that is not."""
    moved = None
    hops = [*response.meta.get("redirect_urls", [])[1:], response.url]
    for reason, target in zip(response.meta.get("redirect_reasons", []), hops, strict=False):
        if reason not in _PERMANENT:
            break
        moved = target
    return moved
