"""Hosts: when each may be asked again, and its robots file. One row per host and port, shared by all processes.

Pace is taken here, by compare-and-swap, before a request goes out; so it holds across processes, machines and kills.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import hosts


@dataclass(frozen=True)
class Robots:
    """A robots file as it was fetched; status 0 where nothing answered."""

    url: str
    status: int
    body: str
    fetched_at: datetime


def take(
    transaction: Transaction,
    wanted: Iterable[str],
    now: datetime,
    delay_seconds: float,
    margin: timedelta = timedelta(),
) -> dict[str, datetime | None]:
    """Take each host's turn for one request; `delay_seconds` holds where the host has no delay of its own.

    Where there is a delay, the next turn comes by `margin` later than that: as long as this one may take to be used.

    None for a host means that the turn is taken: send the request. A time means: not before then; ask again.
    """
    names = sorted(set(wanted))  # one order for all processes, so that none waits for another in a circle
    query = select(hosts.c.host, hosts.c.next_allowed_at, hosts.c.delay_seconds).where(hosts.c.host.in_(names))
    rows = {row.host: row for row in transaction.execute(query.order_by(hosts.c.host).with_for_update())}
    following = {
        name: now + _delay(rows[name].delay_seconds if name in rows else None, delay_seconds, margin) for name in names
    }
    free = [name for name in names if name in rows and rows[name].next_allowed_at <= now]
    taken = _move(transaction, free, following, now) | _first(transaction, names, rows, following)
    early = {name: row.next_allowed_at for name, row in rows.items() if name not in free}
    return {name: None if name in taken else early.get(name, following[name]) for name in names}


def _move(
    transaction: Transaction, names: Collection[str], following: Mapping[str, datetime], now: datetime
) -> set[str]:
    """Which of these turns this process took: one statement for all hosts of the same delay."""
    taken: set[str] = set()
    for until in {following[name] for name in names}:
        alike = [name for name in names if following[name] == until]
        swap = update(hosts).where(hosts.c.host.in_(alike), hosts.c.next_allowed_at <= now)
        taken.update(transaction.scalars(swap.values(next_allowed_at=until).returning(hosts.c.host)))
    return taken


def _first(
    transaction: Transaction, names: Collection[str], known: Collection[str], following: Mapping[str, datetime]
) -> set[str]:
    """Which hosts were never asked before: whoever writes their row has their first turn."""
    rows = [{"host": name, "next_allowed_at": following[name]} for name in names if name not in known]
    if not rows:
        return set()
    insert = insert_into(transaction, hosts).on_conflict_do_nothing().returning(hosts.c.host)
    return set(transaction.scalars(insert, rows))


def _delay(own_seconds: float | None, least_seconds: float, margin: timedelta) -> timedelta:
    seconds = max(own_seconds or 0.0, least_seconds)
    return timedelta(seconds=seconds) + margin if seconds else timedelta()


def pause(transaction: Transaction, host: str, until: datetime) -> None:
    """Leave a host alone until then, as its Retry-After asked; an earlier time than is known changes nothing."""
    rows = insert_into(transaction, hosts)
    transaction.execute(
        rows.values(host=host, next_allowed_at=until).on_conflict_do_update(
            index_elements=["host"],
            set_={"next_allowed_at": rows.excluded.next_allowed_at},
            where=hosts.c.next_allowed_at < rows.excluded.next_allowed_at,
        )
    )


def robots_of(transaction: Transaction, names: Iterable[str]) -> dict[str, Robots]:
    """The robots files of hosts as they were fetched last, by whichever process."""
    columns = (hosts.c.robots_url, hosts.c.robots_status, hosts.c.robots_body, hosts.c.robots_fetched_at)
    query = select(hosts.c.host, *columns).where(hosts.c.host.in_(list(names)), hosts.c.robots_url.is_not(None))
    return {host: Robots(*robots) for host, *robots in transaction.execute(query)}


def keep_robots(transaction: Transaction, host: str, robots: Robots, delay_seconds: float | None) -> None:
    """Keep a robots file for every process, with the delay that it asks for: also between itself and what follows."""
    values = {
        "robots_url": robots.url,
        "robots_status": robots.status,
        "robots_body": robots.body,
        "robots_fetched_at": robots.fetched_at,
        "delay_seconds": delay_seconds,
    }
    transaction.execute(
        insert_into(transaction, hosts)
        .values(host=host, next_allowed_at=robots.fetched_at, **values)
        .on_conflict_do_update(index_elements=["host"], set_=values)
    )
    if delay_seconds is not None:
        pause(transaction, host, robots.fetched_at + timedelta(seconds=delay_seconds))
