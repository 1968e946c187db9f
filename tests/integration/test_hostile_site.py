"""A crawl over a hostile web: everything ends by name, no host is hurried, and nothing that lies inside is touched."""

import itertools
import json
import random
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from crawling import Crawl, Ended
from govwire.core.records import Article
from govwire.core.urls import UrlError, url_id
from servers.hostile import (
    CHARSETS,
    INSIDE,
    NOWHERE,
    PEACE_SECONDS,
    SENTENCE,
    Trick,
    busy,
    charset_page,
    copy_page,
    inside,
    serve_tricks,
    tricks,
)
from servers.process import wait_until
from servers.sites import Reply, Sites

pytestmark = pytest.mark.timeout(240)

SEED = 20261124
DELAY_SECONDS = 1.0
# Between the taking of a turn and the request's arrival lie a connection, a busy machine's scheduling, and the
# unpacking of bombs up to their limit.
JITTER_SECONDS = 0.35
COPIES, COPY_HOSTS = 200, 50
FORMS = ("seconds", "date")
NAMES = {
    "name-10.test": "10.1.2.3",
    "name-metadata.test": "169.254.169.254",
    "name-loopback.test": "::1",
    "name-mapped.test": "::ffff:127.0.0.1",
    "name-nat64.test": "64:ff9b::7f00:1",
    "name-6to4.test": "2002:7f00:1::",
}


class Trap:
    """Listens on every address of this machine, and counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@dataclass(frozen=True)
class Done:
    """What a crawl of the hostile web left behind."""

    crawl: Crawl
    sites: Sites
    trap: Trap
    tricks: list[Trick]
    inside: list[str]
    first: Ended
    second: Ended
    articles: list[Article]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    chance = random.Random(SEED)
    with ExitStack() as stack:
        sites, trap = stack.enter_context(Sites()), stack.enter_context(closing(Trap()))
        crawl = stack.enter_context(closing(_crawl(tmp_path_factory.mktemp("hostile"), sites, trap)))
        found, hidden = tricks(chance, sites.port), inside(chance, trap.port)
        serve_tricks(sites, found)
        links = [sites.url(trick.host, "/page") for trick in found]
        links += hidden
        links += [_redirect(sites, number, target) for number, target in enumerate(hidden)]
        links += [sites.url(name, "/secret") for name in NAMES]
        links += [sites.set(f"busy-{form}.test", "/page", busy(form)) for form in FORMS]
        links += [sites.set(f"charset-{name}.test", "/page", charset_page(name)) for name in CHARSETS]
        links += [sites.set(*_place_of_copy(number), copy_page(chance, number)) for number in range(COPIES)]
        chance.shuffle(links)
        _list(crawl, sites, links)
        first = crawl.once()
        _let_due(crawl, "busy-")
        second = crawl.once(source_ids=["calm"])
        yield Done(crawl, sites, trap, found, hidden, first, second, crawl.extracted())


def _crawl(folder: Path, sites: Sites, trap: Trap) -> Crawl:
    crawl = Crawl(
        folder,
        sites.port,
        # The trap's port as such is let through, so that it is the address that every refusal is for.
        GOVWIRE_FETCH__ALLOW=json.dumps([f"127.0.0.1/32:{sites.port}", f"198.51.100.0/24:{trap.port}"]),
        GOVWIRE_FETCH__TIMEOUT_SECONDS="2",
        GOVWIRE_CRAWL__HOST_DELAY_SECONDS=str(DELAY_SECONDS),
        GOVWIRE_CRAWL__CONCURRENCY="64",
        GOVWIRE_USER_AGENT="tests/1.0 (+mailto:tests@govwire.example)",
    )
    for name, address in NAMES.items():
        crawl.name(name, address=address)
    return crawl


def _redirect(sites: Sites, number: int, target: str) -> str:
    # Headers go out as Latin-1; what is beyond it is sent as UTF-8, as servers do.
    location = target.encode().decode("latin-1")
    return sites.set(f"door-{number}.test", "/page", Reply(status=302, headers={"Location": location}))


def _place_of_copy(number: int) -> tuple[str, str]:
    return f"copies-{number % COPY_HOSTS}.test", f"/copy-{number}"


def _list(crawl: Crawl, sites: Sites, links: list[str]) -> None:
    """A feed with every link, and sources whose feeds are tricks themselves."""
    items = "".join(f"<item><link>{escape(link)}</link></item>" for link in links)
    rss = f'<rss version="2.0"><channel><title>hostile</title>{items}</channel></rss>'
    crawl.source("index", sites.set("index.test", "/feed.xml", Reply(rss.encode())))
    crawl.source("calm", sites.feed("calm.test"))
    for name in ("endless", "dripping", "gzip-bomb", "loop", "challenge"):
        crawl.source(f"feed-{name}", sites.url(f"{name}.test", "/page"))
    crawl.name(*{link.split("/")[2].partition(":")[0] for link in links if ".test:" in link} - NAMES.keys())


def _let_due(crawl: Crawl, prefix: str) -> None:
    with crawl.state() as state, state.begin() as transaction:
        transaction.exec_driver_sql(f"UPDATE frontier SET due_at = '2026-01-01' WHERE host LIKE '{prefix}%'")


def test_the_crawl_lives_through_all_of_it(done: Done) -> None:
    for ended in (done.first, done.second):
        assert ended.code == 0, ended.log
        assert ended.events("crawl_failed") == ended.events("item_failed") == ended.events("callback_failed") == []


def test_every_trick_ends_by_its_name(done: Done) -> None:
    ends = {done.sites.url(trick.host, "/page"): trick.ends for trick in done.tricks}
    assert done.crawl.standings(list(ends)) == ends


def test_a_feed_that_is_a_trick_is_an_error_of_its_source_alone(done: Done) -> None:
    said = {url.split("/")[2].partition(".")[0]: why.partition(":")[0] for url, why in done.first.failed_feeds.items()}
    assert said == {
        "endless": "too_large",
        "dripping": "timeout",
        "gzip-bomb": "too_large",
        "loop": "too_many_redirects",
        "challenge": "challenge",
    }


def test_no_spelling_of_an_address_inside_is_ever_fetched(done: Done) -> None:
    ends = done.crawl.standings([url for url in done.inside if _is_address(url)])
    assert len(ends) > 100
    assert {url: end for url, end in ends.items() if end != INSIDE} == {}


def test_no_redirect_and_no_name_leads_inside(done: Done) -> None:
    doors = {done.sites.url(f"door-{number}.test", "/page"): to for number, to in enumerate(done.inside)}
    ends = done.crawl.standings(list(doors))
    assert {doors[url]: end for url, end in ends.items() if end not in {INSIDE, NOWHERE}} == {}
    assert set(done.crawl.standings([done.sites.url(name, "/secret") for name in NAMES]).values()) == {INSIDE}


def test_nothing_but_the_sites_was_connected_to(done: Done) -> None:
    assert done.first.connections | done.second.connections == {f"127.0.0.1 {done.sites.port}"}
    assert done.trap.visits == 0
    # The trap does catch who comes.
    socket.create_connection(("127.0.0.1", done.trap.port)).close()
    wait_until(lambda: done.trap.visits == 1, what="the trap has caught a visitor")


def test_no_host_is_asked_faster_than_its_pace(done: Done) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    for asked in done.sites.asked:
        times[asked.host].append(asked.at)
    gaps = {host: [later - sooner for sooner, later in itertools.pairwise(at)] for host, at in times.items()}
    assert sum(map(len, gaps.values())) > 400
    assert {host: min(each) for host, each in gaps.items() if each and min(each) < DELAY_SECONDS - JITTER_SECONDS} == {}


@pytest.mark.parametrize("form", FORMS)
def test_who_asks_for_peace_gets_it_in_either_form(done: Done, form: str) -> None:
    first, second = (asked.at for asked in done.sites.asked_for(f"busy-{form}.test", "/page"))
    assert second - first >= PEACE_SECONDS
    assert done.crawl.standing(done.sites.url(f"busy-{form}.test", "/page")) == ("extracted", None)


def test_every_charset_comes_out_as_it_was_written(done: Done) -> None:
    texts = {article.title: article.text for article in done.articles}
    assert {name: SENTENCE in texts.get(name, "") for name in CHARSETS} == dict.fromkeys(CHARSETS, True)


def test_the_copies_are_one_story(done: Done) -> None:
    urls = {done.sites.url(*_place_of_copy(number)) for number in range(COPIES)}
    copies = [article for article in done.articles if article.requested_url in urls]
    assert len(copies) == COPIES
    assert len({article.story_id for article in copies}) == 1


def test_the_books_add_up(done: Done) -> None:
    counts = done.crawl.counts()
    assert {outcome for outcome, _ in counts} == {"waiting", "dropped", "extracted"}


def _is_address(url: str) -> bool:
    try:
        url_id(url)
    except UrlError:
        return False
    return True
