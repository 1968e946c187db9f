"""A date as a text states it, in many languages and spellings.

A date is one only where day, month and year all stand there. A time without an offset is local time of a place nobody
names, so only its day is kept.
Source: ISO 8601 and RFC 3339, RFC 5322 3.3, month names and the order of short dates from Unicode CLDR (babel).
"""

import re
import unicodedata
from datetime import UTC, datetime, time
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import get_month_names

from govwire.core.records import Dated
from processors.extraction.document import line

# A line that is there for its date is no longer than this.
LONGEST_LINE = 200
# What pages may declare is without end; these are more than CLDR has in daily use.
_LOCALES = 200

_ISO = re.compile(r"(?<!\d)([1-9]\d{3})-?(\d\d)-?(\d\d)(?!\d)")
_CLOCK = re.compile(
    r"[T\s]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?(?![\d:])", re.IGNORECASE
)
_RFC = re.compile(r"\d\d? [a-z]{3} \d{4} \d\d:\d\d", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)\s?[-/.年년]\s?(\d\d?)\s?[-/.月월]\s?(\d\d?)(?!\d)")
_DAY_FIRST = re.compile(r"(?<![\d.,])(\d\d?)\s?([-/.])\s?(\d\d?)\s?\2\s?((?:19|20)\d\d)(?!\.?\d)")
_NAMED = (
    # 3 March 2026, 3. März 2026, 3 de marzo de 2026, 3rd of March, 2026
    re.compile(
        r"(?<!\d)(\d\d?)(?:st|nd|rd|th|er|\.|º|ª)?[\s-]+(?:of\s+|de\s+|d[’']\s?)?"
        r"([^\W\d_]{3,}\.?)[\s,-]+(?:de\s+|del\s+)?((?:19|20)\d\d)(?!\d)"
    ),
    # March 3, 2026; Mar. 3rd 2026
    re.compile(r"(?<![^\W\d_])([^\W\d_]{3,}\.?)\s+(\d\d?)(?:st|nd|rd|th)?\s?,?\s+((?:19|20)\d\d)(?!\d)"),
)
_SHORT_YEAR = re.compile(r"(?<![\d.])(\d\d)\.(\d\d)\.(\d\d)(?![\d.])")
# Where 26.11.24 begins with the year.
_YEAR_FIRST_LANGUAGES = ("hu", "ja", "ko", "lt", "sv", "zh")
_LANGUAGES = (
    "en", "de", "fr", "es", "pt", "it", "nl", "da", "no", "sv", "fi", "is", "pl", "cs", "sk", "sl", "hr", "sr",
    "bs", "hu", "ro", "bg", "ru", "uk", "el", "tr", "et", "lv", "lt", "ca", "id", "ms", "vi", "ar", "fa", "he",
    "hi", "ka", "hy", "sq", "mk",
)  # fmt: skip


def parse(text: str, language: str, provenance: str) -> Dated | None:
    """The date that a text states, None where it states no whole one (`October 2026`, `3 hours ago`, `32 Feb 2026`)."""
    text = unicodedata.normalize("NFKC", line(text[:LONGEST_LINE]))
    for pattern in (_ISO, _YEAR_FIRST):
        match = pattern.search(text)
        if match:
            return whole(int(match[1]), int(match[2]), int(match[3]), text[match.end() :], provenance)
    return (
        _rfc(text, provenance)
        or _day_first(text, language, provenance)
        or _named(text, language, provenance)
        or _short(text, language, provenance)
    )


def whole(year: int, month: int, day: int, rest: str, provenance: str) -> Dated | None:
    """The date of these numbers, with the time of day that the rest begins with; None where there is none."""
    clock = _CLOCK.match(rest)
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
        if clock is None or not clock[4]:
            return Dated(at=midnight, precision="day", provenance=provenance)
        offset = clock[4].upper().replace("Z", "+00:00").replace("UTC", "+00:00").replace("GMT", "+00:00")
        of_day = time.fromisoformat(f"{int(clock[1]):02}:{clock[2]}:{clock[3] or '00'}{offset}")
        if of_day.replace(tzinfo=None) == time():
            # Midnight to the second is how templates print a date without a time.
            return Dated(at=midnight, precision="day", provenance=provenance)
        at = datetime.combine(midnight.date(), of_day).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Dated(at=at, precision="second" if clock[3] else "minute", provenance=provenance)


def _rfc(text: str, provenance: str) -> Dated | None:
    if not _RFC.search(text):
        return None
    try:
        at = parsedate_to_datetime(text)
        utc = at.astimezone(UTC) if at.tzinfo else at.replace(hour=0, minute=0, second=0, tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return Dated(at=utc, precision="second" if at.tzinfo else "day", provenance=provenance)


def _day_first(text: str, language: str, provenance: str) -> Dated | None:
    match = _DAY_FIRST.search(text)
    if match is None:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    month_first = False if match[2] == "." else _is_month_first(language)
    if month_first is None and first <= 12 and second <= 12 and first != second:
        # 3/4/2026 is April in London and March in New York: no telling which.
        return None
    day, month = (second, first) if second > 12 or (month_first and first <= 12) else (first, second)
    return whole(year, month, day, text[match.end() :], provenance)


def _short(text: str, language: str, provenance: str) -> Dated | None:
    match = _SHORT_YEAR.search(text)
    if match is None or language[:2] in _YEAR_FIRST_LANGUAGES:
        return None
    return whole(2000 + int(match[3]), int(match[2]), int(match[1]), text[match.end() :], provenance)


@lru_cache(_LOCALES)
def _is_month_first(language: str) -> bool | None:
    """Whether 3/4/2026 is in March there; None where the language alone does not tell."""
    locale = _locale(language)
    if locale is None or (locale.language == "en" and not locale.territory):
        return None
    pattern: str = locale.date_formats["short"].pattern.lower()
    return pattern.index("m") < pattern.index("d")


def _named(text: str, language: str, provenance: str) -> Dated | None:
    for at, pattern in enumerate(_NAMED):
        for match in pattern.finditer(text):
            day, name = (match[1], match[2]) if at == 0 else (match[2], match[1])
            month = _months(language).get(_fold(name)) or _all_months().get(_fold(name))
            if month:
                return whole(int(match[3]), month, int(day), text[match.end() :], provenance)
    return None


@lru_cache(_LOCALES)
def _locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language, sep="-" if "-" in language else "_")
    except (ValueError, UnknownLocaleError):
        return None


@cache
def _all_months() -> dict[str, int]:
    """Month names of many languages, without those that mean different months in two of them."""
    found: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        for name, month in _months(language).items():
            found.setdefault(name, set()).add(month)
    return {name: months.pop() for name, months in found.items() if len(months) == 1}


@lru_cache(_LOCALES)
def _months(language: str) -> dict[str, int]:
    locale = _locale(language)
    names: dict[str, int] = {}
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for month, name in get_month_names(width, context, locale).items() if locale else ():
                names.setdefault(_fold(str(name)), month)
    return names


def _fold(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold().rstrip("."))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
