"""What becomes of a fetch: published, dropped by a named rule, or put off. One table for answers, one for failures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response

from crawlers.challenges import challenge_in
from crawlers.guard import RefusedError
from crawlers.headers import headers_of, left_alone_until, media_type
from crawlers.manners import LeftAloneError, RobotsUnreachableError
from govwire.core.optouts import asked_by
from govwire.core.patience import StoppedError
from govwire.core.settings import Settings
from govwire.core.state.frontier import Leased
from govwire.core.state.ledger import UNCHANGED, Outcome


@dataclass(frozen=True)
class Visit:
    """One leased URL, and what asking for it gave: a response or an error."""

    leased: Leased
    at: datetime
    response: Response | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Publish:
    """A page for the bus."""

    response: Response


@dataclass(frozen=True)
class Drop:
    """The end, by a named rule."""

    reason: str
    detail: str | None = None


@dataclass(frozen=True)
class PutOff:
    """Again later; not before the time that the site named, when the whole host is left alone so long."""

    reason: str
    detail: str | None = None
    not_before: datetime | None = None
    whole_host: bool = False


@dataclass(frozen=True)
class GiveBack:
    """Nothing happened: the process ends, and the URL is due as before."""


Fate = Publish | Drop | PutOff | GiveBack

NOT_FOUND, GONE = "not_found", "gone"
# One 404 may be a hiccup of a site that is being rebuilt; a second one so much later is not.
CONFIRM_AFTER = timedelta(hours=1)
# Named drops by status; other answers of 400 to 499 are `refused_by_site`.
_STATUS_DROPS = {
    304: UNCHANGED,
    401: "forbidden",
    403: "forbidden",
    404: NOT_FOUND,
    410: GONE,
    451: "forbidden",
}
HTML_TYPES = {"text/html", "application/xhtml+xml"}
# Failures that pass, by Scrapy's error; anything else that is no answer is `fetch_failed`, and tried again too.
_PASSING = (
    (DownloadTimeoutError, "timeout"),
    (CannotResolveHostError, "dns_error"),
    (DownloadConnectionRefusedError, "connection_refused"),
)


# A wall against robots that is up now is up in a minute, too; asking on and on is what keeps it up.
CHALLENGE_STANDS = timedelta(hours=1)


def fate_of(visit: Visit, settings: Settings) -> Fate:
    """What becomes of a visit."""
    response = visit.response
    if response is None:
        return fate_of_error(visit.error)
    if guard := challenge_in(response):
        asked = left_alone_until(response, visit.at)
        return PutOff("challenge", f"{guard}, HTTP {response.status}", asked or visit.at + CHALLENGE_STANDS)
    return _of_body(response, settings) if 200 <= response.status < 300 else _of_status(response, visit.at)


def _of_body(response: Response, settings: Settings) -> Publish | Drop:
    max_bytes = settings.fetch.max_bytes
    # Sites call their PDFs HTML by mistake.
    said = "application/pdf" if response.body.startswith(b"%PDF-") else media_type(response)
    if said and said not in HTML_TYPES:
        return Drop("not_html", said)
    if len(response.body) > max_bytes:
        return Drop("too_large", f"{len(response.body)} bytes, fetch.max_bytes is {max_bytes}")
    asked = asked_by(headers_of(response), settings.user_agent)
    if refused := [name for name in asked if name in settings.fetch.obey]:
        return Drop("opted_out", f"the site asks for {', '.join(refused)}")
    return Publish(response)


def _of_status(response: Response, at: datetime) -> Drop | PutOff:
    status, detail = response.status, f"HTTP {response.status}"
    if status in {429, 503}:
        asked = left_alone_until(response, at)
        return PutOff("throttled" if status == 429 else "server_error", detail, asked, whole_host=asked is not None)
    if status >= 500 or status in {408, 425}:
        return PutOff("server_error" if status >= 500 else "timeout", detail)
    if status == 407:
        return PutOff("proxy_refused", detail)
    if status in _STATUS_DROPS:
        return Drop(_STATUS_DROPS[status], detail)
    return Drop("bad_redirect" if status < 400 else "refused_by_site", detail)


def fate_of_missing(visit: Visit, fate: Fate, standing: Mapping[str, Any] | None) -> Fate:
    """What becomes of a page that is not there (404, 410), given the ledger's row of where it stood; else as it was.

    Where it is an article in the index, that is news, and published: a 410 at once, a 404 when it is the second.
    """
    if not isinstance(fate, Drop) or not is_missing(fate) or visit.response is None:
        return fate
    if standing is None or standing["ended_outcome"] != Outcome.INDEXED:
        return fate
    confirmed = standing["outcome"] == Outcome.WAITING and standing["reason"] == NOT_FOUND
    if fate.reason == GONE or confirmed:
        return Publish(visit.response)
    return PutOff(NOT_FOUND, f"{fate.detail}, to be asked once more", visit.at + CONFIRM_AFTER)


def fate_of_error(error: BaseException | None) -> Drop | PutOff | GiveBack:
    """What becomes of a request that got no answer."""
    if isinstance(error, StoppedError):
        return GiveBack()
    if isinstance(error, RobotsUnreachableError):
        return PutOff("robots_unreachable", error.detail, error.not_before)
    if isinstance(error, LeftAloneError):
        return PutOff("throttled", str(error), error.until)
    detail = f"{type(error).__name__}: {error}"[:300]
    if reason := _refusal(error):
        return Drop(reason, error.detail if isinstance(error, RefusedError) else detail)
    return PutOff(next((reason for kind, reason in _PASSING if isinstance(error, kind)), "fetch_failed"), detail)


def _refusal(error: BaseException | None) -> str | None:
    """The named drop of an error that no second try would mend."""
    match error:
        case RefusedError():
            return error.reason
        case DownloadCancelledError():  # Scrapy cancels a download for nothing but its size
            return "too_large"
        case UnsupportedURLSchemeError():
            return "address_refused"
        case IgnoreRequest():  # two of Scrapy's middlewares give up on a response, and say so in words only
            return "too_many_redirects" if "redirect" in str(error) else "too_large"
    return None


def is_missing(fate: Fate) -> bool:
    """Whether the site has no such page."""
    return isinstance(fate, Drop) and fate.reason in {NOT_FOUND, GONE}
