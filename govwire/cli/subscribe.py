"""Commands of alerts: subscriptions and the log of what was sent."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from govwire.cli import Json, app, output, settings, vocabulary
from govwire.core.errors import ConfigError

subscriptions_app = typer.Typer(no_args_is_help=True, help="Who wants what, and where it goes.")
alerts_app = typer.Typer(no_args_is_help=True, help="What was sent, and what was not.")
app.add_typer(subscriptions_app, name="subscriptions")
app.add_typer(alerts_app, name="alerts")


class MessageStatus(StrEnum):
    """How a message stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@subscriptions_app.command()
def add(
    name: Annotated[str | None, typer.Argument(help="A name of your own.")] = None,
    query: Annotated[str | None, typer.Argument(help="As 'stance.binding_regulation:favor'.")] = None,
    channel: Annotated[
        str | None, typer.Argument(help="An Apprise URL, as jsons://host/path; ${NAME} is read when sent.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="TOML with an array of tables named subscription: name, query, channel.")
    ] = None,
) -> None:
    """Add a subscription, or those of a file; one message for each story that matches from now on."""
    from govwire.core.state import open_state
    from processors.alerts import subscribing

    wanted = subscribing.read_file(file) if file else []
    if name and query is not None and channel:
        wanted.append(subscribing.Wanted(name=name, query=query, channel=channel))
    if not wanted:
        raise ConfigError("name NAME QUERY CHANNEL, or --file TOML")
    with open_state(settings().state_url) as state:
        for added in subscribing.add(state, wanted, vocabulary()):
            typer.echo(f"added {added}")


@subscriptions_app.command("list")
def list_subscriptions(as_json: Json = False) -> None:
    """All subscriptions; channels masked."""
    from govwire.core.state import open_state
    from processors.alerts import subscribing

    with open_state(settings().state_url) as state:
        rows = subscribing.listed(state)
    output.rows(rows, ("name", "query", "channel", "paused", "created_at"), as_json=as_json, empty="no subscriptions")


@subscriptions_app.command()
def pause(
    name: str,
    resume: Annotated[bool, typer.Option("--resume", help="Go on again.")] = False,
) -> None:
    """Pause a subscription, or resume it; what passes meanwhile is not sent later."""
    from govwire.core.state import open_state
    from processors.alerts import subscribing

    with open_state(settings().state_url) as state:
        subscribing.pause(state, name, paused=not resume)
    typer.echo(f"{'resumed' if resume else 'paused'} {name}")


@subscriptions_app.command()
def remove(name: str) -> None:
    """Remove a subscription with what it is still owed."""
    from govwire.core.state import open_state
    from processors.alerts import subscribing

    with open_state(settings().state_url) as state:
        subscribing.remove(state, name)
    typer.echo(f"removed {name}")


@alerts_app.command()
def log(
    subscription: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    status: Annotated[MessageStatus | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: Json = False,
) -> None:
    """Messages, newest first, each with its last attempt."""
    from govwire.core.state import open_state, outbox

    with open_state(settings().state_url) as state, state.begin() as transaction:
        rows = outbox.log(transaction, subscription=subscription, status=status, limit=limit)
    columns = ("message_id", "created_at", "subscription", "status", "reason", "attempts", "title", "detail")
    output.rows(rows, columns, as_json=as_json, empty="no messages")


@alerts_app.command()
def retry(message_ids: Annotated[list[str], typer.Argument(help="Ids of failed messages.")]) -> None:
    """Send failed messages again."""
    from govwire.core.state import open_state
    from processors.alerts import subscribing

    with open_state(settings().state_url) as state:
        again = subscribing.retry(state, message_ids)
    if not again:
        raise ConfigError("no failed message has such an id; govwire alerts log --status failed lists them")
    typer.echo(f"{again} will be sent again")
