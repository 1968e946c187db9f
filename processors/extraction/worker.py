"""The work of an extract process's children: one page at a time, whatever it does to them.

A page is hostile until read: it may hang a parser or bring it down. So it is read in a process that may die, that
opens no connection, and whose only word to the world is what it returns.
"""

import hashlib
import logging
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace

from govwire.core.errors import ExtractionError, UrlError
from govwire.core.optouts import OptOut, asked_by
from govwire.core.records import Page
from govwire.core.text import sentences, tokens
from govwire.core.urls import canonical
from processors import extraction, stories
from processors.extraction import Draft, Drop


@dataclass(frozen=True)
class Finding:
    """An article found on a page, with what it is identified and compared by."""

    draft: Draft
    url: str  # canonical
    text_hash: str
    bands: tuple[str, ...]


def prepare() -> None:
    """Make a fresh process ready: no network, and no parsers' chatter."""
    # They log at level ERROR what is everyday on the web.
    for name in ("trafilatura", "htmldate", "charset_normalizer", "justext"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.addaudithook(_refuse_network)


def find(page: Page, obeyed: Collection[OptOut]) -> Finding | Drop:
    """The article on a page, or why there is none; `obeyed` are the opt-outs that are heeded.

    Raises:
        DecodeError: the record's body cannot be unpacked.
        ExtractionError: the parsers fail on it.
    """
    content_type = page.header("content-type")
    found = extraction.extract(
        page.body(), page.final_url, content_type, page.entry, page.fetched_at, first_seen_at=page.first_seen_at
    )
    if isinstance(found, Drop):
        return found
    found = replace(found, opt_outs=_opt_outs(page, found))
    if refused := [name for name in found.opt_outs if name in obeyed]:
        return Drop("opted_out", f"the page asks for {', '.join(refused)}")
    try:
        url = canonical(page.final_url, found.canonical)
    except UrlError as error:
        raise ExtractionError(f"final_url: {error}") from error
    return Finding(found, url, hash_text(found.title, found.text, found.language), stories.bands(found.text))


def _opt_outs(page: Page, found: Draft) -> tuple[OptOut, ...]:
    """What the page asks for in its headers and its markup; with `paywall` where it is marked as for payment."""
    paywall: set[OptOut] = {"paywall"} if found.access in {"paid", "metered"} else set()
    headers = asked_by((header.name, header.value) for header in page.headers)
    return tuple(sorted({*headers, *found.opt_outs, *paywall}))


def hash_text(title: str, text: str, language: str) -> str:
    """What stays the same as long as title and body say the same: of their sentences, without case and punctuation."""
    said = [title, *(text[start:end] for start, end in sentences(text, language))]
    normalised = "\n".join(" ".join(tokens(sentence, "und")) for sentence in said)
    return hashlib.sha256(normalised.encode()).hexdigest()


def _refuse_network(event: str, _: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError(f"{event}: pages are read without a network")
