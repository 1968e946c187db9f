"""Dates as feeds write them. None is ever invented: "yesterday" and "October" are none."""

import warnings
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from dateutil import parser as dateutil

# Two days with nothing in common: what a text leaves open, they fill in differently.
_ONE, _OTHER = datetime(2001, 1, 1, tzinfo=UTC), datetime(1996, 12, 31, tzinfo=UTC)


def whole_date(text: str | None) -> datetime | None:
    """The moment that a text names with year, month and day; None where any of them is missing. No zone means UTC."""
    if not isinstance(text, str) or not (text := " ".join(text[:256].split())[:64]):
        return None
    for parse in _ISO_FIRST if text[:4].isdigit() else _ISO_LAST:
        try:
            at = parse(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _free_date(text: str) -> datetime:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a zone's name that dateutil does not know
        one: datetime = dateutil.parse(text, default=_ONE)
        if one != dateutil.parse(text, default=_OTHER):
            raise ValueError("no whole date")
    return one


# Asking the right one first saves an error raised and caught for each date of most feeds.
_ISO_FIRST = (datetime.fromisoformat, parsedate_to_datetime, _free_date)
_ISO_LAST = (parsedate_to_datetime, datetime.fromisoformat, _free_date)
