"""Telling the operator: notices of sources in trouble, at their opening and at their closing, by one channel.

What is to be told at one time goes out as one message: a network that is down makes no hundred of them. A crash between
sending and marking repeats it; a channel that is away is asked again with back-off for as long as there is something to
tell.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from govwire.core.errors import ConfigError, DeliveryError
from govwire.core.settings import Settings
from govwire.core.state import State, notices
from govwire.core.state.notices import Notice
from processors.alerts import channels

log = structlog.get_logger(__name__)

# Longer than any sending takes; after a crash it is told again by then.
LEASE = timedelta(minutes=2)
# The longest wait between two attempts: a channel that comes back is found within the hour.
MOST = timedelta(hours=1)


class Teller:
    """Tells what has not been told yet; any number of processes may."""

    def __init__(self, settings: Settings, channel: str, state: State) -> None:
        """Make sure that the channel can be read.

        Raises:
            ConfigError: it cannot.
        """
        try:
            channels.check(channel, os.environ)
        except ConfigError as error:
            raise ConfigError(f"notices.channel: {error}") from error
        self._channel, self._state = channel, state
        self._base = timedelta(seconds=settings.alerts.retry_base_seconds)
        self._give_up_after = timedelta(hours=settings.alerts.give_up_after_hours)

    def tell(self) -> int:
        """Tell of everything that is to be told now; how many notices that were.

        Raises:
            StateError: the state cannot be reached.
        """
        with self._state.begin() as transaction:
            taken = notices.take_untold(transaction, datetime.now(UTC), LEASE, self._give_up_after)
        if not taken:
            return 0
        shown = channels.masked(self._channel)
        try:
            fields = {"kind": "notices", "notices": ",".join(str(notice.notice_id) for notice in taken)}
            channels.tell(self._channel, _subject(taken), "\n".join(map(_line, taken)), fields, os.environ)
        except DeliveryError as error:
            with self._state.begin() as transaction:
                notices.put_off(transaction, taken, datetime.now(UTC), self._base, MOST)
            log.warning("notices_not_told", channel=shown, notices=len(taken), error=str(error))
            return 0
        with self._state.begin() as transaction:
            notices.told(transaction, taken, datetime.now(UTC))
        log.info("notices_told", channel=shown, notices=len(taken))
        return len(taken)


def _subject(taken: Sequence[Notice]) -> str:
    over = sum(notice.closed_at is not None for notice in taken)
    parts = [(len(taken) - over, "in trouble"), (over, "recovered")]
    return "[govwire] sources: " + ", ".join(f"{count} {what}" for count, what in parts if count)


def _line(notice: Notice) -> str:
    return f"{'Recovered: ' if notice.closed_at else ''}{notice}"
