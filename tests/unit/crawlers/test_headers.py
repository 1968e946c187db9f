"""What a site's headers say, whatever they say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import Response

from crawlers.headers import LONGEST_RETRY_AFTER, header, headers_of, retry_after

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Tue, 24 Nov 2026 10:00:00 GMT", timedelta(hours=1)),
        ("Tue, 24 Nov 2026 11:00:00 +0100", timedelta(hours=1)),
        ("999999999999999999999", LONGEST_RETRY_AFTER),
        ("Tue, 24 Nov 2126 10:00:00 GMT", LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_is_read_in_both_forms_and_cut(value: str, after: timedelta) -> None:
    assert retry_after(value, NOW) == NOW + after


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5"])
def test_a_retry_after_that_names_no_time_is_none(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@given(st.text())
def test_reading_a_retry_after_is_total(value: str) -> None:
    at = retry_after(value, NOW)
    assert at is None or at <= NOW + LONGEST_RETRY_AFTER


def test_a_nul_in_a_header_goes_no_further() -> None:
    response = Response("https://one.example/", headers={"ETag": b'"a\x00b"'})
    assert header(response, "ETag") == '"ab"'
    assert headers_of(response) == [("etag", '"ab"')]
