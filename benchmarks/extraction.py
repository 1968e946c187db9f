"""How well and how fast articles are read from real pages, beside the extractors that could have been taken.

    CORPUS_DIR=… python benchmarks/extraction.py [--pages N] [--all]

Text: mean bag-of-words F1 over the pages whose text is known (character bigrams in zh, ja, th). Title and date: share
of the pages whose title and day are known. A page on which an extractor finds nothing counts as wrong. CPU seconds are
those of one process over all pages; 0 stands where an extractor was not asked for a field. rs-trafilatura and
resiliparse are measured where they are installed.
"""

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any

import trafilatura

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from govwire.core.records import Dated
from processors.extraction import Draft, extract
from replay import ReplayPage, pages, same_day, same_title, text_f1

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Reading:
    """What an extractor finds on a page."""

    text: str = ""
    title: str = ""
    published: Dated | None = None


Extractor = Callable[[ReplayPage, bytes], Reading]


def ours(page: ReplayPage, body: bytes) -> Reading:
    """The product."""
    found = extract(body, page.url, "text/html", None, NOW)
    return Reading(found.text, found.title, found.published) if isinstance(found, Draft) else Reading()


def bare(page: ReplayPage, body: bytes, **options: Any) -> Reading:
    """trafilatura alone."""
    found = trafilatura.bare_extraction(body, url=page.url, **options)
    if found is None or isinstance(found, dict):
        return Reading()
    return Reading(found.text or "", found.title or "", _dated(found.date))


def rs_trafilatura(page: ReplayPage, body: bytes) -> Reading:
    """Its port to Rust."""
    import rs_trafilatura as library

    found = library.extract_bytes(body, url=page.url)
    return Reading(found.main_content or "", found.title or "", _dated(str(found.date or "")))


def resiliparse(page: ReplayPage, body: bytes) -> Reading:
    """Main text only, in C++."""
    del page
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse_from_bytes(body, detect_encoding(body))
    return Reading(extract_plain_text(tree, main_content=True, alt_texts=False), tree.title or "")


OURS, BARE = "govwire", "trafilatura bare_extraction(with_metadata=True)"
EXTRACTORS: dict[str, Extractor] = {
    OURS: ours,
    BARE: partial(bare, with_metadata=True),
    "trafilatura standard, no comments": partial(bare, include_comments=False),
    "trafilatura fast": partial(bare, include_comments=False, fast=True),
    "trafilatura precision": partial(bare, include_comments=False, favor_precision=True),
    "trafilatura precision, fast": partial(bare, include_comments=False, favor_precision=True, fast=True),
    "trafilatura recall": partial(bare, include_comments=False, favor_recall=True),
    "trafilatura recall, fast": partial(bare, include_comments=False, favor_recall=True, fast=True),
    "rs_trafilatura": rs_trafilatura,
    "resiliparse": resiliparse,
}


def measure(extractor: Extractor, corpus: list[ReplayPage]) -> tuple[str, float]:
    """One line of figures: text F1, F1 of articles only, titles, dates, CPU seconds; and these seconds."""
    texts, articles, titles, dates = [], [], [], []
    seconds = 0.0
    for page in corpus:
        body = page.body()
        start = process_time()
        found = extractor(page, body)
        seconds += process_time() - start
        if page.text is not None:
            texts.append(text_f1(page.text, found.text, page.language))
            articles += texts[-1:] if page.is_article else []
        if page.title is not None:
            titles.append(same_title(page.title, found.title))
        if page.published is not None:
            dates.append(same_day(page.published, found.published))
    figures = [fmean(texts), fmean(articles), fmean(titles), fmean(dates)]
    return "".join(f"{figure:9.4f}" for figure in figures) + f"{seconds:9.1f}", seconds


def _dated(day: str | None) -> Dated | None:
    try:
        at = datetime.fromisoformat((day or "")[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Dated(at=at, precision="day", provenance="text")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, help="only the first N pages")
    parser.add_argument("--all", action="store_true", help="every extractor, not only ours and trafilatura as it is")
    options = parser.parse_args()
    corpus = pages(Path(os.environ["CORPUS_DIR"]))[: options.pages]
    logging.disable(logging.CRITICAL)
    print(f"{'extractor':50}     text articles   titles    dates    CPU s   ({len(corpus)} pages)")
    seconds: dict[str, float] = {}
    for name, extractor in EXTRACTORS.items():
        if not options.all and name not in {OURS, BARE}:
            continue
        if name.isidentifier() and name != OURS and not importlib.util.find_spec(name):
            print(f"{name:50} not installed")
            continue
        line, seconds[name] = measure(extractor, corpus)
        print(f"{name:50}{line}", flush=True)
    print(f"{seconds[BARE] / seconds[OURS]:.2f} pages in the time in which {BARE} reads one")


if __name__ == "__main__":
    main()
