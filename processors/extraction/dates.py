"""When an article was published and updated, with where that comes from and how precise it is.

What a page states for machines counts first, then its time elements, its address, and dates in its visible text; the
feed's word last, but for the time of a day that the page names. None is ever invented. Dates that cannot be are kept
and marked: in the future, from before the web, after the page was first seen, and the very moment of the answer.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from govwire.core.records import Dated, Entry
from processors.extraction.date_text import LONGEST_LINE, parse, whole
from processors.extraction.document import Document, line

# The web of news began about then; what claims to be older is a default or a mistake.
_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
# How far ahead of us a date may lie: of days, zones run to 14 hours ahead of UTC; of times, clocks go wrong.
_AHEAD = {"day": timedelta(days=1), "minute": timedelta(hours=1), "second": timedelta(hours=1)}
# A page that names the moment at which it was sent names no date of an article.
_SENDING = timedelta(seconds=5)
# A day somewhere begins and ends so long before and after it does in UTC.
_EARLIER_ZONES, _LATER_ZONES = timedelta(hours=14), timedelta(hours=12)

_PUBLISHED_METAS = (
    "article:published_time", "og:article:published_time", "og:published_time", "article:published",
    "datepublished", "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime",
    "citation_publication_date", "citation_date", "publishdate", "publish_date", "publish-date", "publication_date",
    "pubdate", "pub_date", "published", "dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created",
    "dcterms.date", "dc.date", "date.created", "date_published", "displaydate", "article_date_original",
    "originalpublicationdate", "created", "date", "datecreated",
)  # fmt: skip
_UPDATED_METAS = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "article:updated", "datemodified",
    "dc.date.modified", "dcterms.modified", "last-modified", "lastmod", "modified", "updated", "revision_date",
)  # fmt: skip

_URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([/_-]?)([01]\d)\2([0-3]\d)(?!\d)")
_URL_LOOSE_DAY = re.compile(r"/((?:19|20)\d\d)/(\d\d?)/(\d\d?)/")

# Elements that hold a date near a headline, by class, id or itemprop.
_DATE_PLACE = re.compile(
    r"date|time|publi|posted|byline|tagline|dateline|created|datum|fecha|meta|info|stand|autor|author", re.IGNORECASE
)
_ELSEWHERE = re.compile(r"comment|related|sidebar|footer|teaser|recommend|calendar", re.IGNORECASE)
_UPDATE_PLACE = re.compile(r"modif|updat", re.IGNORECASE)
# An element of more parts than this holds more than a date; beside a headline the date is not far.
_MOST_PARTS, _MOST_LINES, _MOST_WORDS = 12, 60, 16
_PLACES = "//body//*[@class or @id or @itemprop or self::time][not(ancestor-or-self::h1)]"
_BESIDE = "ancestor::*[position() <= 3][not(self::body)]//text()[not(ancestor::h1)]"
_SENTENCE = re.compile(r"[^\W\d_]{4,}[.!?](?:\s|$)")

# Where a number that is no date could be taken for one.
_GUESSED = ("url", "text")


def find_published(
    document: Document, language: str, entry: Entry | None, fetched_at: datetime, first_seen_at: datetime | None = None
) -> Dated | None:
    """The best statement of when the article was published; None where neither page nor feed entry tells.

    `first_seen_at` is when its address was first known, None for only now: nothing is published after that, and a page
    that says so has been updated.
    """
    known_at = min(fetched_at, first_seen_at or fetched_at)
    found = _best(_published(document, language, entry), fetched_at, known_at)
    said = _from_feed(entry.published_at) if entry and entry.published_at else None
    if found and said and found.plausible and _tells_time_of(said, found) and _is_plausible(said, fetched_at, known_at):
        return said
    return found


def find_updated(document: Document, language: str, entry: Entry | None, fetched_at: datetime) -> Dated | None:
    """The best statement of when it was last changed; None where neither page nor feed entry tells."""
    return _best(_updated(document, language, entry), fetched_at, fetched_at)


def _published(document: Document, language: str, entry: Entry | None) -> Iterator[Dated | None]:
    yield from _stated(document, language, "datePublished", _PUBLISHED_METAS)
    yield from _timed(document, language, updated=False)
    yield _from_url(document.url)
    yield from _placed(document, language)
    if entry and entry.published_at:
        yield _from_feed(entry.published_at)


def _updated(document: Document, language: str, entry: Entry | None) -> Iterator[Dated | None]:
    yield from _stated(document, language, "dateModified", _UPDATED_METAS)
    yield from _timed(document, language, updated=True)
    if entry and entry.updated_at:
        yield _from_feed(entry.updated_at)


def _best(candidates: Iterator[Dated | None], fetched_at: datetime, known_at: datetime) -> Dated | None:
    implausible = None
    for dated in candidates:
        if dated is None:
            continue
        if _is_plausible(dated, fetched_at, known_at):
            return dated
        if dated.provenance not in _GUESSED:
            implausible = implausible or dated.model_copy(update={"plausible": False})
    return implausible


def _is_plausible(dated: Dated, fetched_at: datetime, known_at: datetime) -> bool:
    if dated.precision == "second" and abs(dated.at - fetched_at) <= _SENDING:
        return False
    return _EARLIEST <= dated.at <= known_at + _AHEAD[dated.precision]


def _tells_time_of(said: Dated, day: Dated) -> bool:
    """Whether a time lies on that day, in whichever zone, of which only the day is known."""
    return day.precision == "day" and day.at - _EARLIER_ZONES <= said.at < day.at + timedelta(days=1) + _LATER_ZONES


def _stated(document: Document, language: str, name: str, metas: Iterable[str]) -> Iterator[Dated | None]:
    """What the page states for machines: that property of its JSON-LD, then those meta elements."""
    # The article's own object first; that of the page (WebPage) where a site gives dates only there.
    for node in (document.article, *document.nodes):
        value = node.get(name)
        if isinstance(value, str):
            yield parse(value, language, "json_ld")
    for meta in metas:
        yield parse(document.meta(meta), language, "meta")


def _timed(document: Document, language: str, *, updated: bool) -> Iterator[Dated | None]:
    """Dates of time elements and itemprops, those that say what they are first."""
    elements = [
        element
        for element in document.tree.iter("time", "abbr", "span", "div", "p")
        if element.get("datetime") or element.get("itemprop")
    ]
    wanted, other = ("datemodified", "datepublished") if updated else ("datepublished", "datemodified")
    named = [element for element in elements if (element.get("itemprop") or "").lower() == wanted]
    unnamed = [
        element
        for element in elements
        if element.get("datetime")
        and (element.get("itemprop") or "").lower() != other
        and bool(_UPDATE_PLACE.search(_names(element))) == updated
    ]
    elsewhere = set()
    for element in [*named, *unnamed]:
        said = element.get("datetime") or element.get("content") or element.text_content()[:LONGEST_LINE]
        if _is_elsewhere(element):
            elsewhere.add(said)
        else:
            yield parse(said, language, "time_element")
    if len(elsewhere) == 1:
        # The only time of the whole page, though it stands in a box beside the text.
        yield parse(elsewhere.pop(), language, "time_element")


def _placed(document: Document, language: str) -> Iterator[Dated | None]:
    """Dates in the visible text of elements that are there to hold one, then in lines beside the headline."""
    for element in document.tree.xpath(_PLACES):
        named = _names(element)
        if (element.tag == "time" or _DATE_PLACE.search(named)) and not _UPDATE_PLACE.search(named):
            text = line(element.text_content()) if len(element) <= _MOST_PARTS else ""
            if _is_dateline(text) and not _is_elsewhere(element):
                yield parse(text, language, "text")
    for headline in document.tree.iter("h1"):
        for text in headline.xpath(_BESIDE)[:_MOST_LINES]:
            if _is_dateline(line(text)) and not _is_elsewhere(text.getparent()):
                yield parse(text, language, "text")


def _is_dateline(text: str) -> bool:
    # A sentence may name any date; who, where and when an article was written is no sentence.
    return 6 <= len(text) <= LONGEST_LINE and len(text.split()) <= _MOST_WORDS and not _SENTENCE.search(text)


def _from_url(url: str) -> Dated | None:
    parts = urlsplit(url)
    for pattern, groups in ((_URL_DAY, (1, 3, 4)), (_URL_LOOSE_DAY, (1, 2, 3))):
        match = pattern.search(parts.path + "?" + parts.query)
        if match:
            year, month, day = (int(match[group]) for group in groups)
            return whole(year, month, day, "", "url")
    return None


def _from_feed(at: datetime) -> Dated:
    return Dated(at=at.astimezone(UTC), precision="second" if at.second else "minute", provenance="feed")


def _names(element: HtmlElement) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''} {element.get('itemprop') or ''}"


def _is_elsewhere(element: HtmlElement) -> bool:
    """Whether it stands in a part of the page that is not about this article."""
    for up in element.iterancestors("aside", "nav", "footer", "li", "section", "div"):
        if up.tag in ("aside", "nav", "footer") or _ELSEWHERE.search(_names(up)):
            return True
    return bool(_ELSEWHERE.search(_names(element)))
