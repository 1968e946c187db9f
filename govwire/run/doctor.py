"""The doctor: every thing that can be wrong with an installation, each checked and told in one line."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from govwire.core.bus import open_bus
from govwire.core.errors import ConfigError, GovwireError
from govwire.core.flow import kafka_topics
from govwire.core.index import open_index
from govwire.core.settings import Settings
from govwire.core.state import ledger, notices, open_state
from govwire.core.state.notices import ALL
from govwire.core.vocabulary import load_vocabulary

_PROXY_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """One finding."""

    name: str
    ok: bool
    told: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.name}: {self.told}"


def examine(settings: Settings, config: Path) -> Iterator[Check]:
    """Check one thing after the other; a failed check never stops the next."""
    checks: dict[str, Callable[[], str]] = {
        "config": lambda: _config(config),
        "user agent": lambda: _user_agent(settings),
        "proxy": lambda: _proxy(settings),
        "data_dir": lambda: _data_dir(settings),
        "crc32c": _crc32c,
        "state": lambda: _state(settings),
        "sources": lambda: _sources(settings),
        "notices": lambda: _notices(settings),
        "bus": lambda: _bus(settings),
        "index": lambda: _index(settings),
        "model": lambda: _model(settings, config),
    }
    for name, check in checks.items():
        try:
            yield Check(name, ok=True, told=check())
        except GovwireError as error:
            yield Check(name, ok=False, told=str(error))


def _config(config: Path) -> str:
    words = load_vocabulary(config)
    return f"{config}: {len(words.sources)} sources, {len(words.topics)} topics, {len(words.targets)} targets"


def _user_agent(settings: Settings) -> str:
    if settings.user_agent is None:
        raise ConfigError("user_agent is not set: the web is not crawled without a name and a contact in it")
    return settings.user_agent


def _proxy(settings: Settings) -> str:
    if settings.fetch.proxy is None:
        return "none: every address is checked where it is connected to"
    parts = urlsplit(settings.fetch.proxy.get_secret_value())
    told = f"{parts.hostname}:{parts.port}"  # and never its password
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_PROXY_SECONDS).close()
    except OSError as error:
        raise ConfigError(f"{told}: {error}; nothing can be fetched without it, see fetch.proxy") from error
    return (
        f"{told}: reached. It looks names up again, so it must itself refuse private addresses, and ports other than "
        "80 and 443"
    )


def _data_dir(settings: Settings) -> str:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error}; set data_dir to a folder that can be written") from error
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"{folder}: cannot be written; set data_dir to a folder that can")
    free = shutil.disk_usage(folder).free
    if free < settings.retention.min_free_bytes:
        raise ConfigError(f"{folder}: {free >> 20} MiB free, below retention.min_free_bytes: nothing is crawled")
    return f"{folder.resolve()}: {free >> 20} MiB free"


def _crc32c() -> str:
    if importlib.util.find_spec("crc32c") is None:
        raise ConfigError(
            "package crc32c is missing: Kafka records would be checksummed 130 times slower; pip install crc32c"
        )
    return "compiled checksums"


def _state(settings: Settings) -> str:
    with open_state(settings.state_url) as state, state.begin() as transaction:
        lost = ledger.unaccounted(transaction)
    if lost:
        raise ConfigError(f"{len(lost)} URLs of the frontier are not in the ledger, as {lost[0]}; report it")
    return "reached, schema up to date, the books add up"


def _sources(settings: Settings) -> str:
    with open_state(settings.state_url) as state, state.begin() as transaction:
        unclosed = notices.unclosed(transaction)
    for notice in unclosed:
        if notice.source_id == ALL:
            raise ConfigError(f"{notice}; look at the network, DNS and the way out of this machine")
    return f"{len(unclosed)} in trouble" + ("; 'govwire status' names them" if unclosed else "")


def _notices(settings: Settings) -> str:
    from processors.alerts import channels

    if settings.notices.channel is None:
        return "told in the log and by 'govwire status' only; notices.channel is not set"
    channels.check(settings.notices.channel.get_secret_value(), os.environ)
    return f"told to {channels.masked(settings.notices.channel.get_secret_value())}"


def _bus(settings: Settings) -> str:
    bus = open_bus(settings)
    try:
        if settings.bus.url == "sqlite:":
            return "embedded, opened"  # `run` makes its Kafka topics itself
        limit = min(bus.wire_limit(name) for name in kafka_topics(settings.bus.prefix))
    finally:
        bus.close()
    return f"{settings.bus.url}: reached, Kafka topics there, messages up to {limit >> 20} MiB"


def _index(settings: Settings) -> str:
    index = open_index(settings)
    try:
        problems = index.check()
    finally:
        index.close()
    if problems:
        raise ConfigError(problems)
    return "reached, mappings fit"


def _model(settings: Settings, config: Path) -> str:
    from processors.classifiers import open_classifier

    return open_classifier(settings, load_vocabulary(config)).model
