"""Hosts: when each may be asked again, and its robots file. One row per host and port, shared by all processes.

Pace is taken here, by compare-and-swap, before a request goes out; so it holds across processes, machines and kills.
"""

from collections.abc import Iterable
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
    transaction: Transaction, wanted: Iterable[str], now: datetime, delay_seconds: float
) -> dict[str, datetime | None]:
    """Take each host's turn for one request; `delay_seconds` holds where the host has no delay of its own.

    None for a host means that the turn is taken: send the request. A time means: not before then; ask again.
    """
    names = sorted(set(wanted))  # one order for all processes, so that none waits for another in a circle
    transaction.execute(
        insert_into(transaction, hosts).on_conflict_do_nothing(),
        [{"host": name, "next_allowed_at": now} for name in names],
    )
    rows = transaction.execute(
        select(hosts.c.host, hosts.c.next_allowed_at, hosts.c.delay_seconds)
        .where(hosts.c.host.in_(names))
        .order_by(hosts.c.host)
    ).all()
    turns: dict[str, datetime | None] = {}
    for host, allowed_at, own_delay in rows:
        if allowed_at > now:
            turns[host] = allowed_at
            continue
        following = now + timedelta(seconds=delay_seconds if own_delay is None else max(own_delay, delay_seconds))
        swapped = transaction.execute(
            update(hosts)
            .where(hosts.c.host == host, hosts.c.next_allowed_at == allowed_at)
            .values(next_allowed_at=following)
        )
        turns[host] = None if swapped.rowcount else following
    return turns


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


def robots_of(transaction: Transaction, host: str) -> Robots | None:
    """The robots file of a host as it was fetched last, by whichever process."""
    row = transaction.execute(
        select(hosts.c.robots_url, hosts.c.robots_status, hosts.c.robots_body, hosts.c.robots_fetched_at).where(
            hosts.c.host == host, hosts.c.robots_url.is_not(None)
        )
    ).first()
    return Robots(*row) if row else None


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
