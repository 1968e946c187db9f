"""Extraction: the bytes of a page to the fields of an article. Pure: no network, no state, no clock of its own.

JSON-LD and meta elements come first, then what the page shows; the text is trafilatura's. The same bytes, URL, headers
and feed entry always give the same draft.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

import trafilatura
from lxml.etree import LxmlError

from govwire.core.errors import ExtractionError, UrlError
from govwire.core.optouts import OptOut, asked_by
from govwire.core.records import Dated, Entry
from govwire.core.urls import clean as clean_url
from processors.extraction.access import Access, find_access, is_cut
from processors.extraction.charset import decode
from processors.extraction.dates import find_published, find_updated
from processors.extraction.document import Document, line, read
from processors.extraction.language import UNKNOWN, find_language
from processors.extraction.people import find_authors
from processors.extraction.text import cut, find_text
from processors.extraction.titles import find_title
from processors.extraction.verdict import find_fault

# Raised with every change that can change a text; texts of different extractors are never compared.
EXTRACTOR = f"govwire-1+trafilatura-{trafilatura.__version__}"

MAX_SUMMARY_LENGTH = 2000
_LONGEST_TAG = 16

_BLANK = re.compile(rb"[\x00\s\xfe\xff\xef\xbb\xbf]*")
_MAGIC = re.compile(
    rb"%PDF-|PK\x03\x04|\x89PNG|GIF8|\xff\xd8\xff|\x1f\x8b|RIFF|OggS|ID3|\xd0\xcf\x11\xe0|Rar!|7z\xbc\xaf|BZh|wOF[F2]"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_OTHER_XML = re.compile(r"\s*(?:<\?xml[^>]*>)?\s*<(?:rss|feed|rdf:RDF|urlset|sitemapindex|svg)\b")
_TAG = re.compile(r"<[a-zA-Z!]")
_OTHER_TYPE = re.compile(
    r"\s*(?:image|audio|video|font)/|\s*application/(?!xhtml|xml|octet-stream|x-?html)", re.IGNORECASE
)
# What parsers raise on pages that nobody foresaw: their own errors, and those of code that met the unexpected.
_FAILURES = (
    LxmlError, ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """What a page says, as an article."""

    canonical: str | None  # as the page declares it; whether to believe it is core/urls.py's to say
    title: str
    text: str
    summary: str | None
    authors: tuple[str, ...]
    language: str
    published: Dated | None
    updated: Dated | None
    access: Access | None = None
    partial: bool = False  # the text is not the whole: cut by a paywall, or at the limit of what is kept
    opt_outs: tuple[OptOut, ...] = ()  # in the page's markup; headers may add to them


@dataclass(frozen=True)
class Drop:
    """Why a page is no article, with what was seen: `empty`, `not_html`, `no_article`; `opted_out` where it may not be
    one.
    """

    reason: str
    detail: str


def extract(
    body: bytes,
    url: str,
    content_type: str | None,
    entry: Entry | None,
    fetched_at: datetime,
    *,
    first_seen_at: datetime | None = None,
) -> Draft | Drop:
    """The article on a page, or why there is none; `first_seen_at` None: its address is known since this fetch only.

    Raises:
        ExtractionError: the page is too entangled for the parsers.
    """
    if _BLANK.fullmatch(body):
        return Drop("empty", f"{len(body)} bytes of nothing")
    if _MAGIC.match(body) or (content_type and _OTHER_TYPE.match(content_type)):
        return Drop("not_html", f"sent as {content_type or 'no type'}, begins with {body[:8]!r}")
    try:
        return _draft(decode(body, content_type), url, entry, fetched_at, first_seen_at)
    except _FAILURES as error:
        raise ExtractionError(f"{url}: {type(error).__name__}: {error}") from error


def _draft(
    html: str, url: str, entry: Entry | None, fetched_at: datetime, first_seen_at: datetime | None
) -> Draft | Drop:
    if not html.strip():
        return Drop("empty", "nothing but white space")
    if _OTHER_XML.match(_COMMENT.sub("", html[:4096])) or not _TAG.search(html):
        return Drop("not_html", "no markup of a page")
    document = read(html, url)
    if document is None:
        return Drop("empty", "markup without content")
    title = find_title(document, entry.title if entry else None)
    whole = find_text(document, title)
    text = cut(whole)
    language = find_language(f"{title}\n{text}")
    tag = document.locale[:_LONGEST_TAG] if document.locale.lower().startswith(language) else language
    published = find_published(document, tag, entry, fetched_at, first_seen_at)
    fault = find_fault(document, title, text, published)
    if fault:
        return Drop("no_article", fault)
    access = find_access(document)
    return Draft(
        canonical=_canonical(document),
        title=title,
        text=text,
        summary=_summary(document, entry),
        authors=find_authors(document, entry.authors if entry else ()),
        language=language,
        published=published,
        updated=find_updated(document, tag, entry, fetched_at),
        access=access,
        partial=len(text) < len(whole) or is_cut(document, access, text),
        opt_outs=asked_by(document.named_contents()),
    )


def _canonical(document: Document) -> str | None:
    links = document.tree.xpath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]/@href")
    for link in (*links, document.meta("og:url")):
        try:
            return clean_url(str(link), base=document.url) if line(link) else None
        except UrlError:
            continue
    return None


def _summary(document: Document, entry: Entry | None) -> str | None:
    said = document.meta("og:description", "description", "twitter:description", "dc.description")
    summary = said or line(document.article.get("description")) or line(entry.summary if entry else None)
    return unicodedata.normalize("NFC", summary)[:MAX_SUMMARY_LENGTH] or None


__all__ = ["EXTRACTOR", "UNKNOWN", "Draft", "Drop", "extract"]
