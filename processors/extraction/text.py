"""The text of an article, one paragraph a line, by trafilatura in three tries of growing appetite.

Its precise and fast mode comes first, as it leaves out what surrounds an article. Where that finds little of what the
page's own paragraphs hold, its mode for recall is asked, and where even that finds little, its baseline. DECISIONS.md
has the figures that this order rests on.
"""

import unicodedata

from lxml.html import HtmlElement
from trafilatura import bare_extraction, baseline

from processors.extraction.document import Document, clean, line
from processors.extraction.titles import tokens

# Over a million characters no text is news; a record must stay far below the bus's wire limit.
MAX_TEXT_LENGTH = 1_000_000

_SHORT = 300
_PARAGRAPH = 60
# Shares of the page's own paragraphs, and of the other try's length, below which a try has missed the article.
_LITTLE, _LESS, _NEXT_TO_NOTHING = 0.6, 0.7, 0.25
_TITLE_WITHIN_LINES = 3


def find_text(document: Document, title: str) -> str:
    """The article's text without its title; "" where the page has none."""
    tree = document.tree
    available = _paragraph_length(tree)
    text = _extract(tree, document.url, precise=True)
    if len(text) < max(_SHORT, _LITTLE * available):
        more = _extract(tree, document.url, precise=False)
        if len(text) < _LESS * len(more):
            text = more
    if len(text) < _NEXT_TO_NOTHING * available:
        text = "\n".join("".join(paragraph.itertext()) for paragraph in baseline(tree)[0])
    return _tidy(text, title)


def cut(text: str) -> str:
    """A text up to the longest that is kept, between two paragraphs where it has any."""
    if len(text) <= MAX_TEXT_LENGTH:
        return text
    kept = text[:MAX_TEXT_LENGTH]
    return kept.rpartition("\n")[0] or kept


def _extract(tree: HtmlElement, url: str, *, precise: bool) -> str:
    found = bare_extraction(
        tree, url=url, fast=True, favor_precision=precise, favor_recall=not precise, include_comments=False
    )
    return getattr(found, "text", None) or ""


def _paragraph_length(tree: HtmlElement) -> int:
    """How much text the page has in paragraphs that are neither short nor mostly links."""
    total = 0
    for paragraph in tree.iter("p"):
        length = len(line(paragraph.text_content()))
        if length > _PARAGRAPH and 2 * sum(len(line(link.text_content())) for link in paragraph.iter("a")) < length:
            total += length
    return total


def _tidy(text: str, title: str) -> str:
    lines = [line(paragraph) for paragraph in unicodedata.normalize("NFC", clean(text)).splitlines()]
    lines = [paragraph for paragraph in lines if paragraph]
    named = tokens(title)
    for at, paragraph in enumerate(lines[:_TITLE_WITHIN_LINES]):
        if named and tokens(paragraph) == named:
            del lines[at]
            break
    return "\n".join(lines)
