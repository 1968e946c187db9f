"""The sample sites: what each of them prints, read from govwire/demo/sites/, one file a site.

Events, dates and laws in the texts are real; outlets, speakers and their words are invented, and every page says so.
Dates are told as hours before the demo's start, so that its news is fresh whenever it runs.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from govwire.core.entries import Entry
from govwire.core.source import Source, SourceKind

# RFC 2606 keeps .example out of the domain name system, so that no sample can ever be taken for a real outlet.
DOMAIN = "govwire.example"
# A running demo reads its feeds again soon, to see what was revised.
EVERY_MINUTES = 0.5

FEED_PATHS = {"rss": "/feed.xml", "atom": "/atom.xml", "json": "/feed.json"}


class Edit(Entry):
    """A passage and what stands in its place."""

    old: str
    new: str


class Sample(Entry):
    """An article of a sample site, or an address that has none to give."""

    path: str = Field(pattern=r"^/[a-z0-9/-]+$")
    title: str
    hours_ago: float = Field(gt=0)
    author: str | None = None
    summary: str = ""
    text: str = ""
    language: str | None = None  # where it is not the site's
    host: str | None = None  # where it is not the site's
    dated_by: Literal["json_ld", "meta", "time", "nothing"] | None = None  # where it is not as the site does it
    answer: Literal["page", "empty", "missing", "busy"] = "page"
    revision: tuple[Edit, ...] = ()  # what changes once the site's feed is read for the second time

    @model_validator(mode="after")
    def _has_something_to_say(self) -> Self:
        if self.answer in {"page", "busy"} and not self.text:
            raise ValueError("text: an article needs one")
        edit(self.text, self.revision)
        return self


class Site(Entry):
    """A sample site and everything it prints."""

    name: str
    tagline: str
    kind: SourceKind
    country: str
    language: str
    rights: Literal["full", "excerpt", "link"] = "full"
    feed: Literal["rss", "atom", "json"]
    dated_by: Literal["json_ld", "meta", "time"]
    disallow: tuple[str, ...] = ()
    articles: tuple[Sample, ...] = Field(min_length=1)

    def source(self, site_id: str, port: int) -> Source:
        """The site as a source to watch."""
        return Source(
            id=site_id,
            name=self.name,
            home=address(site_id, "/", port),
            kind=self.kind,
            country=self.country,
            language=self.language,
            rights=self.rights,
            feeds=(address(site_id, FEED_PATHS[self.feed], port),),
            every_minutes=EVERY_MINUTES,
            tags=("sample",),
            verified=True,
        )


@dataclass(frozen=True)
class Printed:
    """An article as it stands at a moment: revised, or not yet."""

    sample: Sample
    url: str
    text: str
    published_at: datetime
    updated_at: datetime | None = None

    @property
    def paragraphs(self) -> list[str]:
        """The text's paragraphs, each on one line."""
        return [" ".join(paragraph.split()) for paragraph in self.text.strip().split("\n\n")]


def print_article(sample: Sample, url: str, started_at: datetime, revised_at: datetime | None) -> Printed:
    """An article of a demo that began at `started_at`, in its second version where it has one and `revised_at` is."""
    published_at = started_at.replace(microsecond=0) - timedelta(hours=sample.hours_ago)
    if revised_at is None or not sample.revision:
        return Printed(sample, url, sample.text, published_at)
    return Printed(sample, url, edit(sample.text, sample.revision), published_at, revised_at)


def address(host: str, path: str, port: int | None = None) -> str:
    """The URL of a path on a sample site; without a port it is an article's lasting name, the same in every run."""
    return f"http://{host}.{DOMAIN}{f':{port}' if port else ''}{path}"


def load_sites() -> dict[str, Site]:
    """Every bundled site by id, the copies of syndicated articles filled in."""
    folder = files("govwire.demo") / "sites"
    raw = {
        path.name.removesuffix(".toml"): tomllib.loads(path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".toml")
    }
    originals = {
        f"{site_id}{article['path']}": article for site_id, site in raw.items() for article in site["articles"]
    }
    for site in raw.values():
        site["articles"] = [_with_text(article, originals) for article in site["articles"]]
    return {site_id: Site.model_validate(raw[site_id]) for site_id in sorted(raw)}


def _with_text(article: Mapping[str, Any], originals: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A syndicated article takes over another site's text, with its own edits."""
    own = dict(article)
    if "copy_of" in own:
        edits = tuple(Edit.model_validate(each) for each in own.pop("edits", []))
        own["text"] = edit(originals[own.pop("copy_of")]["text"], edits)
    return own


def edit(text: str, edits: tuple[Edit, ...]) -> str:
    """A text with passages replaced.

    Raises:
        ValueError: a passage does not stand there.
    """
    for each in edits:
        if each.old not in text:
            raise ValueError(f"edit: {each.old!r} is not in the text")
        text = text.replace(each.old, each.new, 1)
    return text
