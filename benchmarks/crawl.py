"""What a crawl costs beside bare Scrapy: pages per CPU-second over the recorded pages, both in one run.

    CORPUS_DIR=… python benchmarks/crawl.py [--runs N] [--hosts N] [--copies N]

Bare Scrapy obeys robots files, reads each body and parses nothing. Govwire does what it always does: frontier, pace,
robots files in the state, ledger, and a page on the bus for each URL. Both fetch the same pages from a server in a
process of its own, in processes of their own, one after the other in turns; CPU seconds are of that process and all its
threads, without imports and without making the state's tables. Each page lies under four addresses, since a crawl runs
for weeks and starts once, and all of them lie on 40 hosts.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time, thread_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from crawlers import pipelines
from crawlers.guard import AddressRules
from crawlers.runner import run_crawl
from govwire.core.bus import open_bus
from govwire.core.bus.embedded import EmbeddedBus
from govwire.core.flow import PAGES
from govwire.core.records import Lane
from govwire.core.settings import Settings
from govwire.core.state import frontier, hosts, ledger, open_state
from govwire.core.vocabulary import Vocabulary
from replay import ReplayPage, pages
from servers.sites import Reply, Sites

CONCURRENCY = 16
AGENT = "govwire-benchmark (+mailto:benchmark@govwire.example)"


def serve(hosts_wanted: int, copies: int) -> None:
    """Serve the recorded pages on loopback; prints the URLs, and ends when nobody reads any more."""
    with Sites() as sites:
        urls = []
        for number, page in enumerate(pages(Path(os.environ["CORPUS_DIR"])) * copies):
            host = f"host{number % hosts_wanted}.example"
            urls.append(sites.set(host, f"/{number}.html", partial(_page, page)))
            sites.set(host, "/robots.txt", Reply(b"User-agent: *\nDisallow: /private/\n", headers={}))
        print(json.dumps({"port": sites.port, "urls": urls}), flush=True)
        sys.stdin.read()


def _page(page: ReplayPage, _: Any) -> Reply:
    return Reply(page.body(), headers={"Content-Type": "text/html"})


class BareSpider(Spider):
    """Fetches, and looks at the body."""

    name = "bare"
    custom_settings = None

    def parse(self, response: Response) -> None:
        """Read the body."""
        self.crawler.stats.inc_value("read", int(len(response.body) > 0))  # type: ignore[union-attr]


def bare(port: int, urls: list[str]) -> dict[str, float]:
    """Pages and CPU seconds of Scrapy alone."""
    process = AsyncCrawlerProcess(
        {
            "ADDRESS_RULES": _rules(port, urls),
            "TWISTED_DNS_RESOLVER": "crawlers.guard.GuardedResolver",  # it knows where these names lie
            "ROBOTSTXT_OBEY": True,
            "USER_AGENT": AGENT,
            "CONCURRENT_REQUESTS": CONCURRENCY,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
            "DOWNLOAD_DELAY": 0,
            "LOG_LEVEL": "WARNING",
        }
    )
    crawler = process.create_crawler(BareSpider)
    began = process_time()
    process.crawl(crawler, start_urls=urls)
    process.start()
    assert crawler.stats is not None
    return {"pages": crawler.stats.get_value("read", 0), "seconds": process_time() - began}


def ours(port: int, urls: list[str]) -> dict[str, float]:
    """Pages and CPU seconds of Govwire, and how many of these its parts took."""
    seconds = {"frontier": 0.0, "ledger": 0.0, "publish": 0.0}
    with TemporaryDirectory() as folder:
        settings = _settings(Path(folder), port, urls)
        open_state(settings.state_url).close()
        _time(seconds)
        began = process_time()
        run_crawl(settings, Vocabulary(sources={}, topics={}, targets={}), threading.Event(), once=True, urls=urls)
        total = process_time() - began
        bus = open_bus(settings)
        published = bus.lag("benchmark", [PAGES.kafka_topic(settings.bus.prefix, Lane.LIVE)])
        bus.close()
    return {"pages": published, "seconds": total, **seconds}


def _time(seconds: dict[str, float]) -> None:
    """Have the parts of a crawl add up their own CPU seconds; the ledger's are taken off those who call it."""
    _timed(seconds, "ledger", ledger, "record", within="frontier")
    for name in ("add", "lease", "done", "retry", "release", "pending"):
        _timed(seconds, "frontier", frontier, name)
    for name in ("take", "robots_of", "keep_robots"):
        _timed(seconds, "frontier", hosts, name)
    _timed(seconds, "publish", pipelines.BusPipeline, "_message")
    _timed(seconds, "publish", EmbeddedBus, "publish")


def _timed(seconds: dict[str, float], part: str, home: Any, name: str, within: str | None = None) -> None:
    function: Callable[..., Any] = getattr(home, name)

    def timed(*args: Any, **options: Any) -> Any:
        began = thread_time()
        try:
            return function(*args, **options)
        finally:
            spent = thread_time() - began
            seconds[part] += spent
            if within is not None:
                seconds[within] -= spent

    setattr(home, name, timed)


def _settings(folder: Path, port: int, urls: list[str]) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder,
            "user_agent": AGENT,
            "log_level": "warning",
            "crawl": {"concurrency": CONCURRENCY, "host_delay_seconds": 0},
            "fetch": {"allow": [f"127.0.0.0/8:{port}"], "resolve": _resolve(urls)},
            "retention": {"min_free_bytes": 0},
        }
    )


def _rules(port: int, urls: list[str]) -> AddressRules:
    return AddressRules.of(_settings(Path(), port, urls).fetch)


def _resolve(urls: list[str]) -> list[str]:
    return [f"{host}:127.0.0.1" for host in sorted({url.split("/")[2].partition(":")[0] for url in urls})]


def _measured(what: str, served: str) -> dict[str, float]:
    """One measurement, in a process of its own."""
    child = subprocess.run([sys.executable, __file__, what], input=served, capture_output=True, text=True, check=False)
    if child.returncode:
        sys.exit(child.stderr)
    result: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["serve", "bare", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3, help="how often each is run")
    parser.add_argument("--hosts", type=int, default=40, help="over how many hosts the pages lie")
    parser.add_argument("--copies", type=int, default=4, help="under how many addresses each page lies")
    options = parser.parse_args()
    if options.part == "serve":
        serve(options.hosts, options.copies)
    elif options.part:
        given = json.loads(sys.stdin.read())
        print(json.dumps({"bare": bare, "ours": ours}[options.part](given["port"], given["urls"])))
    else:
        compare(options.runs, options.hosts, options.copies)


def compare(runs: int, hosts_wanted: int, copies: int) -> None:
    """Both in turns, and the ratio."""
    command = [sys.executable, __file__, "serve", "--hosts", str(hosts_wanted), "--copies", str(copies)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        served = server.stdout.readline()
        found = [(_measured("bare", served), _measured("ours", served)) for _ in range(runs)]
        server.communicate()
    print(f"{len(json.loads(served)['urls'])} pages on {hosts_wanted} hosts; medians of {runs} runs")
    scrapy, govwire = ({key: median(pair[at][key] for pair in found) for key in found[0][at]} for at in (0, 1))
    for name, one in (("bare Scrapy", scrapy), ("Govwire", govwire)):
        print(
            f"{name:12}{one['pages']:6.0f} pages{one['seconds']:8.2f} CPU s{one['pages'] / one['seconds']:8.1f} a CPU s"
        )
    for part in ("frontier", "ledger", "publish"):
        print(
            f"  of which {part:9} {govwire[part]:6.2f} CPU s  {1000 * govwire[part] / govwire['pages']:6.2f} ms a page"
        )
    ratios = [b["seconds"] / b["pages"] / (a["seconds"] / a["pages"]) for b, a in found]
    print(f"ratio {median(ratios):.2f} (runs: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


if __name__ == "__main__":
    main()
