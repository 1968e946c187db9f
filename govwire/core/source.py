"""A source: an outlet or institution that is watched, by its feeds, news sitemaps and listing pages."""

from datetime import timedelta
from typing import Annotated, Literal, NamedTuple, Self

from cssselect import HTMLTranslator, SelectorError
from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from govwire.core.entries import Entry, Named, WebAddress
from govwire.core.records import SourceFacts
from govwire.core.timetable import Cron, Rhythm

# A year: what is asked less often is not watched.
LONGEST_MINUTES = 366 * 24 * 60
# The longest interval where the source's file names none: half an hour becomes four hours.
LONGEST_OF_SHORTEST = 8

SourceKind = Literal[
    "legislator",
    "regulator",
    "government",
    "international",
    "standards",
    "think_tank",
    "academic",
    "company",
    "civil_society",
    "trade_press",
    "press",
    "state_media",
    "aggregator",
]
# A source that only finds what others publish: never itself the outlet of an article.
AGGREGATOR: SourceKind = "aggregator"
# The kind of an outlet that no source watches, and that an aggregator found.
UNWATCHED = "unwatched"
WayKind = Literal["feed", "sitemap", "listing"]


def _cron(expression: str) -> str:
    try:
        return Cron(expression).expression
    except ValueError as error:
        raise ValueError(
            f"{error}; write minute, hour, day, month and weekday in UTC, as '30 6 * * mon-fri'"
        ) from error


def _selector(css: str) -> str:
    try:
        HTMLTranslator().css_to_xpath(css)
    except SelectorError as error:
        raise ValueError(f"no CSS selector of elements: {error}") from error
    return css


class Listing(Entry):
    """A page that lists articles, for a site without a feed."""

    url: WebAddress
    links: Annotated[str, AfterValidator(_selector)]  # CSS selector of the links to articles, or of what holds one


class Way(NamedTuple):
    """An address at which a source lists its articles."""

    kind: WayKind
    url: str
    links: str | None = None  # of a listing page


class Contract(Entry):
    """What a source is expected to bring; what is left out is learned from what it brought."""

    per_day: float | None = Field(None, gt=0)  # items a day, over a week
    silence_hours: float | None = Field(None, gt=0)  # the longest time without a new item


class Source(Named):
    """An outlet or institution that is watched; its id is the file's name."""

    name: str
    home: str
    kind: SourceKind
    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|INT|EU)$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    edition: str | None = None  # which of its editions, as "English edition" or "international"
    rights: Literal["full", "excerpt", "link"]
    feeds: tuple[WebAddress, ...] = ()
    sitemaps: tuple[WebAddress, ...] = ()  # news sitemaps, and indexes of them
    listings: tuple[Listing, ...] = ()
    prefilter: bool = False  # a general feed: only entries whose title or summary names AI are fetched
    every_minutes: float = Field(30, gt=0, le=LONGEST_MINUTES)  # the shortest interval
    at_most_minutes: float | None = Field(None, gt=0, le=LONGEST_MINUTES)  # the longest; None: eight times the shortest
    cron: Annotated[str, AfterValidator(_cron)] | None = None  # five fields, UTC; in place of intervals
    contract: Contract = Contract()
    tags: tuple[str, ...] = ()
    verified: bool = False  # whether somebody has seen its feeds answer
    enabled: bool = True

    @model_validator(mode="after")
    def _has_a_way_in(self) -> Self:
        if not (self.feeds or self.sitemaps or self.listings):
            raise ValueError("feeds, sitemaps or listings: one of them at least; 'govwire sources add URL' finds them")
        return self

    @field_validator("at_most_minutes")
    @classmethod
    def _longest_is_no_shorter(cls, longest: float | None, info: ValidationInfo) -> float | None:
        shortest = info.data.get("every_minutes")
        if longest is not None and shortest is not None and longest < shortest:
            raise ValueError(f"the longest interval, so no less than every_minutes, which is {shortest:g}")
        return longest

    @property
    def rhythm(self) -> Rhythm:
        """When it is due."""
        return Rhythm(
            shortest=timedelta(minutes=self.every_minutes),
            longest=timedelta(minutes=self.at_most_minutes or LONGEST_OF_SHORTEST * self.every_minutes),
            cron=None if self.cron is None else Cron(self.cron),
        )

    @property
    def ways(self) -> tuple[Way, ...]:
        """Every way in."""
        return (
            *(Way("feed", url) for url in self.feeds),
            *(Way("sitemap", url) for url in self.sitemaps),
            *(Way("listing", listing.url, listing.links) for listing in self.listings),
        )

    @property
    def facts(self) -> SourceFacts:
        """What of it travels with its items."""
        return SourceFacts(
            id=self.id,
            name=self.name,
            kind=self.kind,
            country=self.country,
            language=self.language,
            rights=self.rights,
            tags=self.tags,
        )
