"""A page as a tree, with what it says of itself in machine-readable form: meta elements and JSON-LD.

Source: WHATWG HTML for meta elements, Open Graph and its `article:` names, schema.org in JSON-LD 1.1.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

# schema.org's Article and its descendants, by the ends of their names.
_ARTICLE_TYPE = re.compile(r"(?:^|/)\w*(?:Article|BlogPosting|SocialMediaPosting|Report)$")
_JSON_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|/\*.*?\*/|(?<![:"\w])//[^\n]*', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_STATEMENT = re.compile(r'"(headline|datePublished|dateModified)"\s*:\s*"([^"\\]*)"')
_SPACE = re.compile(r"\s+")
# What no text may hold: controls, lone surrogates, noncharacters, and characters that are only invisible. The joiners
# U+200C and U+200D stay, Persian and Indic words are spelt with them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Mending costs more than reading; no article's own metadata is as long as this.
_MENDED_LENGTH = 200_000
# A page of more JSON-LD nodes than this is a catalogue, or an attack.
_MAX_NODES = 2000

Node = Mapping[str, Any]


def clean(text: str) -> str:
    """A text without control characters, lone surrogates and invisible characters."""
    return _UNWANTED.sub("", text)


def line(text: object) -> str:
    """A text on one clean line, "" for what is no text; HTML's own rules for white space."""
    return _SPACE.sub(" ", clean(text)).strip() if isinstance(text, str) else ""


@dataclass(frozen=True)
class Document:
    """A parsed page."""

    tree: HtmlElement
    url: str

    @cached_property
    def host(self) -> str:
        """The host it came from."""
        return urlsplit(self.url).hostname or ""

    @cached_property
    def metas(self) -> Mapping[str, list[str]]:
        """Contents of meta elements by property, name or itemprop, in lower case, in the page's order."""
        found: dict[str, list[str]] = {}
        for element in self.tree.iter("meta"):
            content = line(element.get("content") or element.get("value"))
            if content:
                for attribute in ("property", "name", "itemprop"):
                    name = element.get(attribute)
                    if name:
                        found.setdefault(name.strip().lower(), []).append(content)
        return found

    def named_contents(self) -> Iterator[tuple[str, str]]:
        """Name and content of the meta elements that have both, as a search engine reads them."""
        for element in self.tree.iterfind(".//meta[@name][@content]"):
            yield element.get("name"), element.get("content")

    def meta(self, *names: str) -> str:
        """The first content under the first of these names that has one, else ""."""
        return next((self.metas[name][0] for name in names if name in self.metas), "")

    @cached_property
    def locale(self) -> str:
        """The language tag of its html element, or of Open Graph (`en-GB`), "" where it has none."""
        return (line(self.tree.get("lang")) or self.meta("og:locale", "content-language")).replace("_", "-")

    @cached_property
    def nodes(self) -> list[Node]:
        """Every JSON-LD object, nested ones too, outer before inner."""
        found: list[Node] = []
        for script in self.tree.iter("script"):
            text = script.text or ""
            if "ld+json" in (script.get("type") or "").lower() or text[:40].lstrip("{[ \n\t").startswith('"@context"'):
                found += _flatten(_load(text))
        return found[:_MAX_NODES]

    @cached_property
    def article(self) -> Node:
        """The JSON-LD object of the page's own article, {} where there is none."""
        articles = [node for node in self.nodes if any(map(_ARTICLE_TYPE.search, types(node)))]
        own = (node for node in articles if self._is_own(node))
        return next(own, articles[0] if articles else {})

    def _is_own(self, node: Node) -> bool:
        main = node.get("mainEntityOfPage")
        named = (main.get("@id") if isinstance(main, dict) else main, node.get("url"), node.get("@id"))
        return any(isinstance(name, str) and _same_path(name, self.url) for name in named)


def read(text: str, url: str) -> Document | None:
    """Parse a page; None where nothing of it is markup or text."""
    # libxml2's own limits stay on: a depth of 255 elements and 10 MB of text in one node, so hostile nesting is cut.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = document_fromstring(_UNWANTED.sub("", text).encode(), parser=parser)
    except etree.ParserError:
        return None
    return Document(tree, url)


def types(node: Node) -> list[str]:
    """The schema.org types of a JSON-LD object."""
    named = node.get("@type")
    return [name for name in (named if isinstance(named, list) else [named]) if isinstance(name, str)]


def names(value: object) -> Iterator[str]:
    """The texts of a JSON-LD value that may be a text, an object with a name, or a list of such."""
    if isinstance(value, str):
        yield line(value)
    elif isinstance(value, dict):
        yield from names(value.get("name"))
    elif isinstance(value, list):
        for part in value[:100]:
            yield from names(part) if not isinstance(part, list) else ()


def _load(raw: str) -> Any:
    for tidy in (str, _mend):
        try:
            return json.loads(tidy(raw), strict=False)
        except (ValueError, RecursionError):
            continue
    # Beyond repair: what can be told from it apart.
    return dict(_STATEMENT.findall(raw))


def _mend(raw: str) -> str:
    """Without wrappings, comments and trailing commas: what strict JSON refuses and templates write all the same."""
    text = raw[:_MENDED_LENGTH].strip()
    for wrapping in ("//", "/*", "<!--", "<![CDATA[", "*/"):
        text = text.removeprefix(wrapping).strip()
    for wrapping in (";", "*/", "//", "-->", "]]>", "//", "/*"):
        text = text.removesuffix(wrapping).strip()
    for pattern in (_JSON_COMMENT, _TRAILING_COMMA):
        text = pattern.sub(lambda match: match[1] or "", text)
    return text


def _flatten(value: Any) -> list[Node]:
    found: list[Node] = []
    waiting = deque([value])
    while waiting and len(found) < _MAX_NODES:
        part = waiting.popleft()
        if isinstance(part, dict):
            found.append(part)
        inner = part.values() if isinstance(part, dict) else part
        waiting.extendleft(reversed([item for item in inner if isinstance(item, dict | list)] if inner else []))
    return found


def _same_path(one: str, other: str) -> bool:
    try:
        return urlsplit(one).path.rstrip("/") == urlsplit(other).path.rstrip("/") != ""
    except ValueError:
        return False
