"""How much less CPU our reading of feeds costs than feedparser's, in one run over the recorded feeds of real sites.

    CORPUS_DIR=… python benchmarks/feeds.py [--rounds N]

RSS and Atom, as their sites published them, ill-formed ones too: ours falls back on feedparser for these and then makes
entries (addresses cleaned, texts made plain, dates made UTC); feedparser only parses, as anybody calls it. Its quickest
options (no sanitising, no links in texts resolved) are measured beside. CPU seconds are the best of the rounds.
"""

import argparse
import os
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

import feedparser

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from crawlers.readers import read_feed
from replay import ReplayFeed, feeds

Document = tuple[ReplayFeed, bytes]


def ours(feed: ReplayFeed, body: bytes) -> int:
    """The product; how many entries it reads."""
    return read_feed(body, feed.url, feed.content_type).read


def theirs(feed: ReplayFeed, body: bytes, **options: Any) -> int:
    """Feedparser; how many entries it reads."""
    headers = {"content-type": feed.content_type or "application/xml", "content-location": feed.url}
    return len(feedparser.parse(BytesIO(body), response_headers=headers, **options).entries)


def quickest(feed: ReplayFeed, body: bytes) -> int:
    """Feedparser with all that can be left out left out."""
    return theirs(feed, body, sanitize_html=False, resolve_relative_uris=False)


def measure(reader: Callable[[ReplayFeed, bytes], int], corpus: list[Document], rounds: int) -> tuple[float, int]:
    """CPU seconds of the best round, and how many entries were read."""
    best, entries = float("inf"), 0
    for _ in range(rounds):
        start = process_time()
        entries = sum(reader(feed, body) for feed, body in corpus)
        best = min(best, process_time() - start)
    return best, entries


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    chosen = [
        each for each in feeds(Path(os.environ["CORPUS_DIR"])) if each.real and each.form.startswith(("rss", "atom"))
    ]
    corpus = [(feed, feed.path.read_bytes()) for feed in chosen]
    print(f"{len(corpus)} feeds, {sum(len(body) for _, body in corpus):,} bytes; best of {rounds} rounds")
    print(f"{'reader':32}  entries    CPU s    ratio")
    own = 0.0
    for name, reader in {"govwire": ours, "feedparser": theirs, "feedparser, its quickest options": quickest}.items():
        seconds, entries = measure(reader, corpus, rounds)
        own = own or seconds
        print(f"{name:32}{entries:9,}{seconds:9.3f}{seconds / own:9.1f}")


if __name__ == "__main__":
    main()
