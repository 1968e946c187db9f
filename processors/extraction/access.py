"""Who may read a page for free, by its own marks, and whether the text that was sent is cut by a paywall.

Sources: schema.org's isAccessibleForFree with hasPart and cssSelector, as Google asks for them of paywalled content;
and Open Graph's content tiers (free, metered, locked).
"""

from collections.abc import Iterator
from typing import Literal

from cssselect import SelectorError
from lxml.etree import XPathError
from lxml.html import HtmlElement

from processors.extraction.document import Document, Node, line
from processors.extraction.verdict import length

Access = Literal["free", "metered", "paid"]

_TIERS: dict[str, Access] = {"free": "free", "metered": "metered", "locked": "paid"}
# A part for payment with less text than this is the wall's own words.
_LEAST_OF_A_PART = 200
# A mark names a class or an id; what is longer is no such mark, and may take long to look for.
_LONGEST_SELECTOR, _MOST_SELECTORS = 100, 5
# Below this share of the length that the page states, and below this length where it states none, a text is a teaser.
_SHARE, _TEASER_WORDS = 0.7, 250
_LETTERS_A_WORD = 6  # with the space behind it, in English


def find_access(document: Document) -> Access | None:
    """Who may read it; None where the page does not say."""
    tier = _TIERS.get(document.meta("article:content_tier", "og:article:content_tier").lower())
    if tier is not None:
        return tier
    free = _is_free(document.article)
    if free is None:
        return "paid" if any(_paid_parts(document.article)) else None
    return "free" if free else "paid"


def is_cut(document: Document, access: Access | None, text: str) -> bool:
    """Whether a text is only what the paywall lets through; a page that sends the rest and hides it is whole."""
    if access not in {"paid", "metered"}:
        return False
    selectors = [each for part in _paid_parts(document.article) for each in _selectors(part)][:_MOST_SELECTORS]
    if parts := [_length(element) for each in selectors for element in _select(document, each)]:
        return max(parts) < _LEAST_OF_A_PART
    words = length(text) / _LETTERS_A_WORD
    stated = document.article.get("wordCount")
    if str(stated).isdecimal() and int(str(stated)[:7]) > 0:
        return words < _SHARE * int(str(stated)[:7])
    return access == "paid" and words < _TEASER_WORDS


def _is_free(node: Node) -> bool | None:
    said = line(str(node.get("isAccessibleForFree", ""))).rpartition("/")[2].lower()
    return {"true": True, "false": False}.get(said)


def _paid_parts(node: Node) -> Iterator[Node]:
    parts = node.get("hasPart")
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, dict) and _is_free(part) is False:
            yield part


def _selectors(part: Node) -> Iterator[str]:
    named = part.get("cssSelector")
    for selector in named if isinstance(named, list) else [named]:
        if isinstance(selector, str) and 0 < len(selector) <= _LONGEST_SELECTOR:
            yield selector


def _select(document: Document, selector: str) -> list[HtmlElement]:
    try:
        return list(document.tree.cssselect(selector))
    except (SelectorError, XPathError):
        return []


def _length(element: HtmlElement) -> int:
    return len(line(element.text_content()))
