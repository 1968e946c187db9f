"""Commands that add sources and hand them on: sources add, import, export."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urljoin, urlsplit

import typer

from govwire.cli import settings, vocabulary
from govwire.cli.sources import ask, sources_app
from govwire.core import source_files
from govwire.core.errors import ConfigError, FeedError, UrlError
from govwire.core.settings import own_config
from govwire.core.urls import authority, clean, normalise, registrable_domain

if TYPE_CHECKING:
    from crawlers.exploring import Exploration, Found
    from govwire.core.opml import Outline

Kind = Annotated[str | None, typer.Option(help="legislator, regulator, press …; no site says it.")]
Country = Annotated[str | None, typer.Option(help="Two letters (ISO 3166), EU or INT.")]
Language = Annotated[str | None, typer.Option(help="Two or three letters (ISO 639).")]
Rights = Annotated[str, typer.Option(help="What readers may be shown: full, excerpt or link.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="May stand several times.")]


@sources_app.command()
def add(  # noqa: PLR0917 - a command's options, each passed by name
    url: Annotated[str, typer.Argument(help="A home page, a section's page, or a feed.")],
    kind: Kind = None,
    country: Country = None,
    language: Language = None,
    rights: Rights = "link",
    name: Annotated[str | None, typer.Option(help="Else what the site calls itself.")] = None,
    source_id: Annotated[str | None, typer.Option("--id", help="Its file's name; else made of the host's.")] = None,
    tag: Tags = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
) -> None:
    """Find a site's feeds and news sitemaps, and write its file; what the site does not say is asked of you."""
    from crawlers.exploring import Exploration

    config, watched, start = None if dry_run else own_config(), _watched(), clean(url)
    _refuse(start, watched)
    exploration = Exploration(start, _robots_of)
    ask(exploration.first(), exploration.follow, "looking")
    found = _new(exploration, watched)
    site, home = exploration.site, exploration.home
    facts: dict[str, Any] = {
        "id": source_id or source_files.free_id(_host_words(home), vocabulary().sources),
        "name": name or site.name,
        "home": home,
        "kind": kind,
        "country": country or _country(home),
        "language": language or site.language,
        "rights": rights,
        "feeds": [way.url for way in found if not way.is_sitemap],
        "sitemaps": [way.url for way in found if way.is_sitemap],
        "tags": tag or [],
        "verified": True,  # we have just seen it answer
    }
    source = source_files.source_of(facts)
    typer.echo(source_files.text_of(source))
    typer.echo(f"wrote {source_files.write(config, source)}" if config is not None else "nothing was written", err=True)


def _new(exploration: "Exploration", watched: Mapping[str, str]) -> "list[Found]":
    """What was found and nobody watches yet, shown.

    Raises:
        FeedError: there is none.
        ConfigError: all of it is watched.
    """
    if exploration.problem is not None:
        raise FeedError(f"{exploration.url}: {exploration.problem}")
    for url, why in exploration.failed.items():
        if url in exploration.site.feeds:
            typer.echo(f"passed over {url}: {why}", err=True)
    for way in exploration.found:
        what, owner = "sitemap" if way.is_sitemap else "feed", watched.get(normalise(way.url))
        of_whom = f", watched by {owner} already" if owner else ""
        typer.echo(f"found {what} {way.url}: {len(way.entries.listed)} entries{of_whom}", err=True)
    if not exploration.found:
        sitemaps = ", ".join(exploration.other_sitemaps)
        hint = f"sitemaps of pages: {sitemaps}; " if sitemaps else ""
        raise FeedError(
            f"{exploration.url}: no feed and no news sitemap found; {hint}"
            "write a file with sitemaps or listings by hand (docs/operators.md, Sources)"
        )
    new = [way for way in exploration.found if normalise(way.url) not in watched]
    if not new:
        _refuse(exploration.found[0].url, watched)
    return new


def _watched() -> dict[str, str]:
    """Every address that a source of the config folder watches, normalised, and its home page; with the source's id."""
    watched: dict[str, str] = {}
    for source in vocabulary().sources.values():
        for url in (*(way.url for way in source.ways), source.home):
            try:
                watched[normalise(url)] = source.id
            except UrlError:
                continue  # a home page is anything
    return watched


def _refuse(url: str, watched: Mapping[str, str]) -> None:
    if owner := watched.get(normalise(url)):
        raise ConfigError(f"{url}: source {owner} watches it already; edit its file, sources/{owner}.toml")


def _robots_of(url: str) -> str:
    """The robots file of an address's host, as it was fetched before anything else there."""
    from govwire.core.state import hosts, open_state

    name = authority(url)
    with open_state(settings().state_url) as state, state.begin() as transaction:
        robots = hosts.robots_of(transaction, [name]).get(name)
    return robots.body if robots else ""


def _country(home: str) -> str | None:
    from crawlers.discovery import country_of

    return country_of(home)


def _host_words(url: str) -> str:
    """What the name of a host says, as "un news" of news.un.org."""
    host, domain = urlsplit(url).hostname or "", registrable_domain(url)
    below = host.removesuffix(domain).rstrip(".").removeprefix("www")
    return f"{domain.partition('.')[0]} {below}"


@sources_app.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OPML file, as feed readers export it.")],
    kind: Annotated[str, typer.Option(help="Of those whose kind the file does not say.")] = "press",
    country: Annotated[str, typer.Option(help="Of those whose country the file does not say.")] = "INT",
    language: Annotated[str, typer.Option(help="Of those whose language the file does not say.")] = "und",
    rights: Annotated[str, typer.Option(help="Of those whose rights the file does not say.")] = "link",
) -> None:
    """Write a file for each outlet of an OPML file; folders become tags. What is watched already is skipped."""
    from govwire.core.opml import read_opml

    config, watched, taken = own_config(), _watched(), set(vocabulary().sources)
    read = read_opml(file.read_bytes(), str(file))
    defaults = {"kind": kind, "country": country, "language": language, "rights": rights}
    source_files.source_of(defaults | {"id": "x", "name": "x", "home": "", "feeds": ["https://x.example/"]})
    known, written, bad = 0, 0, list(read.bad)
    if not read.outlines and not bad:
        raise ConfigError(f"{file}: no feed in it; export the subscriptions of your reader as OPML")
    for outline in read.outlines:
        feeds = [url for url in outline.feeds if normalise(url) not in watched]
        known += len(outline.feeds) - len(feeds)
        if not feeds:
            continue
        try:
            source = source_files.source_of(_facts(outline, feeds, defaults, taken))
        except ConfigError as error:
            bad.append(f"{outline.name}: {error}")
            continue
        source_files.write(config, source)
        taken.add(source.id)
        written += 1
    for problem in bad:
        typer.echo(f"{file}: {problem}; skipped", err=True)
    typer.echo(f"imported {written} sources; {known} feeds were watched already, {len(bad)} outlines skipped")


def _facts(outline: "Outline", feeds: list[str], defaults: dict[str, str], taken: set[str]) -> dict[str, Any]:
    from crawlers.discovery import language_of

    said = dict(outline.facts)
    spoken = language_of(outline.language or "")
    return {
        **defaults,
        **({"language": spoken} if spoken else {}),
        **said,
        "id": said["id"] if said.get("id") and said["id"] not in taken else source_files.free_id(outline.name, taken),
        "name": outline.name,
        "home": outline.home or urljoin(feeds[0], "/"),
        "feeds": feeds,
        "tags": outline.tags,
    }


@sources_app.command("export")
def export_sources(
    file: Annotated[Path | None, typer.Option("--output", help="Write here, and not to standard output.")] = None,
) -> None:
    """The feeds of all sources as OPML, tags as folders; 'sources import' and feed readers take it."""
    from govwire.core.opml import write_opml

    sources = list(vocabulary().sources.values())
    written = write_opml(sources)
    if without := [source.id for source in sources if not source.feeds]:
        typer.echo(f"without feeds, and left out: {', '.join(without)}", err=True)
    if file is None:
        typer.echo(written.decode(), nl=False)
        return
    try:
        file.write_bytes(written)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be written") from error
    typer.echo(f"wrote {file}", err=True)
