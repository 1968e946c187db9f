"""Commands of the person who runs it: run, crawl, process, setup, init, status, doctor, dead letters."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from govwire.cli import Json, app, output, settings, vocabulary
from govwire.core.errors import ConfigError, UnknownNameError
from govwire.core.flow import STEPS
from govwire.core.settings import Settings, find_config
from govwire.core.share import shared
from govwire.core.vocabulary import Vocabulary

if TYPE_CHECKING:
    from govwire.core.bus import Bus
    from govwire.core.records import DeadLetter
    from govwire.core.state import State
    from govwire.core.url_lists import ListedUrl

deadletters_app = typer.Typer(no_args_is_help=True, help="Records set aside with their reason: show, replay, drop.")
app.add_typer(deadletters_app, name="deadletters")


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="Each source once, drain, summary, end.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Bundled sample sites on loopback.")] = False,
    as_json: Json = False,
) -> None:
    """Run everything on this machine until Ctrl-C; the summary is printed whenever all is drained."""
    from govwire.run import run as run_all
    from govwire.run.summary import Summary

    def tell(summary: Summary) -> None:
        typer.echo(json.dumps(summary.as_dict()) if as_json else f"\n{summary}")

    with ExitStack() as stack:
        words, chosen = vocabulary(), settings()
        if demo:
            from govwire import demo as samples

            sites = stack.enter_context(samples.start())
            words = words.model_copy(update={"sources": sites.sources()})
            chosen = settings(**sites.overrides())
        run_all(chosen, words, once=once, tell=tell)


@app.command()
def crawl(
    sources: Annotated[list[str] | None, typer.Argument(help="Ids of sources; none: all of them.")] = None,
    url: Annotated[list[str] | None, typer.Option(help="Fetch this page too.")] = None,
    feed: Annotated[list[str] | None, typer.Option(help="Read this feed too, and fetch what it lists.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Fetch the pages of a CSV file too: column url, or the first; title, source.")
    ] = None,
) -> None:
    """Fetch now: sources by id, pages, lists of them, or feeds; what comes is processed by `run` or `process`."""
    from crawlers.runner import run_crawl
    from govwire.core.state import open_state
    from govwire.run.children import stopped_by_signals
    from govwire.run.why import explain

    chosen, words = settings(), vocabulary()
    report = run_crawl(
        chosen,
        words,
        stopped_by_signals(),
        once=True,
        source_ids=tuple(sources or ()),
        urls=tuple(url or ()),
        listed=_of_list(file, words) if file is not None else (),
        feeds=tuple(feed or ()),
    )
    for address in url or ():
        with open_state(chosen.state_url) as state:
            typer.echo(str(explain(state, address, words.sources, chosen.agent)))
    for address, reason in report.failed_feeds.items():
        typer.echo(f"error: {address}: {reason}", err=True)
    raise typer.Exit(1 if report.failed_feeds else 0)


def _of_list(file: Path, words: Vocabulary) -> "tuple[ListedUrl, ...]":
    """The pages of a list; rows that cannot be used are named, and counted.

    Raises:
        ConfigError: there is no page in it.
    """
    from govwire.core.url_lists import read_list

    read = read_list(file, words.sources)
    for row in read.bad:
        typer.echo(f"{file}, line {row.line}: {row.why}; skipped", err=True)
    if not read.pages:
        raise ConfigError(f"{file}: no page to fetch; give an address in each row's column url, or in its first")
    typer.echo(f"{file}: {len(read.pages)} pages, {len(read.bad)} rows skipped", err=True)
    return read.pages


@app.command()
def process(
    stages: Annotated[list[str], typer.Argument(help=f"Stages: {', '.join(STEPS)}.")],
    slot: Annotated[
        int | None, typer.Option(help="This process's number on this host; default the lowest free.")
    ] = None,
) -> None:
    """Run stages as members of their consumer groups until stopped; start it elsewhere again to share the work."""
    from govwire.run.children import Task, perform, stopped_by_signals

    for name in stages:
        if name not in STEPS:
            raise UnknownNameError("stage", name, STEPS)
    if "crawl" in stages and len(stages) > 1:
        raise ConfigError("stage crawl wants a process of its own; start 'govwire process crawl' beside the others")
    task = Task("-".join(stages), settings(), vocabulary(), tuple(dict.fromkeys(stages)), slot=slot)
    perform(task, stopped_by_signals())


@app.command()
def setup(
    show: Annotated[bool, typer.Option("--print", help="Change nothing; print it for another team to apply.")] = False,
) -> None:
    """Create what is missing: state schema, Kafka topics, index templates and indices, Kibana dashboard."""
    from govwire.core.bus import open_bus
    from govwire.core.index import open_index
    from govwire.core.kibana import import_dashboards
    from govwire.core.state import open_state

    chosen = settings()
    if show:
        _print_plan(chosen)
        return
    with ExitStack() as stack:
        bus = open_bus(chosen)
        stack.callback(bus.close)
        index = open_index(chosen)
        stack.callback(index.close)
        stack.enter_context(open_state(chosen.state_url))
        lines = [*bus.setup(), *index.setup()]
        if chosen.kibana.url is not None:
            lines += import_dashboards(chosen)
        for line in lines or ["nothing was missing"]:
            typer.echo(line)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The config folder to write.")]) -> None:
    """Write a config folder to edit: settings, sources, topics, targets, term lists."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder}: not empty; name a new folder")
        shutil.copytree(shared("config"), folder, dirs_exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror or error}; name a folder that can be written") from error
    typer.echo(f"wrote {folder}; use it with --config {folder} or GOVWIRE_CONFIG={folder}")


@app.command()
def status(
    reason: Annotated[str | None, typer.Option(help="Instead: the URLs that ended or wait for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many of them.")] = 50,
    page: Annotated[int, typer.Option(min=1, help="Which part of them, the newest first.")] = 1,
    as_json: Json = False,
) -> None:
    """Where everything stands: the ledger's summary, lags, sources, alerts; or which URLs stand for one reason."""
    from govwire.run.status import inspect

    if reason is not None:
        _list_reason(reason, limit, page, as_json=as_json)
        return
    with _bus_and_state() as (bus, state, prefix):
        found = inspect(prefix, bus, state)
    typer.echo(json.dumps(found.as_dict(), default=str) if as_json else str(found))


def _list_reason(reason: str, limit: int, page: int, *, as_json: bool) -> None:
    from govwire.core.state import ledger, open_state

    with open_state(settings().state_url) as state, state.begin() as transaction:
        rows = ledger.of_reason(transaction, reason, limit=limit, offset=(page - 1) * limit)
    columns = ("url", "source_id", "outcome", "at", "detail")
    output.rows(map(asdict, rows), columns, as_json=as_json, empty=f"no URL stands for {reason!r} on page {page}")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check settings, files, services and model; one line each, exit 1 when something is wrong."""
    from govwire.run.doctor import examine

    well = True
    for check in examine(settings(), find_config()):
        typer.echo(json.dumps(asdict(check)) if as_json else str(check))
        well = well and check.ok
    raise typer.Exit(0 if well else 1)


@deadletters_app.command("list")
def list_letters(as_json: Json = False) -> None:
    """Letters that nobody has replayed or dropped."""
    from processors import deadletters

    with _bus_and_state() as (bus, state, prefix):
        letters = [
            letter.model_dump(mode="json", exclude={"value_base64", "headers"})
            for letter in deadletters.open_letters(bus, state, prefix)
        ]
    columns = ("dead_letter_id", "stage", "reason", "message", "died_at", "url_id")
    output.rows(letters, columns, as_json=as_json, empty="no open dead letters")


@deadletters_app.command()
def show(letter_id: Annotated[str, typer.Argument(help="A letter's id, or its beginning.")]) -> None:
    """One letter whole, with the record's bytes as text."""
    from processors import deadletters

    with _bus_and_state() as (bus, state, prefix):
        for letter in deadletters.find(bus, state, prefix, [letter_id]):
            shown = letter.model_dump(mode="json", exclude={"value_base64"})
            shown["value"] = letter.value().decode("utf-8", "backslashreplace")
            typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))


Letters = Annotated[list[str] | None, typer.Argument(help="Ids of letters, or their beginnings.")]
All = Annotated[bool, typer.Option("--all", help="Every open letter.")]


@deadletters_app.command()
def replay(letter_ids: Letters = None, everything: All = False) -> None:
    """Send the records through again."""
    from processors import deadletters

    with _bus_and_state() as (bus, state, prefix):
        dead = _chosen(bus, state, prefix, letter_ids, everything=everything)
        deadletters.replay(bus, state, dead)
    typer.echo(f"replayed {len(dead)}")


@deadletters_app.command()
def drop(letter_ids: Letters = None, everything: All = False) -> None:
    """Settle letters without replaying them."""
    from processors import deadletters

    with _bus_and_state() as (bus, state, prefix):
        dead = _chosen(bus, state, prefix, letter_ids, everything=everything)
        deadletters.settle(state, dead, "dropped")
    typer.echo(f"dropped {len(dead)}")


@contextmanager
def _bus_and_state() -> Iterator[tuple["Bus", "State", str]]:
    from govwire.core.bus import open_bus
    from govwire.core.state import open_state

    chosen = settings()
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen.state_url))
        bus = open_bus(chosen)
        stack.callback(bus.close)
        if chosen.bus.url == "sqlite:":
            # Nothing has run here yet, maybe: then there is nothing, and that is the answer.
            bus.setup()
        yield bus, state, chosen.bus.prefix


def _chosen(
    bus: "Bus", state: "State", prefix: str, letter_ids: Sequence[str] | None, *, everything: bool
) -> "list[DeadLetter]":
    from processors import deadletters

    if everything:
        return list(deadletters.open_letters(bus, state, prefix))
    if not letter_ids:
        raise ConfigError("name letters by id (govwire deadletters list shows them), or say --all")
    return deadletters.find(bus, state, prefix, letter_ids)


def _print_plan(chosen: Settings) -> None:
    """What another team applies: commands for the broker, requests for Elasticsearch."""
    from govwire.core.bus.plan import plan as bus_plan
    from govwire.core.index.plan import plan as index_plan

    if chosen.bus.url != "sqlite:":
        for line in bus_plan(chosen).lines():
            typer.echo(line)
    if chosen.index.url != "sqlite:":
        for line in index_plan(chosen).lines():
            typer.echo(line)
    if chosen.bus.url == chosen.index.url == "sqlite:":
        typer.echo("bus and index are embedded: 'govwire run' makes what they need")
