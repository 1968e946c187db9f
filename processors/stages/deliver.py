"""The deliver stage: what the outbox owes goes out, by each subscription's channel and to the Kafka topic of alerts.

Beside that it tells the operator of sources in trouble. Of articles it reads nothing but the outbox. A crash between
sending and marking repeats a message under the same id; a channel that is away is asked again with back-off, and holds
up no other.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from govwire.core import faults, flow, urls
from govwire.core.bus import Bus, Message
from govwire.core.envelope import wrap
from govwire.core.errors import DeliveryError, ServiceError
from govwire.core.metrics import DELIVERIES, RETRIES, Health
from govwire.core.patience import StoppedError, patiently
from govwire.core.records import AlertMessage, Lane
from govwire.core.settings import Settings
from govwire.core.state import State, Transaction, deliveries, outbox
from govwire.core.state.deliveries import GAVE_UP, REFUSED, Attempt, Taken
from processors.alerts import channels
from processors.alerts.notices import Teller

log = structlog.get_logger(__name__)

T = TypeVar("T")

POLL_SECONDS = 0.5
# Channels served at once. Of each one message is out at a time, so that a hanging one takes one place and no more.
CHANNELS_AT_ONCE = 8
# Renewed while a message is being sent, so that only a dead process's messages come free, and soon.
LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0
# The longest wait between two attempts: a channel that comes back is found within the hour.
RETRY_CEILING_SECONDS = 3600.0
# How long an end waits for what is being sent; what is not marked by then is sent again under the same id.
END_SECONDS = 10.0
ANNOUNCE_BATCH = 500
# How often it looks for notices, which are hours old when they are opened.
NOTICE_SECONDS = 5.0
NOTICES = "notices"


class DeliverLoop:
    """Delivers until `stop` is set; any number of processes may."""

    def __init__(self, settings: Settings, *, bus: Bus, state: State, stop: threading.Event, health: Health) -> None:
        self._bus, self._state, self._stop, self._health = bus, state, stop, health
        self._base_seconds = settings.alerts.retry_base_seconds
        self._give_up_after = timedelta(hours=settings.alerts.give_up_after_hours)
        channel = settings.notices.channel
        self._teller = Teller(settings, channel.get_secret_value(), state) if channel else None
        self._kafka_topic = flow.ALERTS.kafka_topic(settings.bus.prefix)
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._sending: dict[Future[None], Taken] = {}
        self._renew_at = datetime.now(UTC)

    def run(self) -> None:
        """Go round until asked to stop, then wait a little for what is being sent."""
        with ThreadPoolExecutor(CHANNELS_AT_ONCE + 2, thread_name_prefix=flow.DELIVER.name) as pool:
            beside = [pool.submit(self._announce), pool.submit(self._tell_operator)]
            try:
                while not self._stop.is_set():
                    self._round(pool)
                    for future in beside:
                        if future.done():
                            future.result()
                self._settle(END_SECONDS, ALL_COMPLETED)
            except StoppedError:
                log.info("stage_stopped_while_waiting", stage=flow.DELIVER.name)
            finally:
                self._stop.set()

    def _round(self, pool: ThreadPoolExecutor) -> None:
        now = datetime.now(UTC)
        self._health.beat(flow.DELIVER.name)
        if self._sending and now >= self._renew_at:
            self._in_state(lambda transaction: deliveries.renew(transaction, self._owner, now, LEASE_SECONDS))
            self._renew_at = now + timedelta(seconds=RENEW_SECONDS)
        for each in self._take(now):
            self._sending[pool.submit(channels.send, each.channel, each.message, os.environ)] = each
        if self._sending:
            self._settle(POLL_SECONDS, FIRST_COMPLETED)
        else:
            self._stop.wait(POLL_SECONDS)

    def _take(self, now: datetime) -> list[Taken]:
        room = CHANNELS_AT_ONCE - len(self._sending)
        if not room:
            return []
        taken = self._in_state(lambda transaction: deliveries.take(transaction, self._owner, room, now, LEASE_SECONDS))
        if taken:
            faults.passing("deliver.taken")
        return taken

    def _settle(self, seconds: float, until: str) -> None:
        """Mark what comes back within so many seconds."""
        done, _ = wait_for(self._sending, seconds, return_when=until)
        for future in done:
            taken, error = self._sending.pop(future), future.exception()
            if error is None:
                self._mark_sent(taken)
            elif isinstance(error, DeliveryError):
                self._mark_failed(taken, error)
            else:
                raise error

    def _mark_sent(self, taken: Taken) -> None:
        faults.passing("deliver.sent")
        self._in_state(lambda transaction: deliveries.sent(transaction, taken, datetime.now(UTC)))
        faults.passing("deliver.marked")
        DELIVERIES.labels(Attempt.SENT).inc()
        log.info("alert_sent", **_names(taken))

    def _mark_failed(self, taken: Taken, error: DeliveryError) -> None:
        now, detail = datetime.now(UTC), str(error)
        reason = None
        if not error.retriable:
            reason = REFUSED
        elif now - taken.owed_since >= self._give_up_after:
            reason = GAVE_UP

        def mark(transaction: Transaction) -> datetime | None:
            if reason is not None:
                deliveries.failed(transaction, taken, self._owner, now, reason=reason, detail=detail)
                return None
            return deliveries.postponed(
                transaction,
                taken,
                self._owner,
                now,
                detail,
                base_seconds=self._base_seconds,
                ceiling_seconds=RETRY_CEILING_SECONDS,
            )

        next_attempt_at = self._in_state(mark)
        DELIVERIES.labels(Attempt.REFUSED if reason == REFUSED else Attempt.FAILED).inc()
        again = next_attempt_at.isoformat(timespec="seconds") if next_attempt_at else None
        log.warning("alert_failed", **_names(taken), reason=reason, error=detail, next_attempt_at=again)

    def _announce(self) -> None:
        """Publish to the Kafka topic of alerts, beside the sending: neither waits for the other."""
        try:
            while not self._stop.is_set():
                self._health.beat(flow.ALERTS.name)
                if self._patiently(flow.ALERTS.name, self._announce_some) < ANNOUNCE_BATCH:
                    self._stop.wait(POLL_SECONDS)
        except StoppedError:
            return

    def _tell_operator(self) -> None:
        """Tell of notices, where a channel is set."""
        try:
            while self._teller is not None and not self._stop.is_set():
                self._health.beat(NOTICES)
                self._patiently(NOTICES, self._teller.tell)
                self._stop.wait(NOTICE_SECONDS)
        except StoppedError:
            return

    def _announce_some(self) -> int:
        with self._state.begin() as transaction:
            messages = outbox.unannounced(transaction, ANNOUNCE_BATCH)
        if messages:
            self._bus.publish(self._kafka_topic, [_event(message) for message in messages])
            with self._state.begin() as transaction:
                outbox.announced(transaction, [message.message_id for message in messages], datetime.now(UTC))
        return len(messages)

    def _in_state(self, action: Callable[[Transaction], T]) -> T:
        def act() -> T:
            with self._state.begin() as transaction:
                return action(transaction)

        return self._patiently(flow.DELIVER.name, act)

    def _patiently(self, part: str, action: Callable[[], T]) -> T:
        def tell(error: ServiceError, wait_seconds: float) -> None:
            RETRIES.labels(flow.DELIVER.name, type(error).__name__).inc()
            self._health.beat(part, trouble=str(error))
            log.warning("service_away", stage=flow.DELIVER.name, error=str(error), wait_seconds=wait_seconds)

        return patiently(action, self._stop, tell)


def _names(taken: Taken) -> dict[str, str]:
    message = taken.message
    return {
        "stage": flow.DELIVER.name,
        "message_id": message.message_id,
        "subscription": message.subscription,
        "article_id": message.article_id,
        "channel": channels.masked(taken.channel),
    }


def _event(message: AlertMessage) -> Message:
    return wrap(
        flow.DELIVER.name,
        message.message_id,
        message,
        lane=Lane.LIVE,
        url_id=urls.url_id(message.url),
        fetch_id=message.message_id,
    )
