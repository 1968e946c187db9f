"""Commands of the sources that are watched: list, check, record, health. What adds some is in `govwire.cli.adding`."""

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from govwire.cli import Json, app, output, settings, vocabulary
from govwire.core.errors import ConfigError, FeedError
from govwire.core.settings import own_config

if TYPE_CHECKING:
    from crawlers.answers import Answer, Follow, Question
    from crawlers.checking import Checked
    from govwire.core.source import Contract, Source
    from govwire.run.cases import Reread

sources_app = typer.Typer(no_args_is_help=True, help="The outlets and institutions that are watched.")
app.add_typer(sources_app, name="sources")

SourceIds = Annotated[list[str] | None, typer.Argument(metavar="[SOURCE…]", help="Ids of sources; none: all of them.")]
SourceId = Annotated[str, typer.Argument(metavar="SOURCE", help="A source's id.")]


@sources_app.command("list")
def list_sources(as_json: Json = False) -> None:
    """Sources of the config folder, when they are due, how they do, what is expected of them, and who is in trouble."""
    from govwire.core.state import contracts, notices, open_state, schedule, sources
    from govwire.run.watch import contract_of

    watched = vocabulary().sources
    with open_state(settings().state_url) as state, state.begin() as transaction:
        feeds = sources.feed_rows(transaction, watched)
        standing = schedule.standing(transaction)
        learned = contracts.learned(transaction)
        in_trouble = {notice.source_id: notice for notice in notices.unclosed(transaction)}
    rows = []
    for source in watched.values():
        read = [feed for feed in feeds if feed.source_id == source.id]
        succeeded = max((feed.succeeded_at for feed in read if feed.succeeded_at), default=None)
        contract = contract_of(source, learned.get(source.id))
        notice, place = in_trouble.get(source.id), standing.get(source.id)
        rows.append(
            source.model_dump(mode="json")
            | {
                "interval_minutes": place.interval_seconds / 60 if place and place.interval_seconds else None,
                "next_due_at": place.next_due_at.isoformat(timespec="seconds") if place else None,
                "per_day": contract.per_day,
                "silence_hours": contract.silence_hours,
                "notice": notice.kind if notice else None,
                "notice_since": notice.since.isoformat(timespec="seconds") if notice else None,
                "succeeded_at": succeeded.isoformat(timespec="seconds") if succeeded else None,
                "failures": max((feed.failures for feed in read), default=0),
                "error": next((feed.error for feed in read if feed.error), None),
            }
        )
    columns = (
        *("id", "kind", "country", "language", "verified", "interval_minutes", "next_due_at"),
        *("per_day", "silence_hours"),
        *("notice", "succeeded_at", "failures", "error"),
    )
    output.rows(rows, columns, as_json=as_json, empty="no sources: add config/sources/<id>.toml")


@sources_app.command()
def fetch(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…", help="Ids of sources.")],
) -> None:
    """Let whoever crawls read sources now; their next slots stay. Exit 1 when nobody took them up."""
    from govwire.core.state import open_state
    from govwire.run.asking import read_now

    watched = chosen(sources)
    if off := [source.id for source in watched if not source.enabled]:
        raise ConfigError(f"{', '.join(off)}: enabled = false, so no crawl reads it; 'govwire crawl {off[0]}' does")
    with open_state(settings().state_url) as state:
        waiting = read_now(state, watched)
    for source in watched:
        typer.echo(f"{source.id}: {'waits for a crawl process' if source.id in waiting else 'taken up'}")
    if waiting:
        why = "none runs, or it is busy, or it began before the source was added"
        typer.echo(f"error: no crawl process takes them up: {why}; 'govwire run' reads them at its start", err=True)
        raise typer.Exit(1)


@sources_app.command()
def check(
    sources: SourceIds = None,
    write: Annotated[
        bool, typer.Option("--write", help="Note in the files of those that answered: verified = true.")
    ] = False,
    replay: Annotated[
        Path | None, typer.Option(help="Read the recorded cases in this folder again, and ask nobody.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask every feed, sitemap and listing page now; exit 1 when one gives nothing."""
    if replay is not None:
        _replay(replay, sources or (), as_json=as_json)
        return
    from crawlers.checking import Check
    from govwire.core import source_files

    config = own_config() if write else None
    asked = chosen(sources)
    checking = Check(asked)
    ask(checking.questions(), checking.follow, "checking")
    results, expected = checking.results, _contracts(asked)
    columns = ("source", "kind", "url", "ok", "entries", "newest_at", "remark")
    rows = [_row(result, expected[result.source.id]) for result in results]
    output.rows(rows, columns, as_json=as_json, empty="no sources: 'govwire sources add URL' adds one")
    failed = {result.source.id for result in results if result.error}
    if config is not None:
        marked = [each.id for each in asked if each.id not in failed and source_files.mark_verified(config, each.id)]
        typer.echo(f"verified: {', '.join(marked) or 'none that was not before'}", err=True)
    raise typer.Exit(1 if failed else 0)


def _contracts(sources: "Iterable[Source]") -> "dict[str, Contract]":
    from govwire.core.state import contracts, open_state
    from govwire.run.watch import contract_of

    with open_state(settings().state_url) as state, state.begin() as transaction:
        learned = contracts.learned(transaction)
    return {source.id: contract_of(source, learned.get(source.id)) for source in sources}


def _row(result: "Checked", contract: "Contract") -> dict[str, Any]:
    quiet_since = result.quiet_since(contract)
    remarks = [
        result.error,
        f"moved for ever to {result.moved_to}" if result.moved_to else None,
        f"quiet since {quiet_since:%Y-%m-%d}" if quiet_since else None,
    ]
    return {
        "source": result.source.id,
        "kind": result.way.kind,
        "url": result.way.url,
        "ok": result.error is None,
        "entries": len(result.listed),
        "newest_at": result.newest_at.isoformat(timespec="minutes") if result.newest_at else None,
        "error": result.error,
        "moved_to": result.moved_to,
        "quiet_since": quiet_since.isoformat(timespec="minutes") if quiet_since else None,
        "remark": "; ".join(filter(None, remarks)),
    }


def _replay(folder: Path, source_ids: Sequence[str], *, as_json: bool) -> None:
    from govwire.run import cases

    found = [case for case in cases.cases_in(folder) if not source_ids or case.resolve().name in source_ids]
    read = [reread for case in found for reread in cases.replay(case)]
    rows = [vars(each) | {"ok": each.same, "remark": _difference(each)} for each in read]
    output.rows(rows, ("source_id", "url", "ok", "remark"), as_json=as_json, empty=f"no case of these in {folder}")
    raise typer.Exit(0 if read and all(each.same for each in read) else 1)


def _difference(reread: "Reread") -> str:
    if reread.same:
        return "as recorded"
    now, then = reread.now or {}, reread.then or {}
    changed = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    return "; ".join(f"{name}: {now.get(name)!r}, when recorded {then.get(name)!r}" for name in changed)


@sources_app.command()
def record(
    source: SourceId,
    folder: Annotated[Path, typer.Option(help="Where its case comes to lie, in a folder of the source's id.")] = Path(
        "tests/cases/sources"
    ),
    pages: Annotated[int, typer.Option(min=0, max=50, help="How many of the pages that it lists.")] = 3,
) -> None:
    """Keep what a source answers now as a test case, which 'sources check --replay' reads again offline."""
    from govwire.run import cases

    [watched] = chosen([source])
    recorder = cases.Recorder(watched, pages)
    ask(recorder.questions(), recorder.follow, f"recording {source}")
    failed = [result for result in recorder.checked if result.error]
    for result in failed:
        typer.echo(f"error: {result.way.url}: {result.error}", err=True)
    if len(failed) == len(recorder.checked):
        raise FeedError(f"source {source}: nothing to record; 'govwire sources check {source}' says more")
    cases.write(folder / source, watched, recorder.answers)
    typer.echo(f"wrote {folder / source}: {len(recorder.answers)} answers; its texts belong to their publisher")
    raise typer.Exit(1 if failed else 0)


@sources_app.command()
def health(
    source: Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="A source's id; none: a line each.")] = None,
    limit: Annotated[int, typer.Option(min=0, max=10_000, help="How many exchanges are shown.")] = 40,
    as_json: Json = False,
) -> None:
    """How a source does: schedule, ways in, and what was asked of its hosts and honoured; or a line on each of all."""
    from govwire.core.state import open_state
    from govwire.run.health import examine, lines

    asked = chosen([source] if source else None)
    with open_state(settings().state_url) as state:
        if source is None:
            columns = ("id", "asked", "next_due_at", "slots_fired", "slots_missed", "read_at", "failing")
            output.rows(lines(state, asked), columns, as_json=as_json, empty="no sources")
            return
        found = examine(state, asked[0], limit=limit)
    typer.echo(json.dumps(found.as_dict(), ensure_ascii=False, default=str) if as_json else str(found))


def chosen(source_ids: Iterable[str] | None) -> "list[Source]":
    """These sources, or all that are enabled.

    Raises:
        UnknownNameError: one of them is not there.
    """
    words = vocabulary()
    named = [words.source(source_id) for source_id in dict.fromkeys(source_ids or ())]
    return named or [source for source in words.sources.values() if source.enabled]


def ask(questions: "Sequence[Question]", follow: "Follow", what: str) -> None:
    """Ask the web, with a progress bar; a signal to end is a keyboard interrupt.

    Raises:
        GovwireError: as `crawlers.asking.ask`.
    """
    from crawlers.asking import ask as ask_web
    from govwire.core.state import open_state
    from govwire.run.children import stopped_by_signals

    if not questions:
        return
    chosen_settings, stop = settings(), stopped_by_signals()
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen_settings.state_url))
        advance = stack.enter_context(output.progress(what, len(questions)))

        def told(answer: "Answer") -> "list[Question]":
            more = list(follow(answer))
            advance(len(more))
            return more

        ask_web(chosen_settings, state, questions, told, stop)
    if stop.is_set():
        raise KeyboardInterrupt
