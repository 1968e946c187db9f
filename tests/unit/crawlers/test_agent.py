"""How a crawl introduces itself, and where it must."""

import pytest

from crawlers.agent import user_agent, ways_in
from govwire.core.errors import ConfigError
from govwire.core.settings import FetchSettings, Settings
from govwire.core.source import Listing, Source

LOCAL = FetchSettings(allow=("127.0.0.0/8:8000",), resolve=("site.test:127.0.0.1",))
NEAR, FAR = "http://site.test:8000/feed.xml", "https://one.example/news"


@pytest.mark.parametrize("way", ["feeds", "sitemaps", "listings"])
def test_a_source_on_the_web_wants_a_contact_however_it_is_read(way: str) -> None:
    value = (Listing(url=FAR, links="a"),) if way == "listings" else (FAR,)
    facts = {"name": "One", "home": FAR, "kind": "press", "country": "GB", "language": "en", "rights": "full"}
    source = Source.model_validate({"id": "one", **facts, way: value})
    with pytest.raises(ConfigError, match="user_agent: not set"):
        user_agent(Settings(fetch=LOCAL), ways_in([source]))


def test_what_only_the_exceptions_cover_wants_none() -> None:
    assert user_agent(Settings(fetch=LOCAL), [NEAR]).startswith("govwire/")
    assert user_agent(Settings(fetch=LOCAL, user_agent="me (me@one.example)"), [FAR]) == "me (me@one.example)"
    with pytest.raises(ConfigError, match="names no contact"):
        user_agent(Settings(fetch=LOCAL, user_agent="me"), [FAR])
