"""Asking the web for a few addresses at once, outside the frontier: as safely and as politely as a crawl does.

Guard, robots and pace are those of the crawl, and the pace of a host is shared with the crawls that run meanwhile.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, zip_longest

from crawlers.answers import Follow, Question
from crawlers.process import spider_process
from crawlers.room import GIVE_UP_SECONDS, Guest
from crawlers.spiders.asking import AskingSpider
from govwire.core.metrics import Health
from govwire.core.settings import Settings
from govwire.core.state import State, exchanges
from govwire.core.urls import authority


def ask(settings: Settings, state: State, questions: Iterable[Question], follow: Follow, stop: threading.Event) -> None:
    """Ask all of these, and what `follow` makes of the answers; returns when nothing is left to ask, or at `stop`.

    A process can ask once only: Twisted's reactor does not start again.

    Raises:
        ConfigError: the user agent is missing; fetch.ca_file or a rule of fetch.allow or fetch.resolve cannot be read.
        UrlError: a question names no web address.
        StateError: the database stayed away.
    """
    fair = _host_by_host(questions)
    process = spider_process(settings, [question.url for question in fair])
    room = Guest(settings=settings, state=state, stop=stop, health=Health(), give_up_seconds=GIVE_UP_SECONDS)
    process.crawl(AskingSpider, room=room, questions=fair, follow=follow)
    process.start(install_signal_handlers=False)
    with state.begin() as transaction:
        exchanges.record(transaction, room.exchanges)
    if room.failure is not None:
        raise room.failure


def _host_by_host(questions: Iterable[Question]) -> list[Question]:
    """In an order in which a host with many addresses, whose pace is slow, does not keep the others waiting."""
    hosts: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        hosts[authority(question.url)].append(question)
    return [question for question in chain(*zip_longest(*hosts.values())) if question is not None]
