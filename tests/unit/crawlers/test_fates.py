"""What becomes of answers and failures."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response

from crawlers.fates import Drop, Fate, GiveBack, Publish, PutOff, Visit, fate_of
from crawlers.guard import RefusedError
from crawlers.manners import LeftAloneError, RobotsUnreachableError
from govwire.core.patience import StoppedError
from govwire.core.records import Lane
from govwire.core.settings import FetchSettings, Settings
from govwire.core.state.frontier import Leased

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETTINGS = Settings(user_agent="ourbot/1.0 (+https://our.example)", fetch=FetchSettings(max_bytes=1024))
LEASED = Leased("u", "https://one.example/a", "one.example", "one", Lane.LIVE, "new", 0, NOW, None, None, None)


def answered(status: int, body: bytes = b"<p>x</p>", **headers: str) -> Fate:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fate_of(Visit(LEASED, NOW, Response(LEASED.url, status, named, body)), SETTINGS)


def failed(error: BaseException | None) -> Fate:
    return fate_of(Visit(LEASED, NOW, error=error), SETTINGS)


@given(st.integers(100, 999))
def test_every_status_has_a_fate_and_only_a_success_is_published(status: int) -> None:
    fate = answered(status)
    assert isinstance(fate, Publish) == (200 <= status < 300)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 407, 408, 425, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert isinstance(answered(status), PutOff)


def test_a_retry_after_holds_for_the_whole_host() -> None:
    assert answered(429, Retry_After="60") == PutOff(
        "throttled", "HTTP 429", NOW + timedelta(minutes=1), whole_host=True
    )
    assert answered(503) == PutOff("server_error", "HTTP 503", None, whole_host=False)
    assert answered(500, Retry_After="60") == PutOff("server_error", "HTTP 500")


@pytest.mark.parametrize("media_type", ["text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", ""])
def test_html_is_published_whatever_it_is_called(media_type: str) -> None:
    assert isinstance(answered(200, Content_Type=media_type), Publish)


def test_the_size_is_checked_after_unpacking() -> None:
    fate = answered(200, b"x" * 1025)
    assert isinstance(fate, Drop)
    assert fate.reason == "too_large"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"X_Robots_Tag": "noindex, nofollow"}, "noindex"),
        ({"X_Robots_Tag": "ourbot: noai"}, "noai"),
    ],
    ids=["noindex", "noai, to us"],
)
def test_a_page_that_asks_in_its_headers_not_to_be_kept_is_dropped(headers: dict[str, str], asked: str) -> None:
    assert answered(200, **headers) == Drop("opted_out", f"the site asks for {asked}")


@pytest.mark.parametrize("value", ["noimageai", "otherbot: noindex", "all"])
def test_what_is_asked_of_others_or_only_recorded_is_published(value: str) -> None:
    assert isinstance(answered(200, X_Robots_Tag=value, TDM_Reservation="1"), Publish)


@pytest.mark.parametrize("status", [200, 403, 429, 503])
def test_a_challenge_is_put_off_for_an_hour_whatever_its_status(status: int) -> None:
    body = b"<html><script>window._cf_chl_opt={}</script></html>"
    assert answered(status, body) == PutOff("challenge", f"Cloudflare, HTTP {status}", NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (RefusedError("robots", "why"), Drop("robots", "why")),
        (RobotsUnreachableError("why", NOW), PutOff("robots_unreachable", "why", NOW)),
        (
            LeftAloneError("one.example", NOW),
            PutOff("throttled", "one.example asked to be left alone until 2026-11-24 09:00 UTC", NOW),
        ),
        (DownloadTimeoutError("late"), PutOff("timeout", "DownloadTimeoutError: late")),
        (CannotResolveHostError("who"), PutOff("dns_error", "CannotResolveHostError: who")),
        (ZeroDivisionError("odd"), PutOff("fetch_failed", "ZeroDivisionError: odd")),
        (
            IgnoreRequest("max redirections reached"),
            Drop("too_many_redirects", "IgnoreRequest: max redirections reached"),
        ),
        (StoppedError(), GiveBack()),
        (None, PutOff("fetch_failed", "NoneType: None")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_failure_has_its_fate(error: BaseException | None, fate: Fate) -> None:
    assert failed(error) == fate
