"""OPML, in which feed readers exchange subscriptions: read from anybody, written so that ours come back whole.

Source: OPML 2.0 (opml.org). A folder is an outline without an address; its name is a tag of all that lies in it. Of the
libraries, listparser drops the home page (htmlUrl) and reads XML as HTML; so lxml, without entities and network.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from govwire.core.errors import ConfigError, UrlError
from govwire.core.source import Source
from govwire.core.urls import clean, normalise

# What OPML has no word for; other readers pass it over.
_OURS = "urn:govwire:source"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEPT = ("id", "kind", "country", "edition", "rights")


@dataclass(frozen=True)
class Outline:
    """A subscription: one outlet with its feeds; `facts` are what only our own files say of it."""

    feeds: tuple[str, ...]
    name: str
    home: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Opml:
    """What a file holds, in its order; `bad` names outlines whose address is none, with their line."""

    outlines: tuple[Outline, ...]
    bad: tuple[str, ...] = ()


def read_opml(content: bytes, name: str) -> Opml:
    """The subscriptions of an OPML file.

    Outlines of one feed are one, with the tags of all; those of one title and one home page are one outlet.

    Raises:
        ConfigError: it is no OPML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ConfigError(f"{name}: no OPML ({error})") from error
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise ConfigError(f"{name}: no OPML; export the subscriptions of your reader as OPML")
    bad: list[str] = []
    found: dict[object, Outline] = {}
    owners: dict[str, object] = {}
    for outline in _outlines(root, (), bad):
        feed = normalise(outline.feeds[0])
        key = owners.setdefault(feed, (outline.name, outline.home) if outline.home else feed)
        known = found.get(key)
        found[key] = outline if known is None else _joined(known, outline)
    return Opml(tuple(found.values()), tuple(bad))


def _outlines(element: etree._Element, folders: tuple[str, ...], bad: list[str]) -> Iterator[Outline]:
    for child in element:
        if not isinstance(child.tag, str):
            continue  # a comment
        said = {name.lower(): " ".join(value.split()) for name, value in child.attrib.items()}
        title = said.get("title") or said.get("text") or ""
        if "xmlurl" not in said:
            yield from _outlines(child, (*folders, title) if title else folders, bad)
            continue
        try:
            feed = clean(said["xmlurl"])
            normalise(feed)
        except UrlError as error:
            bad.append(f"line {child.sourceline}: {error}")
            continue
        home = _address(said.get("htmlurl"))
        tags = dict.fromkeys([*folders, *_categories(said.get("category", ""))])
        ours = ((key, child.get(f"{{{_OURS}}}{key}")) for key in _KEPT)
        facts = tuple((key, value) for key, value in ours if value)
        yield Outline((feed,), title or home or feed, home, said.get("language"), tuple(tags), facts)
        yield from _outlines(child, folders, bad)


def _categories(attribute: str) -> Iterator[str]:
    """The attribute's parts, slashes between folders and commas between paths (OPML 2.0)."""
    for path in attribute.split(","):
        yield from (part.strip() for part in path.split("/") if part.strip())


def _address(url: str | None) -> str | None:
    try:
        return clean(url) if url else None
    except UrlError:
        return None


def _joined(one: Outline, other: Outline) -> Outline:
    feeds = {normalise(url): url for url in (*other.feeds, *one.feeds)}
    return replace(
        one,
        feeds=tuple(sorted(feeds.values(), key=(*one.feeds, *other.feeds).index)),
        tags=tuple(dict.fromkeys((*one.tags, *other.tags))),
    )


def write_opml(sources: Iterable[Source]) -> bytes:
    """An OPML file of the feeds of these sources: a folder for each tag, and what has none at the end."""
    root = etree.Element("opml", version="2.0", nsmap={"govwire": _OURS})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Sources of Govwire"
    body = etree.SubElement(root, "body")
    watched = [source for source in sources if source.feeds]
    for tag in dict.fromkeys(tag for source in watched for tag in source.tags):
        folder = etree.SubElement(body, "outline", text=_written(tag), title=_written(tag))
        for source in watched:
            if tag in source.tags:
                _write(folder, source)
    for source in watched:
        if not source.tags:
            _write(body, source)
    text: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return text


def _write(parent: etree._Element, source: Source) -> None:
    name, home = _written(source.name), _written(source.home)
    for feed in source.feeds:
        outline = etree.SubElement(parent, "outline", type="rss", text=name, title=name, xmlUrl=feed, htmlUrl=home)
        outline.set("language", source.language)
        for key in _KEPT:
            if (value := getattr(source, key)) is not None:
                outline.set(f"{{{_OURS}}}{key}", _written(value))


def _written(text: str) -> str:
    """A text without what XML cannot hold."""
    return _NO_XML.sub(" ", text)
