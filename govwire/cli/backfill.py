"""The commands that bring history in, on the backfill lane: behind the news, and without alerts."""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from govwire.cli import Json, app, settings, vocabulary
from govwire.cli.read import Since, Until
from govwire.core.errors import ArchiveError, ConfigError, UnknownNameError
from govwire.core.settings import find_config

if TYPE_CHECKING:
    from crawlers.answers import Answer, Question
    from crawlers.archives import Archive
    from crawlers.archives.bring import Counts, Wish
    from govwire.core.source import Source

backfill_app = typer.Typer(
    no_args_is_help=True, help="History: pages out of archives, behind the news and without alerts."
)
app.add_typer(backfill_app, name="backfill")

OfSources = Annotated[
    list[str] | None, typer.Option("--source", help="Only pages of this source's hosts; may stand several times.")
]
AllHosts = Annotated[
    bool, typer.Option("--all-hosts", help="Pages of hosts that are no source's too; their source is 'asked'.")
]
Prefiltered = Annotated[
    bool, typer.Option("--prefilter", help="Only pages that name AI; of sources with prefilter it is always so.")
]
Again = Annotated[bool, typer.Option("--again", help="From the start, also what was read to its end before.")]


@backfill_app.command()
def warc(  # noqa: PLR0917 - a command's options, each passed by name
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|FOLDER…", help="WARC files (*.warc, *.warc.gz).")],
    source: OfSources = None,
    since: Since = None,
    until: Until = None,
    all_hosts: AllHosts = False,
    prefilter: Prefiltered = False,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Bring in what WARC files hold of our sources' pages, as those of CC-NEWS do; days are those of the fetch."""
    from crawlers.archives.warc import WarcFile

    max_bytes = settings().fetch.max_bytes
    found = [WarcFile(each, max_bytes) for path in paths for each in _files(path, (".warc", ".warc.gz"))]
    _bring_all(found, _Asked("warc", source or [], since, until, all_hosts, prefilter), again=again, as_json=as_json)


@backfill_app.command()
def folder(  # noqa: PLR0917 - a command's options, each passed by name
    paths: Annotated[
        list[Path], typer.Argument(metavar="FOLDER|FILE…", help="Folders of HTML or JSON Lines; files of JSON Lines.")
    ],
    urls: Annotated[
        Path | None, typer.Option(help="CSV with columns file and url: the addresses of HTML files.")
    ] = None,
    source: OfSources = None,
    since: Since = None,
    until: Until = None,
    all_hosts: AllHosts = False,
    prefilter: Prefiltered = False,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Bring in saved HTML files, and JSON Lines with url and html, or with url, title and text."""
    from crawlers.archives.folder import HtmlFolder, addresses_from
    from crawlers.archives.lines import SUFFIXES, JsonLines

    max_bytes = settings().fetch.max_bytes
    addresses = addresses_from(urls) if urls else {}
    found: list[Archive] = []
    for path in paths:
        html = HtmlFolder(path, max_bytes, addresses) if path.is_dir() else None
        if html is not None and html.files:
            found.append(html)
        lines = _files(path, SUFFIXES, or_else=html is not None and bool(html.files))
        found += [JsonLines(each, max_bytes) for each in lines]
    _bring_all(found, _Asked("folder", source or [], since, until, all_hosts, prefilter), again=again, as_json=as_json)


@backfill_app.command()
def sitemaps(
    sources: Annotated[list[str], typer.Argument(help="Ids of sources.")],
    since: Annotated[str, typer.Option(help="From this day on (2026-10-05, or 7d for the last seven days).")],
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Find the pages of some days in the sitemaps of sources; `run` and `crawl` then fetch them, politely."""
    from crawlers.asking import ask
    from crawlers.history import Days, Search
    from govwire.core.state import open_state
    from govwire.core.terms import Relevance, load_terms
    from govwire.run.children import stopped_by_signals

    chosen, watched, stop = settings(), _sources(sources), stopped_by_signals()
    first, last = _day("since", since), _day("until", until) or datetime.now(UTC)
    assert first is not None
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen.state_url))
        search = Search(state, watched, Days(first, last), Relevance(load_terms(find_config())))
        progress = stack.enter_context(_progress(TextColumn("{task.completed} sitemaps and robots files read")))
        task = progress.add_task("", total=None)

        def follow(answer: "Answer") -> "list[Question]":
            progress.advance(task)
            return search.follow(answer)

        ask(chosen, state, search.questions(), follow, stop)
    for source_id, past in search.found.items():
        told = {"source_id": source_id, **asdict(past)}
        typer.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{source_id}: {past}")
        for url, why in past.failed.items():
            typer.echo(f"error: {source_id}: {url}: {why}", err=True)
    raise typer.Exit(1 if stop.is_set() or any(not past.sitemaps for past in search.found.values()) else 0)


def _files(path: Path, suffixes: Sequence[str], *, or_else: bool = False) -> list[Path]:
    """The file, or the files of a folder by name: those of CC-NEWS are then in the order of time.

    Raises:
        ConfigError: there is none, unless `or_else` says that something else is there.
    """
    if path.is_file():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.name.lower().endswith(tuple(suffixes)) and each.is_file())
    if not found and not or_else:
        named = ", ".join(f"*{suffix}" for suffix in suffixes)
        raise ConfigError(f"{path}: {'no file of ' + named if path.is_dir() else 'not there'}; name a file or a folder")
    return found


@dataclass(frozen=True)
class _Asked:
    """What of the archives was asked for."""

    kind: str
    source_ids: list[str]
    since: str | None
    until: str | None
    all_hosts: bool
    prefilter: bool

    def wish(self) -> "Wish":
        """The same with days as times and sources as hosts.

        Raises:
            ConfigError: an unknown source.
            QueryError: no day.
        """
        from crawlers.archives.bring import Wish
        from crawlers.archives.prefilter import Prefilter
        from crawlers.owners import Owners
        from govwire.core.terms import Relevance, load_terms

        _sources(self.source_ids)
        known = vocabulary().sources
        owners = Owners(known, self.source_ids, all_hosts=self.all_hosts)
        prefilter = Prefilter(known, Relevance(load_terms(find_config())), ask_all=self.prefilter)
        return Wish(owners, prefilter, _day("since", self.since), _day("until", self.until))


def _sources(source_ids: Sequence[str]) -> "list[Source]":
    """Raises UnknownNameError."""
    known = vocabulary().sources
    for source_id in source_ids:
        if source_id not in known:
            raise UnknownNameError("source", source_id, known)
    return [known[source_id] for source_id in dict.fromkeys(source_ids)]


def _day(name: str, day: str | None) -> datetime | None:
    from govwire.core.query import parse
    from govwire.core.query.tree import During

    if day is None:
        return None
    span = parse(f'{name}:"{day}"', datetime.now(UTC)).root
    assert isinstance(span, During)
    return span.since or span.until


def _bring_all(archives: Sequence["Archive"], asked: _Asked, *, again: bool, as_json: bool) -> None:
    from crawlers.archives.bring import Bringer, Report
    from govwire.core.bus import open_bus
    from govwire.core.state import open_state

    chosen, wish = settings(), asked.wish()
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen.state_url))
        bus = open_bus(chosen)
        stack.callback(bus.close)
        if chosen.bus.url == "sqlite:":
            bus.setup()
        bar = _Bar(stack, sum(archive.size_bytes for archive in archives))
        bringer = Bringer(bus, state, chosen, wish, asked=json.dumps(asdict(asked)), tell=bar.tell)
        report = Report()
        for archive in archives:
            try:
                report.add(bringer.bring(archive, again=again))
            except (ArchiveError, OSError) as error:
                report.failed[str(archive.path)] = str(error)
            bar.next(archive.size_bytes)
    typer.echo(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else str(report))
    for why in report.failed.values():
        typer.echo(f"error: {why}", err=True)
    raise typer.Exit(1 if report.failed else 0)


def _progress(*columns: ProgressColumn) -> Progress:
    """A bar where somebody looks."""
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


class _Bar:
    """How far all archives came, where somebody looks; what is waited for is said where nobody does."""

    def __init__(self, stack: ExitStack, size_bytes: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = stack.enter_context(_progress(*columns))
        self._task = self._progress.add_task("archives", total=size_bytes)
        self._before_bytes, self._waited_for = 0, ""

    def tell(self, at_byte: int, counts: "Counts", waiting: str | None) -> None:
        """One archive came so far."""
        told = f"{counts.read} read, {counts.sent} sent"
        self._progress.update(self._task, completed=self._before_bytes + at_byte, description=told)
        if waiting and waiting != self._waited_for:
            self._progress.console.print(f"waiting: {escape(waiting)}", highlight=False, soft_wrap=True)
        self._waited_for = waiting or ""

    def next(self, size_bytes: int) -> None:
        """One archive is done with."""
        self._before_bytes += size_bytes
        self._progress.update(self._task, completed=self._before_bytes)
