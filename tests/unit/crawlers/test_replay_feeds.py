"""Every recorded feed and sitemap gives exactly the entries that it states."""

from pathlib import Path

import pytest

from crawlers.readers import read_feed
from govwire.core.errors import FeedError
from replay import feeds

pytestmark = pytest.mark.corpus

# What may be refused: no list of any kind, or none of ours (Microsoft's Channel Definition Format is dead since 2004).
REFUSED = {"unreadable", "empty", "json-broken", "json-unknown", "channel", "cdf"}


def test_every_recorded_feed_and_sitemap_gives_the_entries_that_it_states(corpus_dir: Path) -> None:
    corpus = feeds(corpus_dir)
    wrong = {}
    for feed in corpus:
        try:
            found = read_feed(feed.path.read_bytes(), feed.url, feed.content_type)
        except FeedError as error:
            if feed.form not in REFUSED and not feed.form.startswith("xml:"):
                wrong[feed.name] = str(error)
            continue
        if feed.entries is not None and found.read != feed.entries:
            wrong[feed.name] = f"{found.read} read, {feed.entries} stated; {dict(found.skipped)}"
    assert wrong == {}
    assert len(corpus) == 165
