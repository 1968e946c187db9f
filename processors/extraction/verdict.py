"""Whether a page holds an article, by what it says of itself and by the shape of its text.

A page has to give a reason for being dropped: too little text, a challenge in place of the page, an error page sent as
a success, a forum's thread, a shop, a list. What is declared and dated as an article is believed. tests pin, over the
recorded pages, which non-articles pass and which articles fail.
"""

import re

from govwire.core.records import Dated
from processors.extraction.document import Document, types

# A text's length in units: a character of a script without spaces says as much as several letters.
_UNSPACED_UNITS = 3
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f]")
# A dated flash of news can be one sentence; without a date, what is short is a navigation's or a notice's words.
_LEAST, _LEAST_UNDATED = 60, 300
# No challenge or error page explains itself at greater length.
_EXCUSE = 1500
_LONG_LINE, _MANY_LINES = 100, 20

_CHALLENGE = re.compile(
    r"""(?ix)
      just\ a\ moment | attention\ required | access\ (?:to\ this\ page\ has\ been\ )?denied
    | are\ you\ (?:a\ )?(?:robot|human) | robot\ or\ human | verify(?:ing)?\ (?:that\ )?you\ are\ (?:a\ )?human
    | pardon\ our\ interruption | checking\ your\ browser | security\ check | captcha | client\ challenge
    | ddos[- ]guard | request\ unsuccessful | unusual\ traffic | enable\ javascript\ and\ cookies
    | bot\ (?:check|protection)
    """
)
_CHALLENGE_MARKUP = (
    "//*[@id='challenge-form' or @id='px-captcha' or @id='cf-wrapper']"
    "|//script[contains(@src, 'captcha-delivery.com') or contains(@src, '_Incapsula_')]"
    "|//iframe[contains(@src, 'captcha-delivery.com') or contains(@src, '_Incapsula_')]"
)
_NOT_FOUND = re.compile(
    r"""(?ix)
      \b(?:error\s+)?404\b | \bnot\ found\b
    | \b(?:page|article|story|content|document)\s+(?:is\s+|does\s+)?(?:no\ longer|not)\s+(?:available|exists?)\b
    | nicht\ gefunden | introuvable | no\ encontrada | n[aã]o\ encontrada | non\ trovata | nie\ znaleziono
    | страница\ не\ найдена | 页面不存在 | 找不到 | 見つかりません | 찾을\ 수\ 없
    """
)
_THREAD_TYPES = {"DiscussionForumPosting", "QAPage"}
_FORUM = re.compile(r"\b(?:xenforo|vbulletin|phpbb|mybb|discourse|invision)\b", re.IGNORECASE)
_OTHER_KIND = re.compile(r"product|book|profile|music|place|restaurant|video\.(?:movie|tv_show)|game", re.IGNORECASE)
_PRODUCT_TYPES = {"Product", "ProductGroup", "OfferCatalog"}


def find_fault(document: Document, title: str, text: str, published: Dated | None) -> str | None:
    """Why the page holds no article, None where it holds one."""
    size = length(text)
    declared = bool(document.article) or document.meta("og:type").lower() == "article"
    if size < _EXCUSE and _CHALLENGE.search(title):
        return "a challenge in place of the page"
    if size < _LEAST_UNDATED and document.tree.xpath(_CHALLENGE_MARKUP):
        return "a challenge in place of the page"
    if size < _LEAST or (size < _LEAST_UNDATED and not document.article and not published):
        return f"{len(text)} characters of text"
    if size < _EXCUSE and _NOT_FOUND.search(title) and not document.article:
        return "an error page"
    if _is_thread(document):
        return "a forum's thread"
    return None if (declared and not _sells(document)) or published else _kind(document, text)


def length(text: str) -> int:
    """A text's length in letters, whatever script it is written in."""
    return len(text) + (_UNSPACED_UNITS - 1) * len(_UNSPACED.findall(text))


def _kind(document: Document, text: str) -> str | None:
    """What a page is that is neither declared nor dated as an article."""
    kind = document.meta("og:type")
    if kind.lower() == "website" or _OTHER_KIND.match(kind):
        return f"a page of type {kind}, without a date"
    if _sells(document):
        return "a shop's page"
    lines = text.splitlines()
    if len(lines) >= _MANY_LINES and all(len(line) <= _LONG_LINE for line in lines):
        return "a list"
    return None


def _is_thread(document: Document) -> bool:
    if document.article:
        return False
    if any(_THREAD_TYPES.intersection(types(node)) for node in document.nodes):
        return True
    return document.tree.get("id") == "XF" or bool(_FORUM.search(document.meta("generator")))


def _sells(document: Document) -> bool:
    if document.article:
        return False
    marked = document.tree.xpath("//*[contains(@itemtype, 'Product')]")
    return bool(marked) or any(_PRODUCT_TYPES.intersection(types(node)) for node in document.nodes)
