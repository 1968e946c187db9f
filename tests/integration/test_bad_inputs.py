"""Every damaged input of the corpus through a real crawl and extraction: how it ends, and that the crawl goes on."""

import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crawling import Crawl, Ended
from govwire.core.errors import StateError
from govwire.core.records import Article
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import Document, open_classifier
from processors.extraction.document import line
from processors.extraction.text import MAX_TEXT_LENGTH
from processors.extraction.titles import MAX_TITLE_LENGTH
from replay import BadInput, bad_inputs
from servers.process import wait_until
from servers.sites import Reply, Sites

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(280)]

HOST = "replay-news.example"
ARTICLE = ("extracted", None)
# How a page stands in the ledger at the end; all others are articles.
ENDS = {
    "deep-nesting-tables.html.gz": ("dropped", "no_article"),
    "empty-body-a.html": ("dropped", "empty"),
    "giant-single-line.html.gz": ("dropped", "too_large"),
    "gzip-bad-crc-a.html.gz": ("waiting", "fetch_failed"),
    "gzip-bomb-a.html.gz": ("dropped", "too_large"),
    "gzip-double-a.html.gz": ("dropped", "not_html"),
    "gzip-header-plain-body-a.html": ("waiting", "fetch_failed"),
    "gzip-truncated-a.html.gz": ("waiting", "fetch_failed"),
    "many-links.html.gz": ("dropped", "no_article"),
    "meta-refresh-a.html": ("dropped", "no_article"),
    "noindex-a.html": ("dropped", "opted_out"),
    "pdf-as-html.html": ("dropped", "not_html"),
    "redirect-loop.txt": ("dropped", "too_many_redirects"),
    "redirect-private.txt": ("dropped", "address_refused"),
    "short-body.html": ("waiting", "fetch_failed"),
    "soft-404.html": ("dropped", "no_article"),
    "too-many-requests.html": ("waiting", "throttled"),
    "unclosed-everything.html": ("dropped", "no_article"),
    "whitespace-body-a.html": ("dropped", "empty"),
}
# Feeds that give no entry, with the beginning of the reason.
REFUSED_FEEDS = {"feed-is-html.xml"}


@dataclass(frozen=True)
class Done:
    """What a crawl over all of them left behind."""

    crawl: Crawl
    sites: Sites
    bad: dict[str, BadInput]
    ended: Ended
    articles: dict[str, Article]  # by the input's name
    links: set[str]  # that were listed on purpose


@pytest.fixture(scope="module")
def done(corpus_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    bad = bad_inputs(corpus_dir)
    with ExitStack() as stack:
        sites = stack.enter_context(Sites())
        agent = {"GOVWIRE_USER_AGENT": "x/1.0 (+mailto:tests@govwire.example)"}
        crawl = stack.enter_context(closing(Crawl(tmp_path_factory.mktemp("bad"), sites.port, **agent)))
        links = [sites.set(_host(item), _path(item), _reply(item)) for item in bad.values() if _is_page(item)]
        crawl.name(*(_host(item) for item in bad.values()))
        links += [url for item in bad.values() if item.kind == "robots-txt" for url in _behind(sites, crawl, item)]
        index = sites.feed("index.example", "/still-alive")
        sites.set("index.example", "/still-alive", "<p>yes</p>")
        _list(sites, crawl, links)
        _read_feeds(sites, crawl, bad)
        crawl.source("alive", index)
        # A host that wants a day between two requests would hold a crawl that is to end by itself for a minute.
        process = crawl.start()
        wait_until(lambda: _left(crawl, sites) == 0, seconds=120, what="all but the host that wants a day have ended")
        process.stop()
        ended = process.end()
        articles = {each.requested_url.rsplit("/", 1)[1]: each for each in crawl.extracted()}
        yield Done(crawl, sites, bad, ended, articles, set(links))


def _is_page(item: BadInput) -> bool:
    return item.kind != "robots-txt" and item.path.suffix not in {".xml", ".json"}


def _path(item: BadInput) -> str:
    return f"/_bad/{item.name}"


def _reply(item: BadInput) -> Reply:
    return Reply(item.path.read_bytes(), item.status, item.headers, announced=item.announced)


def _host(item: BadInput) -> str:
    """A host of its own for each page: many name the same canonical address, and on one host would be one article."""
    return (
        HOST if item.kind == "near-duplicate" or not _is_page(item) else f"{item.path.name.partition('.')[0]}.example"
    )


def _robots_host(item: BadInput) -> str:
    return f"{item.path.stem}.example"


def _behind(sites: Sites, crawl: Crawl, item: BadInput) -> list[str]:
    """A host that has this robots file, and pages there."""
    host = _robots_host(item)
    crawl.name(host)
    sites.set(host, "/robots.txt", _reply(item))
    checks = item.expect.get("checks", [{"path": "/a"}])
    return [sites.set(host, check["path"], "<p>x</p>") for check in checks]


def _list(sites: Sites, crawl: Crawl, links: list[str]) -> None:
    items = "".join(f"<item><link>{link}</link></item>" for link in links)
    rss = f'<rss version="2.0"><channel><title>bad</title>{items}</channel></rss>'
    crawl.source("pages", sites.set(HOST, "/index.xml", Reply(rss.encode())))


def _read_feeds(sites: Sites, crawl: Crawl, bad: dict[str, BadInput]) -> None:
    for item in bad.values():
        if item.path.suffix in {".xml", ".json"}:
            url = sites.set(HOST, _path(item), _reply(item))
            if item.kind == "sitemap-recursion":
                crawl.source(_source_id(item), sitemaps=[url])
            else:
                crawl.source(_source_id(item), url)


def _source_id(item: BadInput) -> str:
    return f"feed-{item.path.stem}"


def _left(crawl: Crawl, sites: Sites) -> int:
    """How many URLs have not been fetched or refused yet, without the one whose host wants a day."""
    try:
        counts = crawl.counts()
    except StateError:  # the process has not made the tables yet
        return -1
    slow = sites.url("robots-crawl-delay-huge.example", "/a")
    expected = crawl.standing(slow) == ("waiting", "new")
    return counts.get(("waiting", "new"), 0) - expected if len(counts) > 3 else -1


@pytest.fixture(scope="module")
def names(done: Done) -> list[str]:
    return [name for name, item in done.bad.items() if _is_page(item)]


def test_the_crawl_is_alive_after_all_of_them(done: Done) -> None:
    assert done.ended.code == 0, done.ended.log
    for event in ("crawl_failed", "item_failed", "callback_failed", "feed_reader_failed"):
        assert done.ended.events(event) == []
    assert done.crawl.standing(done.sites.url("index.example", "/still-alive"))[0] != "unknown"
    assert len(done.bad) == 71


def test_every_page_ends_as_a_good_crawler_ends_it(done: Done, names: list[str]) -> None:
    urls = {name: done.sites.url(_host(done.bad[name]), _path(done.bad[name])) for name in names}
    stands = done.crawl.standings(list(urls.values()))
    told = {name: stands[urls[name]] for name in names if not name.startswith("near-dup")}
    assert told == {name: ENDS.get(name, ARTICLE) for name in told}
    stored = {name for name in names if done.bad[name].expect.get("stored") is False} & done.articles.keys()
    assert stored == set()


def test_what_an_article_is_to_say_it_says(done: Done, names: list[str]) -> None:
    wrong = {name: fault for name in names if (fault := _fault(done.bad[name].expect, done.articles.get(name)))}
    assert wrong == {}


def _fault(expect: dict[str, Any], article: Article | None) -> str | None:
    """What an article lacks of what it is to have; None where nothing is asked of one, or it has all."""
    if article is None:
        return None
    everything = "\n".join([article.title, article.text, article.summary or "", *article.authors])
    holds = {
        "contains": lambda value: line(value) in everything,
        "no_chars": lambda value: not set(value) & set(everything),
        "utf8_encodable": lambda _: everything.encode() != b"",
        "published_in": lambda _: article.published is None or not article.published.plausible,
        "max_title_chars": lambda value: 0 < len(article.title) <= min(value, MAX_TITLE_LENGTH),
        "title": lambda value: article.title == value,
        "lang": lambda value: article.language == value,
        "author_no_crlf": lambda _: not any({"\r", "\n"} & set(author) for author in article.authors),
        "keyword_match": lambda value: value in unicodedata.normalize("NFKC", everything).casefold(),
    }
    return next((key for key, value in expect.items() if key in holds and not holds[key](value)), None)


def test_the_copies_of_one_article_are_one_document(done: Done) -> None:
    copies = [name for name, item in done.bad.items() if item.expect.get("group") == "near-dup"]
    assert len(copies) == 3
    assert len({article.article_id for name, article in done.articles.items() if name in copies}) == 1
    ends = done.crawl.standings([done.sites.url(HOST, _path(done.bad[name])) for name in copies]).values()
    assert sorted(ends, key=str) == [("dropped", "unchanged"), ("dropped", "unchanged"), ARTICLE]


def test_what_only_looks_like_the_subject_is_not_relevant(done: Done, names: list[str]) -> None:
    traps = [done.articles[name] for name in names if done.bad[name].expect.get("relevant") is False]
    assert len(traps) == 3
    with closing(open_classifier(Settings(), load_vocabulary(shared("config")))) as classifier:
        labels = classifier.classify(
            [Document(each.article_id, each.title, each.text, each.language) for each in traps]
        )
    assert [label.relevant for label in labels] == [False] * 3  # type: ignore[union-attr]


def test_texts_without_end_are_cut_and_say_so(done: Done) -> None:
    long = done.articles["article-over-message-limit-a.html.gz"]
    assert 0.9 * MAX_TEXT_LENGTH < len(long.text) <= MAX_TEXT_LENGTH
    assert long.partial


def test_hostile_addresses_and_titles_stay_harmless_text(done: Done) -> None:
    assert done.articles["canonical-hostile-a.html"].url == done.sites.url(
        "canonical-hostile-a.example", "/_bad/canonical-hostile-a.html"
    )
    assert done.articles["script-in-title-a.html"].title.endswith("Council votes on AI register")


def test_nothing_is_fetched_because_a_page_links_to_it(done: Done) -> None:
    asked = {(each.host, each.path) for each in done.sites.asked if each.path != "/robots.txt"}
    listed = {(_host(item), _path(item)) for item in done.bad.values() if item.kind != "robots-txt"} | {
        (HOST, "/index.xml"),
        (HOST, "/relative/path"),
    }
    assert {each for each in asked if each[1].startswith("/_bad/") or each[0] == HOST} == listed


def test_every_feed_gives_the_entries_that_it_has(done: Done) -> None:
    read = {event["source_id"]: event for event in done.ended.events("feed_read")}
    found = {}
    for name, item in done.bad.items():
        if "entries" in item.expect:
            event = read.get(_source_id(item), {"listed": 0, "skipped": {}})
            # What has no usable address is read, and skipped with a reason; an item that is cut off is not whole.
            skipped = 0 if item.kind == "feed-truncated" else sum(event["skipped"].values())
            found[name] = event["listed"] + skipped
    assert found == {name: item.expect["entries"] for name, item in done.bad.items() if "entries" in item.expect}


def test_what_is_no_feed_is_an_error_of_its_source(done: Done) -> None:
    failed = {event["source_id"] for event in done.ended.events("feed_failed")}
    assert failed - {_source_id(done.bad["xml-billion-laughs.xml"])} == {
        _source_id(done.bad[name]) for name in REFUSED_FEEDS
    }


def test_links_that_are_no_address_of_the_web_lead_nowhere(done: Done) -> None:
    assert done.ended.connections == {f"127.0.0.1 {done.sites.port}"}
    allowed = done.bad["feed-hostile-links-a.xml"].expect["fetch_at_most"]
    assert len(allowed) == 3  # none of them lies on loopback, so nothing at all was fetched
    fetched = {page.url for page in done.crawl.pages()}
    assert fetched <= done.links | {done.sites.url("index.example", "/still-alive")}


def test_no_entity_reads_a_file_or_grows(done: Done) -> None:
    entries = [event for event in done.ended.events("feed_read") if event["source_id"].startswith("feed-xml-")]
    assert {event["source_id"] for event in entries} >= {"feed-xml-external-dtd", "feed-xml-stylesheet-pi"}
    with done.crawl.state() as state, state.begin() as transaction:
        rows = transaction.exec_driver_sql("SELECT entry FROM frontier WHERE source_id LIKE 'feed-xml-%'").scalars()
        assert max(len(str(row)) for row in rows) < 2000


def test_a_sitemap_that_lists_itself_is_read_once(done: Done) -> None:
    assert len(done.sites.asked_for(HOST, "/_bad/sitemap-index-self.xml")) == 1


def test_every_robots_file_lets_in_whom_it_should(done: Done) -> None:
    for name, item in done.bad.items():
        for check in item.expect.get("checks", []) if item.kind == "robots-txt" else []:
            asked = done.sites.asked_for(_robots_host(item), check["path"])
            assert bool(asked) == check["allowed"], (name, check["path"])


def test_a_host_that_wants_a_day_gets_the_longest_delay_there_is(done: Done) -> None:
    item = done.bad["robots-crawl-delay-huge.txt"]
    assert done.crawl.standing(done.sites.url(_robots_host(item), "/a")) == ("waiting", "new")
    with done.crawl.state() as state, state.begin() as transaction:
        query = f"SELECT delay_seconds FROM hosts WHERE host LIKE '{_robots_host(item)}%'"
        assert transaction.exec_driver_sql(query).scalars().all() == [60]
