"""Who wrote an article, as it names them: JSON-LD, then meta elements, then bylines.

Agencies are authors too. A name is kept as written, without "By" before it; addresses and links are no names.
"""

import re
from collections.abc import Iterator

from processors.extraction.document import Document, line, names

MAX_AUTHORS = 20
_LONGEST_NAME = 100

_METAS = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator", "byl",
    "citation_author",
)  # fmt: skip
_BYLINES = (
    "//*[@rel='author' or @itemprop='author']",
    "//*[contains(@class, 'byline') or contains(@class, 'author-name') or @class = 'author']",
)
_LEAD_IN = re.compile(r"^(?:by|von|par|por|di|door|av|af|text|author|autor)\s*:?\s+", re.IGNORECASE)
_NO_NAME = re.compile(r"https?:|www\.|@|\d{3}|[<>{}]|^(?:admin|editor|staff|redaktion|unknown)$", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:;|\s&\s|\s(?:and|und)\s)\s*")


def find_authors(document: Document, entry_authors: tuple[str, ...]) -> tuple[str, ...]:
    """The authors in the page's order, each once; those of the feed entry where the page names none."""
    for source in (
        names(document.article.get("author")),
        (name for meta in _METAS for name in document.metas.get(meta, [])),
        _bylines(document),
        iter(entry_authors),
    ):
        found = {name.casefold(): name for named in source for name in _split(named)}
        if found:
            return tuple(found.values())[:MAX_AUTHORS]
    return ()


def _bylines(document: Document) -> Iterator[str]:
    for path in _BYLINES:
        found = [line(element.text_content()) for element in document.tree.xpath(path)[:MAX_AUTHORS]]
        short = [name for name in found if 0 < len(name) <= _LONGEST_NAME]
        if short:
            yield from short[:3]
            return


def _split(named: str) -> Iterator[str]:
    for part in _BETWEEN.split(line(named[:1000])):
        name = _LEAD_IN.sub("", part).strip(" ,|·•")
        if 1 < len(name) <= _LONGEST_NAME and not _NO_NAME.search(name):
            yield name
