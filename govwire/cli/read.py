"""Commands that answer: search, why, export."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from govwire.cli import Json, app, settings, vocabulary

if TYPE_CHECKING:
    from govwire.core.index import Index, Kind
    from govwire.core.query import Query

QueryText = Annotated[str, typer.Argument(metavar="QUERY", help="As 'topic:regulation_law stance:favor'; empty: all.")]
Since = Annotated[str | None, typer.Option(help="From this day on (2026-10-05, or 7d for the last seven days).")]
Until = Annotated[str | None, typer.Option(help="Up to and with this day.")]


class Format(StrEnum):
    """What `export` writes."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def search(  # noqa: PLR0917 - a command's options, each passed by name
    query: QueryText = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    facets: Annotated[list[str] | None, typer.Option(help="Count these over all matches, as source or topic.")] = None,
    as_json: Json = False,
) -> None:
    """The newest articles that match, with labels and evidence."""
    with _index() as index:
        found = index.search(parse_query(query, since, until), limit=limit, facets=tuple(facets or ()))
    if as_json:
        for hit in found.hits:
            typer.echo(json.dumps(hit.body, ensure_ascii=False, default=str))
        if facets:
            counts = {name: {bucket.key: bucket.count for bucket in found.facets[name]} for name in found.facets}
            typer.echo(json.dumps({"total": found.total, "facets": counts}, ensure_ascii=False))
        return
    typer.echo(f"{found.total} found" + (f", the newest {limit}" if found.total > limit else ""))
    for hit in found.hits:
        _show(hit.body)
    for name, buckets in found.facets.items():
        typer.echo(f"\n{name}: " + ", ".join(f"{bucket.key} {bucket.count}" for bucket in buckets))


@app.command()
def why(url: Annotated[str, typer.Argument(help="Any URL.")], as_json: Json = False) -> None:
    """What became of a URL, stage by stage; of one that was never seen, who watches its site and what to do."""
    from govwire.core.state import open_state
    from govwire.run.why import explain

    chosen = settings()
    with open_state(chosen.state_url) as state:
        told = explain(state, url, vocabulary().sources, chosen.agent)
    if as_json:
        typer.echo(json.dumps(told.as_dict(), ensure_ascii=False, default=str))
    else:
        typer.echo(str(told))
    raise typer.Exit(0 if told.known else 1)


@app.command()
def revisions(
    url: Annotated[str, typer.Argument(help="Of an article.")],
    diff: Annotated[
        tuple[int, int] | None, typer.Option(metavar="FROM TO", help="Only what changed from one revision to another.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How an article changed: its revisions, each with what it says otherwise than the one before."""
    from dataclasses import asdict

    from govwire.core.state import open_state
    from govwire.run.revisions import between, tell

    with open_state(settings().state_url) as state:
        told = tell(state, url)
    if not told:
        typer.echo(f"{url}: no article was found there; 'govwire why' tells what became of it", err=True)
        raise typer.Exit(1)
    if diff is None:
        lines = [(each.as_dict(), str(each)) for each in told]
    else:
        lines = [(asdict(change), str(change)) for change in between(told, *diff)]
    for plain_data, line in lines:
        typer.echo(json.dumps(plain_data, ensure_ascii=False, default=str) if as_json else line)


@app.command()
def export(
    query: QueryText = "",
    since: Since = None,
    until: Until = None,
    claims: Annotated[bool, typer.Option("--claims", help="Claims, a row each, instead of articles.")] = False,
    form: Annotated[Format, typer.Option("--format")] = Format.JSONL,
) -> None:
    """Every match, as JSON Lines or CSV on standard output."""
    with _index() as index:
        rows = _all(index, parse_query(query, since, until), "claims" if claims else "articles")
        if form is Format.JSONL:
            for row in rows:
                typer.echo(json.dumps(row, ensure_ascii=False, default=str))
        else:
            _write_csv(rows)


@contextmanager
def _index() -> Iterator["Index"]:
    from govwire.core.index import open_index

    with ExitStack() as stack:
        index = open_index(settings())
        stack.callback(index.close)
        yield index


def parse_query(text: str, since: str | None, until: str | None) -> "Query":
    """The query of a command, with the days of its options."""
    from govwire.core.query import parse

    now, words = datetime.now(UTC), vocabulary()
    # By itself first, so that a mistake's column is that of what was written.
    query = parse(text, now, words)
    days = [f"{name}:{day}" for name, day in (("since", since), ("until", until)) if day]
    if not days:
        return query
    return parse(" ".join([f"({text})"] * bool(text.strip()) + days), now, words)


def _all(index: "Index", query: "Query", kind: "Kind") -> Iterator[Mapping[str, Any]]:
    after = None
    while True:
        page = index.search(query, kind=kind, limit=500, after=after)
        for hit in page.hits:
            yield {name: value for name, value in hit.body.items() if not name.endswith("_tokens")}
        after = page.next_after
        if after is None:
            return


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    writer = None
    for row in rows:
        flat = _flat(row)
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(flat), lineterminator="\n")
            writer.writeheader()
        writer.writerow(flat)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A cell for each plain value, the parts of a table as `source.id`, a list as JSON."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{part}": held for part, held in _flat(value).items()}
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat


def _show(body: Mapping[str, Any]) -> None:
    topics = ", ".join(topic["id"] for topic in body["topics"])
    typer.echo(f"\n{str(body['sort_at'])[:10]}  {body['source']['name']}  {body['title']}\n  {body['url']}")
    if body.get("published_plausible") is False:
        typer.echo(f"  dated {str(body['published_at'])[:10]}, which cannot be: sorted by when it was first seen")
    if body["state"] == "gone":
        typer.echo(f"  gone from the site: seen to be so on {str(body['fetched_at'])[:10]}")
    if topics:
        typer.echo(f"  topics: {topics}")
    if body.get("law_ids"):
        typer.echo(f"  laws: {', '.join(body['law_ids'])}")
    for stance in body["stance"]:
        evidence = stance.get("evidence")
        said = f"  “{bare(evidence['text'])}”" if evidence else ""
        typer.echo(f"  {stance['target']}: {stance['label']} ({_sure(stance)}){said}")
    for claim in body["claims"]:
        if claim["shown"]:
            by = " (corrected)" * (claim.get("by") == "person")
            said = bare(claim["evidence"]["text"])
            typer.echo(f"  {claim['holder']}: {claim['target']} {claim['label']}{by}  “{said}”")


def _sure(label: Mapping[str, Any]) -> str:
    return "corrected" if label.get("by") == "person" else f"{label['score']:.2f}"


def bare(evidence: str) -> str:
    """Evidence without quotation marks of its own, for it is shown between ours."""
    return " ".join(evidence.split()).strip('“”"„«»')
