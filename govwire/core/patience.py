"""Waiting for a service that is away: with back-off, for ever, or until a stop or a deadline.

Every part that depends on Kafka, Elasticsearch or the database waits in this one way, through tenacity: half a second
at first, twice as long each time, never more than half a minute, with jitter so that many do not return at once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_random_exponential,
)

from govwire.core.errors import ServiceError
from govwire.core.metrics import RETRIES, Health

log = structlog.get_logger(__name__)

T = TypeVar("T")

BASE_SECONDS = 0.5
CEILING_SECONDS = 30.0
_EXPONENTIAL = wait_random_exponential(multiplier=BASE_SECONDS, max=CEILING_SECONDS)


class StoppedError(Exception):
    """Asked to stop while waiting for a service."""


@dataclass(frozen=True)
class Patience:
    """How one part of a process waits for what it depends on: log, metrics and `/health` hear of each wait."""

    part: str
    stop: threading.Event
    health: Health
    give_up_seconds: float | None = None  # None: for ever

    def wait_for(self, action: Callable[[], T], meanwhile: Callable[[], None] = lambda: None) -> T:
        """Do it, and while a service is away wait and do it again; `meanwhile` is called before each wait.

        Raises:
            StoppedError: `stop` was set meanwhile.
            ServiceError: the service was still away after `give_up_seconds`.
        """

        def tell(error: ServiceError, wait_seconds: float) -> None:
            RETRIES.labels(self.part, type(error).__name__).inc()
            self.health.beat(self.part, trouble=str(error))
            log.warning("service_away", stage=self.part, error=str(error), wait_seconds=wait_seconds)
            meanwhile()

        return patiently(action, self.stop, tell, self.give_up_seconds)


def patiently(
    action: Callable[[], T],
    stop: threading.Event,
    tell: Callable[[ServiceError, float], None],
    give_up_seconds: float | None = None,
) -> T:
    """Do it, and while a service is away wait and do it again; `tell` hears each error and the wait to come.

    Raises:
        StoppedError: `stop` was set meanwhile.
        ServiceError: the service was still away after `give_up_seconds`.
    """

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError

    def before_sleep(attempt: RetryCallState) -> None:
        error = attempt.outcome.exception() if attempt.outcome else None
        assert isinstance(error, ServiceError)
        tell(error, round(attempt.upcoming_sleep, 1))

    retrying = Retrying(
        retry=retry_if_exception_type(ServiceError),
        wait=_wait,
        stop=stop_never if give_up_seconds is None else stop_after_delay(give_up_seconds),
        sleep=pause,
        before_sleep=before_sleep,
        reraise=True,
    )
    return retrying(action)


def _wait(attempt: RetryCallState) -> float:
    error = attempt.outcome.exception() if attempt.outcome else None
    asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
    return asked if asked is not None else _EXPONENTIAL(attempt)
