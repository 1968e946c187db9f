"""How a crawl introduces itself: sites want to know who asks, and how to reach them."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from crawlers.guard import AddressRules
from govwire.core.errors import ConfigError
from govwire.core.settings import Settings
from govwire.core.source import Source


def user_agent(settings: Settings, urls: Iterable[str]) -> str:
    """The user agent for these URLs: that of the settings, which names a contact wherever the web is asked.

    Raises:
        ConfigError: none is set, or it names no contact; or a rule of fetch.allow or fetch.resolve cannot be read.
    """
    rules = AddressRules.of(settings.fetch)
    agent = settings.user_agent
    if agent and names_contact(agent):
        return agent
    if all(rules.covers(urlsplit(url).hostname or "") for url in urls):
        return settings.agent
    what = "names no contact" if agent else "not set"
    raise ConfigError(
        f"user_agent: {what}, and sites want to know who asks; "
        "set GOVWIRE_USER_AGENT='your-name (+https://your.site/contact)'"
    )


def names_contact(agent: str) -> bool:
    """Whether a user agent says how to reach whoever asks."""
    return "://" in agent or "@" in agent


def ways_in(sources: Iterable[Source]) -> list[str]:
    """Every address by which these sources are read."""
    return [way.url for source in sources for way in source.ways]
