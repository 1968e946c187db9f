"""XML from strangers: parsed once, by a parser that opens nothing and expands nothing."""

import re
from typing import Any

from lxml import etree

# lxml ships no types.
Element = Any

_BARE_AMPERSAND = re.compile(rb"&(?!(?:[a-z]\w{1,31}|#\d{1,7}|#x[0-9a-f]{1,6});)", re.IGNORECASE)


def parsed(body: bytes, url: str) -> Element | None:
    """The root of a well-formed document; None of any other. Texts come by `text`, xml:base by the element's `base`."""
    # Without huge_tree libxml2 stops at 256 levels and 10 MB in one text: both more than any real feed has.
    return _root(body.lstrip(), url, recover=False)


def repaired(body: bytes, url: str) -> Element | None:
    """The root of a document that is not well-formed, as far as it can be understood: only for plain structures."""
    return _root(_BARE_AMPERSAND.sub(b"&amp;", body.strip()), url, recover=True)


def _root(body: bytes, url: str, *, recover: bool) -> Element | None:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=recover
    )
    try:
        return etree.fromstring(body, parser, base_url=url)
    except (etree.XMLSyntaxError, ValueError):
        return None


def text(element: Element) -> str:
    """All text in an element; an entity that only its document declares stays as it is written."""
    return "".join(element.itertext()) if len(element) else element.text or ""


def local_name(element: Element) -> str:
    """The name of an element without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower()
