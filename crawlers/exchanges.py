"""The crawl's notes on what it asked of each host, for `govwire.core.state.exchanges`: every request, and every hop.

It sits next to the wire, so that an answer is noted as it came: before redirects are followed and bodies unpacked.
"""

from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from crawlers.answers import Question
from crawlers.guard import RefusedError
from crawlers.headers import header
from crawlers.manners import LeftAloneError, RobotsUnreachableError
from crawlers.room import Guest, utc_now
from govwire.core.patience import StoppedError
from govwire.core.state.exchanges import Exchange, Purpose
from govwire.core.urls import authority

_CONDITIONS = ("If-None-Match", "If-Modified-Since")


class ExchangeMiddleware:
    """Notes what became of every request that was sent, or kept back by a robots file."""

    def __init__(self, room: Guest) -> None:
        self._room = room

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler.spider.room)  # type: ignore[union-attr]

    def process_response(self, request: Request, response: Response) -> Response:
        """Note an answer."""
        honoured = _kept(request)
        if response.status in {429, 503} and (asked := header(response, "Retry-After")):
            honoured.append(f"Retry-After {asked[:60]}")
        self._note(request, honoured, status=response.status, bytes=len(response.body))
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Note what got no answer; a request that only we were unwilling to send is no exchange."""
        match exception:
            case RefusedError(reason="robots"):
                self._note(request, ["robots: not sent"], waited_seconds=0.0)
            case RobotsUnreachableError():
                self._note(request, ["robots unreachable: not sent"], waited_seconds=0.0)
            case RefusedError() | LeftAloneError() | StoppedError():
                return
            case _:
                said = " ".join(f"{type(exception).__name__}: {exception}".split())[:300]
                self._note(request, _kept(request), error=said)

    def _note(self, request: Request, honoured: list[str], **facts: Any) -> None:
        waited = {"waited_seconds": request.meta.get("waited_seconds", 0.0)}
        self._room.exchanges.append(
            Exchange(
                at=utc_now(),
                host=authority(request.url),
                source_id=request.meta["source_id"],
                url=request.url,
                purpose=_purpose(request),
                honoured=tuple(honoured),
                **waited | facts,
            )
        )


def _purpose(request: Request) -> Purpose:
    if request.meta.get("is_robots"):
        return "robots"
    question: Question | None = request.meta.get("question")
    if question is not None:
        return question.purpose
    return "page" if "leased" in request.meta else "feed"


def _kept(request: Request) -> list[str]:
    """What a host wishes and got with this request."""
    kept = []
    if delay_seconds := request.meta.get("crawl_delay_seconds"):
        kept.append(f"crawl-delay {delay_seconds:g} s")
    if any(name in request.headers for name in _CONDITIONS):
        kept.append("conditional")
    return kept
