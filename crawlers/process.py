"""One Scrapy process: how every spider of ours asks the web, whichever it is. A process can have one only.

Twisted's reactor starts once in a process, and does not start again.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings as ScrapySettings

from crawlers.agent import names_contact, user_agent
from crawlers.guard import AddressRules
from crawlers.trust import trust
from govwire.core.settings import Settings


def spider_process(settings: Settings, urls: Iterable[str]) -> AsyncCrawlerProcess:
    """A Scrapy process that will ask for these URLs first, by crawlers/settings.py and what our own settings say.

    Raises:
        ConfigError: the user agent is missing; fetch.ca_file or a rule of fetch.allow or fetch.resolve cannot be read.
    """
    if settings.fetch.ca_file:
        trust(settings.fetch.ca_file, settings.data_dir)
    process = AsyncCrawlerProcess(_scrapy_settings(settings, user_agent(settings, urls)))
    logging.getLogger("scrapy").setLevel(logging.WARNING)  # it formats two lines for every page
    # It warns at every start that redirects name no referrer; none of our requests does.
    logging.getLogger("scrapy.downloadermiddlewares.redirect").setLevel(logging.ERROR)
    return process


def end_now() -> None:
    """End the Scrapy process, whatever is under way."""
    from twisted.internet import reactor

    running: Any = reactor
    running.crash()
    if running.threadpool is not None:
        running.threadpool.stop()  # a crash leaves its threads, for which the process would wait for ever


def on_loop(action: Callable[[], None]) -> None:
    """Do it on the event loop of the Scrapy process, from another thread; if that has not begun, when it does."""
    from twisted.internet import reactor

    running: Any = reactor
    running.callFromThread(action)


def _scrapy_settings(settings: Settings, agent: str) -> ScrapySettings:
    chosen = ScrapySettings()
    chosen.setmodule("crawlers.settings", priority="project")
    chosen.setdict(
        {
            "ADDRESS_RULES": AddressRules.of(settings.fetch, web=names_contact(agent)),
            "PROXY": settings.fetch.proxy,
            "USER_AGENT": agent,
            "CONCURRENT_REQUESTS": settings.crawl.concurrency,
            "CONCURRENT_REQUESTS_PER_DOMAIN": settings.crawl.concurrency,  # PaceMiddleware holds the pace
            "DOWNLOAD_TIMEOUT": settings.fetch.timeout_seconds,
            "DOWNLOAD_MAXSIZE": settings.fetch.max_bytes,
            "REDIRECT_MAX_TIMES": settings.fetch.max_redirects,
        },
        priority="cmdline",
    )
    return chosen
