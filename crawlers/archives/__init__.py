"""Archives: pages that somebody else has fetched, in WARC files, folders or JSON Lines, to be brought into the flow.

A reader of each kind gives an archive's items in its order, the same at every reading; `bring` makes pages of them, on
the backfill lane. Nothing here fetches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from govwire.core.records import Header


class Reason(StrEnum):
    """Why an item of an archive was passed over; each is counted under its name."""

    DAMAGED = "damaged"  # cannot be read, or says of itself that it was cut
    NO_PAGE = "no_page"  # not the answer to a request for a page, or not a successful one
    NOT_HTML = "not_html"
    TOO_LARGE = "too_large"  # over fetch.max_bytes, or over the bus's wire limit
    NO_ADDRESS = "no_address"  # nothing says where on the web it was
    NO_SOURCE = "no_source"  # of a host of no source, or of none that was asked for
    PREFILTERED = "prefiltered"  # names no AI
    OUTSIDE = "outside"  # fetched outside the days that were asked for


@dataclass(frozen=True)
class Kept:
    """A page as an archive kept it; `body` is decoded, and no longer than `fetch.max_bytes`."""

    url: str
    fetched_at: datetime
    status: int
    headers: tuple[Header, ...]
    body: bytes


@dataclass(frozen=True)
class PassedOver:
    """An item that gives no page; `detail` names its place in the archive, and the cause."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Item:
    """One item of an archive, and how many of the archive's bytes lie before its end, more or less."""

    found: Kept | PassedOver
    at_byte: int


class Archive(Protocol):
    """One archive of any kind."""

    path: Path
    size_bytes: int

    def version(self) -> str:
        """What changes where the archive changes."""

    def read(self, behind: int) -> Iterator[Item]:
        """Its items but for the first `behind`, in an order that is the same at every reading.

        Raises:
            ArchiveError: it is no archive of this kind.
            OSError: the disk.
        """


def changed_at(path: Path) -> datetime:
    """When a file was changed last: the best that is known of when its page was fetched."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
