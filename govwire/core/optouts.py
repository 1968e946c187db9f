"""What a page asks of machines that read it: not to be kept, not to be mined, not to be used for AI.

Asked in headers and in the page's markup alike, so crawl and extract both read it here. Sources: Google's robots meta
tag and X-Robots-Tag (noindex), DeviantArt's noai and noimageai, and the W3C's TDM Reservation Protocol for a rights
holder's reservation under article 4 of Directive (EU) 2019/790. Whether it is heeded is a setting, `fetch.obey`.
"""

import re
from collections.abc import Iterable
from typing import Literal

# noindex: in a header, or with nofollow. unlisted: a noindex in the markup alone, which keeps a page out of search
# results and is what publishers put on copies. paywall: marked as for payment, which is no word to machines.
OptOut = Literal["noindex", "unlisted", "noai", "noimageai", "tdm", "paywall"]

# What has a value of its own behind a colon; any other word in front of one names the robot that is meant.
_VALUED = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}


def asked_by(said: Iterable[tuple[str, str]], user_agent: str | None = None) -> tuple[OptOut, ...]:
    """The opt-outs in headers or meta elements, given as (name, value): those for all, or for this user agent."""
    own = _product(user_agent)
    found: set[OptOut] = set()
    for name, value in said:
        match name.strip().lower():
            case "x-robots-tag":
                found.update(_of(_words(value, own), is_header=True))
            case named if named == "robots" or (own and named == own):
                found.update(_of(_words(value, own), is_header=False))
            case "tdm-reservation" if value.strip() == "1":
                found.add("tdm")
    return tuple(sorted(found))


def _of(words: set[str], *, is_header: bool) -> Iterable[OptOut]:
    if "none" in words or ("noindex" in words and (is_header or "nofollow" in words)):
        yield "noindex"
    elif "noindex" in words:
        yield "unlisted"
    if "noai" in words:
        yield "noai"
    if "noimageai" in words:
        yield "noimageai"


def _words(value: str, own: str) -> set[str]:
    """The directives in a value that are for all, or for the robot of this name."""
    words: set[str] = set()
    is_ours = True
    for part in value.lower().split(","):
        robot, colon, rest = part.partition(":")
        directive = part
        if colon and robot.strip() not in _VALUED:
            is_ours, directive = robot.strip() == own, rest
        if is_ours:
            words.update(re.split(r"[\s;]+", directive))
    return words


def _product(user_agent: str | None) -> str:
    """The name by which robots files and headers address a user agent (RFC 9309, 2.2.1)."""
    return re.split(r"[/\s(]", user_agent or "", maxsplit=1)[0].lower()
