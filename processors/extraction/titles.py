"""The title of an article: what its page shows and what it declares, weighed against each other.

A headline element can be the site's name or a section, a declared title can carry the site's name as a suffix; where
two of them say the same, that is the title.
"""

import html
import re
import unicodedata
from collections.abc import Iterator

from lxml.html import HtmlElement

from processors.extraction.document import Document, line

# Elasticsearch refuses keywords over 32,766 bytes, and no headline is as long as this.
MAX_TITLE_LENGTH = 500

# Shorter ones are a site's or a section's name as often as a headline.
_WHOLE_TITLE = 12

# Shorter ones are part of too many words.
_SITE_NAME = 4
# A ruby annotation repeats its base in another script.
_SHOWN = ".//text()[not(ancestor::rt or ancestor::rp or ancestor::script or ancestor::style)]"

_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile(r"\s*(?:\s[-–—|·•:/]+\s|[|｜»«]|::)\s*")
_SITE_NAMES = ("og:site_name", "application-name", "apple-mobile-web-app-title", "twitter:site")


def find_title(document: Document, entry_title: str | None) -> str:
    """The best title, cut to MAX_TITLE_LENGTH; that of the feed entry where the page has none, else ""."""
    shown = [text for text in map(_text, document.tree.iter("h1")) if tokens(text)][:10]
    declared = [text for text in _declared(document) if tokens(text)]
    # A headline element that says no more and no less than a declared title is the headline, however many others there
    # are; next best, two declared ones that agree; else what is declared first.
    agreed = [title for title in shown if any(_is_of(title, other) for other in declared)]
    agreed += [title for at, title in enumerate(declared) if any(_is_of(title, other) for other in declared[at + 1 :])]
    return _cut(next(iter([*agreed, *declared, *shown, line(entry_title)]), ""))


def tokens(title: str) -> list[str]:
    """What two spellings of one title have in common: its words after NFKC and casefold."""
    return _WORD.findall(unicodedata.normalize("NFKC", title).casefold())


def _is_of(title: str, declared: str) -> bool:
    """Whether a declared title is this one, alone or with a site's or section's name behind it."""
    if tokens(title) == tokens(declared):
        return True
    rest = declared[len(title) :]
    return len(title) >= _WHOLE_TITLE and declared.startswith(title) and not _WORD.match(rest.strip()[:1] or "a")


def _declared(document: Document) -> Iterator[str]:
    site = _site_names(document)
    for title in (
        document.meta("og:title"),
        line(document.article.get("headline")),
        document.meta("twitter:title"),
        document.meta("dc.title", "dcterms.title", "parsely-title", "sailthru.title", "title", "headline"),
        _text(document.tree.find(".//title")),
    ):
        yield _without_site(html.unescape(title[: 2 * MAX_TITLE_LENGTH]).strip(), site)


def _site_names(document: Document) -> set[str]:
    named = {_squeeze(document.meta(name)) for name in _SITE_NAMES}
    return (named | {_squeeze(label) for label in document.host.split(".")} | {_squeeze(document.host)}) - {""}


def _without_site(title: str, site: set[str]) -> str:
    """Without the site's name at the end or the beginning, as titles for search engines carry it."""
    parts = _SEPARATOR.split(title)
    separators = _SEPARATOR.findall(title)
    while len(parts) > 1 and _names_site(parts[-1], site):
        del parts[-1], separators[-1]
    while len(parts) > 1 and _names_site(parts[0], site):
        del parts[0], separators[0]
    return "".join(text for pair in zip(parts, [*separators, ""], strict=True) for text in pair)


def _names_site(part: str, site: set[str]) -> bool:
    name = _squeeze(part)
    if not name or name in site:
        return True
    return any(min(len(name), len(other)) >= _SITE_NAME and (name in other or other in name) for other in site)


def _squeeze(name: str) -> str:
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", name).casefold())).replace("_", "")


def _text(element: HtmlElement | None) -> str:
    parts = element.xpath(_SHOWN) if element is not None else []
    return line("".join(parts))[: 2 * MAX_TITLE_LENGTH]


def _cut(title: str) -> str:
    if len(title) <= MAX_TITLE_LENGTH:
        return title
    kept = title[: MAX_TITLE_LENGTH - 1]
    return (kept.rpartition(" ")[0] or kept) + "…"
