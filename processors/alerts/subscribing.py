"""What a person does with subscriptions: add, list, pause, remove, and ask for failed messages again.

A subscription is checked when it is added, so that it is not found out at its first match that it cannot work.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from govwire.core.errors import ConfigError, QueryError, UnknownNameError
from govwire.core.query import parse
from govwire.core.state import State, Transaction, outbox, subscriptions
from govwire.core.state.subscriptions import Subscription
from govwire.core.vocabulary import Vocabulary
from processors.alerts import channels

_NAME = re.compile(r"\w[\w .-]{0,79}")


class Wanted(BaseModel):
    """A subscription that somebody asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    query: str
    channel: str = Field(repr=False)


def read_file(path: Path) -> list[Wanted]:
    """The subscriptions of a TOML file: `[[subscription]]` tables with name, query and channel.

    Raises:
        ConfigError: the file cannot be read, or a table of it; all mistakes at once.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    rows = tables.pop("subscription", [])
    problems = [f"{path}: {name}: unknown; write [[subscription]] tables" for name in tables]
    if not isinstance(rows, list):
        raise ConfigError([*problems, f"{path}: subscription: write it in double brackets: [[subscription]]"])
    wanted = []
    for number, row in enumerate(rows, start=1):
        try:
            wanted.append(Wanted.model_validate(row))
        except ValidationError as error:
            problems += [f"{path}: subscription {number}: {told}" for told in _told(error)]
    if problems:
        raise ConfigError(problems)
    return wanted


def add(state: State, wanted: Sequence[Wanted], vocabulary: Vocabulary) -> list[str]:
    """Add all of them or none; returns the names of the new ones. One that is there just so already is passed over.

    Raises:
        ConfigError: a name, a query or a channel is wrong, or a name is taken; all problems at once.
        StateError: the state cannot be reached.
    """
    now = datetime.now(UTC)
    problems = [
        f"subscription {each.name!r}: {problem}" for each in wanted for problem in _problems(each, vocabulary, now)
    ]
    with state.begin() as transaction:
        known = {each.name: each for each in subscriptions.every(transaction)}
        new: dict[str, Subscription] = {}
        for each in wanted:
            there = known.get(each.name) or new.get(each.name)
            if there is None:
                new[each.name] = Subscription(each.name, each.query, each.channel, created_at=now)
            elif (there.query, there.channel) != (each.query, each.channel):
                problems.append(f"subscription {each.name!r}: the name is taken; remove that one or choose another")
        if problems:
            raise ConfigError(problems)
        return [name for name, each in new.items() if subscriptions.add(transaction, each)]


def listed(state: State) -> list[dict[str, Any]]:
    """All subscriptions by name, channels masked."""
    with state.begin() as transaction:
        every = subscriptions.every(transaction)
    return [vars(each) | {"channel": channels.masked(each.channel)} for each in every]


def pause(state: State, name: str, *, paused: bool) -> None:
    """Pause a subscription, with what it is still owed, or let it go on. What passes meanwhile is not sent later.

    Raises:
        UnknownNameError: there is none of that name.
    """
    with state.begin() as transaction:
        if not subscriptions.set_paused(transaction, name, paused=paused):
            raise _unknown(transaction, name)


def remove(state: State, name: str) -> None:
    """Remove a subscription, with what it is still owed and the log of what it was sent.

    Raises:
        UnknownNameError: there is none of that name.
    """
    with state.begin() as transaction:
        if not subscriptions.remove(transaction, name):
            raise _unknown(transaction, name)


def retry(state: State, message_ids: Sequence[str]) -> int:
    """Send failed messages again; returns how many of these there were."""
    with state.begin() as transaction:
        return outbox.retry(transaction, message_ids, datetime.now(UTC))


def _unknown(transaction: Transaction, name: str) -> UnknownNameError:
    return UnknownNameError("subscription", name, [each.name for each in subscriptions.every(transaction)])


def _problems(wanted: Wanted, vocabulary: Vocabulary, now: datetime) -> Iterator[str]:
    if not _NAME.fullmatch(wanted.name):
        yield "name: write up to 80 letters, digits, spaces, dots, dashes; the first a letter or digit"
    try:
        if parse(wanted.query, now, vocabulary).candidates:
            yield "query: candidates fire no alerts; leave candidates: out"
    except QueryError as error:
        yield str(error)
    try:
        channels.check(wanted.channel, os.environ)
    except ConfigError as error:
        yield str(error)


def _told(error: ValidationError) -> Iterator[str]:
    for entry in error.errors(include_url=False, include_input=False):
        yield f"{'.'.join(map(str, entry['loc'])) or 'table'}: {entry['msg']}"
