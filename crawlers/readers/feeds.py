"""Reading feeds: RSS 0.9x to 2.0 and Atom, well-formed ones in one walk, the rest by feedparser; and JSON Feed.

Sources: RSS 2.0 (rssboard.org), RSS 1.0 with its modules dc and content, RFC 4287 (Atom), JSON Feed 1.1.
"""

import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import feedparser

from crawlers.readers.entries import Raw
from crawlers.readers.markup import Element, local_name, text
from govwire.core.errors import FeedError

ROOTS = {"rss", "rdf", "feed"}

_ATOM = "http://www.w3.org/2005/Atom"
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# What the children of an entry say: names of RSS, Atom 0.3 and 1.0 and Dublin Core, which mean the same in all of them.
_FIELDS = {
    "title": "title",
    "link": "link",
    "guid": "id",
    "id": "id",
    "description": "summary",
    "summary": "summary",
    "content": "content",
    "pubdate": "published",
    "published": "published",
    "issued": "published",
    "date": "published",
    "created": "published",
    "updated": "updated",
    "modified": "updated",
    "author": "author",
    "creator": "author",
    "language": "language",
    "enclosure": "enclosure",
}
# Of other namespaces only these: the full text, and the page's own address in a feed that counts its readers' clicks.
_MODULES = {
    "{http://purl.org/rss/1.0/modules/content/}encoded": "content",
    "{http://rssnamespace.org/feedburner/ext/1.0}origLink": "original",
    "{http://www.pheedo.com/namespace/pheedo}origLink": "original",
}
_ADDRESS_OF_AUTHOR = re.compile(r"[^\s@()]+@[^\s@()]+")
# What feedparser raises on hostile input beside its own ValueError.
_READER_ERRORS = (ValueError, TypeError, AttributeError, LookupError, RecursionError, AssertionError)


def entries_of(root: Element, url: str) -> Iterator[Raw]:
    """The entries of a well-formed feed."""
    names: dict[str, str | None] = {}
    for element in _items(root):
        yield _raw(element, url, names)


def _items(root: Element) -> Iterator[Element]:
    """RSS 0.90 and 1.0 put items beside the channel, the others into it; Atom puts entries into the root."""
    for child in root:
        match local_name(child):
            case "item" | "entry":
                yield child
            case "channel":
                yield from (each for each in child if local_name(each) == "item")


def _raw(item: Element, url: str, names: dict[str, str | None]) -> Raw:
    found: dict[str, str] = {}
    authors: list[str] = []
    for child in item:
        tag = child.tag
        if tag not in names:
            names[tag] = _field_of(tag, item.tag)
        match names[tag]:
            case None:
                continue
            case "link":
                _link(child, url, found)
            case "enclosure":
                found.setdefault("enclosure", child.get("url") or "")
                found.setdefault("enclosure_type", child.get("type") or "")
            case "author":
                authors.append(_author(child))
            case "id":
                _identity(child, found)
            case field:
                found.setdefault(field, text(child))
    return _made(found, authors, item, url)


def _field_of(tag: Any, item_tag: str) -> str | None:
    if not isinstance(tag, str):
        return None  # an entity between elements
    if tag in _MODULES:
        return _MODULES[tag]
    namespace, _, name = tag.rpartition("}")
    own = item_tag.rpartition("}")[0]
    if namespace in {"", own} or namespace.startswith("{http://purl.org/dc/"):
        return _FIELDS.get(name.lower())
    # In RSS its dates and authors count, and not its links: they point to the feed, to comments, to a hub.
    return _FIELDS.get(name) if namespace == "{" + _ATOM and name != "link" else None


def _link(link: Element, url: str, found: dict[str, str]) -> None:
    href = link.get("href")
    if href is None:  # RSS
        if address := text(link).strip():
            found.setdefault("link", address)
            found.setdefault("base", link.base or url)
        return
    relation = link.get("rel") or "alternate"
    if relation in {"alternate", "enclosure"} and (relation == "enclosure" or "link" not in found):
        name = "link" if relation == "alternate" else "enclosure"
        found.setdefault(name, href)
        found.setdefault(f"{name}_type", link.get("type") or "")
        found.setdefault("base", link.base or url)


def _identity(element: Element, found: dict[str, str]) -> None:
    """An id is the page's address where it looks like one, or says so itself; RSS' ids can say that they are none."""
    identity, is_address = text(element).strip(), element.get("isPermaLink")
    if is_address == "true" or (is_address is None and _is_web(identity)):
        found.setdefault("id", identity)


def _author(element: Element) -> str:
    """A name: Atom's <name>, Dublin Core's text, RSS' "address (name)"."""
    name = next((text(child) for child in element if local_name(child) == "name"), None)
    if name is None:
        name = _ADDRESS_OF_AUTHOR.sub("", "" if len(element) else element.text or "").strip()
    return name[1:-1] if name.startswith("(") and name.endswith(")") else name


def _made(found: Mapping[str, str], authors: list[str], item: Element, url: str) -> Raw:
    address, media_type = found.get("original") or found.get("link"), found.get("link_type", "")
    address = address or found.get("id") or item.get(_ABOUT)
    if not address:
        address, media_type = found.get("enclosure"), found.get("enclosure_type", "")
    return Raw(
        address=address,
        base=found.get("base") or url,
        title=found.get("title"),
        summary=found.get("summary") or found.get("content"),
        authors=authors,
        published=found.get("published"),
        updated=found.get("updated"),
        language=found.get("language") or item.get(_LANGUAGE),
        media_type=media_type,
    )


def json_entries(body: bytes, url: str) -> Iterator[Raw]:
    """The entries of a JSON Feed; what is not of the type that it should be counts as not there.

    Raises:
        FeedError: it is no JSON, or no feed.
    """
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"feed {url}: broken JSON ({error})") from error
    items = feed.get("items", []) if isinstance(feed, dict) else None
    if not isinstance(items, list) or ("items" not in feed and "jsonfeed.org" not in str(feed.get("version"))):
        raise FeedError(f"feed {url}: JSON, but no JSON Feed")
    return (_json_raw(item if isinstance(item, dict) else {}, url) for item in items)


def _json_raw(item: Mapping[str, Any], url: str) -> Raw:
    def of(*names: str) -> str | None:
        return next((value for name in names if isinstance(value := item.get(name), str) and value), None)

    address, identity, media_type = of("url"), of("id"), ""
    if address is None and identity is not None and _is_web(identity):
        address = identity
    attachments = item.get("attachments")
    if address is None and isinstance(attachments, list) and attachments and isinstance(attachments[0], dict):
        address, media_type = (str(attachments[0].get(name) or "") for name in ("url", "mime_type"))
    authors = item.get("authors")
    named = authors if isinstance(authors, list) else [item.get("author")]
    return Raw(
        address=address,
        base=url,
        title=of("title"),
        summary=of("summary", "content_text", "content_html"),
        authors=[str(author.get("name") or "") for author in named if isinstance(author, dict)],
        published=of("date_published"),
        updated=of("date_modified"),
        language=of("language"),
        media_type=media_type,
    )


def patient_entries(body: bytes, url: str, content_type: str) -> Iterator[Raw]:
    """The entries of a feed that is not well-formed, as far as feedparser understands it.

    Raises:
        FeedError: it is no feed, or too broken.
    """
    headers = {"content-type": content_type or "application/xml", "content-location": url}
    try:
        # Always a stream: given bytes or text, feedparser opens the file or the address that they happen to name.
        feed = feedparser.parse(
            BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _READER_ERRORS as error:
        raise FeedError(f"feed {url}: cannot be read ({type(error).__name__})") from error
    if not feed.get("version") and not feed.entries:
        cause = type(feed.bozo_exception).__name__ if feed.get("bozo_exception") else "no entries"
        raise FeedError(f"feed {url}: neither RSS, Atom, JSON Feed nor sitemap ({cause})")
    # Its own mapping answers `updated` with `published`.
    return (_patient_raw(dict(entry), url) for entry in feed.entries)


def _patient_raw(entry: Mapping[str, Any], url: str) -> Raw:
    address, identity = entry.get("feedburner_origlink") or entry.get("link"), str(entry.get("id") or "")
    content = next((each.get("value") for each in entry.get("content") or ()), None)
    return Raw(
        address=address or (identity if _is_web(identity) else None),
        base=url,
        title=entry.get("title"),
        summary=entry.get("summary") or content,
        authors=[str(author.get("name") or "") for author in entry.get("authors") or ()],
        published=entry.get("published"),
        updated=entry.get("updated"),
    )


def _is_web(address: str) -> bool:
    return address.startswith(("http://", "https://"))
