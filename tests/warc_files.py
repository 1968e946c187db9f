"""WARC files of a test's own, written record by record."""

import gzip
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastwarc.warc import WarcRecord, WarcRecordType

AT = datetime(2026, 9, 1, 8, 30, 15, tzinfo=UTC)


def record(
    url: str,
    body: bytes = b"<html><p>Some text.</p></html>",
    *,
    at: datetime = AT,
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    kind: WarcRecordType = WarcRecordType.response,
    **fields: str,
) -> bytes:
    """One record, as an answer that came at a time; `fields` are further ones of its own head (WARC_Truncated)."""
    made = WarcRecord()
    made.init_headers(kind)
    made.record_date = at
    made.headers["WARC-Target-URI"] = url
    made.headers["Content-Type"] = "application/http; msgtype=response"
    for name, value in fields.items():
        made.headers[name.replace("_", "-")] = value
    told = {"Content-Type": "text/html; charset=utf-8"} | dict(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    made.set_bytes_content(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
    written = io.BytesIO()
    made.write(written)
    return written.getvalue()


def member(*arguments: Any, **more: Any) -> bytes:
    """One record as the gzip member that it is in CC-NEWS; as `record`."""
    return gzip.compress(record(*arguments, **more))


def damaged(data: bytes, at: int) -> bytes:
    """With sixteen bytes that were never written."""
    return data[:at] + b"\xa5\x5a" * 8 + data[at + 16 :]
