"""What the headers of an answer say, read leniently: a site's mistakes are no reason to fail."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from scrapy.http import Response

# A Retry-After beyond this is taken for a mistake, and cut.
LONGEST_RETRY_AFTER = timedelta(days=7)


def header(response: Response, name: str) -> str | None:
    """A response header as text."""
    value = response.headers.get(name)
    return _text(value) if value else None


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Every response header as text, name in lower case."""
    return [(_text(name).lower(), _text(value)) for name, values in response.headers.items() for value in values]


def _text(said: bytes) -> str:
    # PostgreSQL stores no NUL, and a state that refuses one seems to be away.
    return said.decode("latin-1").replace("\x00", "")


def media_type(response: Response) -> str:
    """What the body is said to be, as `text/html`; "" where nothing is said."""
    return (header(response, "Content-Type") or "").partition(";")[0].strip().lower()


def left_alone_until(response: Response, now: datetime) -> datetime | None:
    """Until when a site that is overrun (429) or away (503) asks to be left alone; None where it names no time."""
    return retry_after(header(response, "Retry-After"), now) if response.status in {429, 503} else None


def retry_after(value: str | None, now: datetime) -> datetime | None:
    """The time that a Retry-After names, in seconds or as a date (RFC 9110, 10.2.3); None where it names none."""
    if value is None:
        return None
    value = value.strip()
    if value.isdecimal():
        return now + timedelta(seconds=min(int(value[:9]), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        at = parsedate_to_datetime(value)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(at, now + LONGEST_RETRY_AFTER)
