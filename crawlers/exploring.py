"""Finding a site's ways in: what it declares, then what its links look like, then where such things usually lie."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scrapy.http import Response

from crawlers import discovery
from crawlers.answers import Answer, Question, problem_of
from crawlers.challenges import why_unread
from crawlers.discovery import Site
from crawlers.headers import header
from crawlers.readers import Entries, is_sitemap, read_feed
from crawlers.room import ASKED
from govwire.core.errors import FeedError


@dataclass(frozen=True)
class Found:
    """A feed or a news sitemap that answered."""

    url: str  # where a permanent redirect led, if there was one
    is_sitemap: bool
    entries: Entries


class Exploration:
    """What is found from one address on; `follow` is told each answer, and says what to ask next."""

    def __init__(self, url: str, robots_of: Callable[[str], str]) -> None:
        """`robots_of` gives the robots file of an address's host, once something was asked there."""
        self.url = self.home = url
        self.site = Site()
        self.problem: str | None = None  # why the address itself gave nothing
        self.failed: dict[str, str] = {}  # what was declared and did not answer
        self.other_sitemaps: list[str] = []  # of pages, not of news
        self._robots_of = robots_of
        self._found: dict[str, Found] = {}
        self._asked: list[str] = []
        self._waiting: set[str] = set()
        self._later: list[tuple[str, ...]] = []
        self._lock = threading.Lock()

    @property
    def found(self) -> list[Found]:
        """The ways in, in the order in which the site names them, without those that list no page of their own."""
        chosen: list[Found] = []
        seen: set[str] = set()
        for found in (self._found[url] for url in self._asked if url in self._found):
            pages = {listed.url for listed in found.entries.listed}
            if found.url not in {each.url for each in chosen} and pages - seen:
                chosen.append(found)
            seen |= pages
        return chosen

    def first(self) -> list[Question]:
        """The first question."""
        return self._ask([self.url])

    def follow(self, answer: Answer) -> list[Question]:
        """Take an answer, and say what to ask next."""
        with self._lock:
            url = answer.question.url
            more = self._take_first(answer) if url == self.url else self._take(answer)
            self._waiting.discard(url)
            questions = self._ask(more)
            while self._later and not self._waiting and not self._found:
                questions += self._ask(self._later.pop(0))
            return questions

    def _ask(self, urls: Iterable[str]) -> list[Question]:
        new = [url for url in dict.fromkeys(urls) if url not in self._asked]
        self._asked += new
        self._waiting.update(new)
        return [Question(url, ASKED.id) for url in new]

    def _take_first(self, answer: Answer) -> tuple[str, ...]:
        response = answer.response
        self.problem = problem_of(answer)
        if response is None or self.problem is not None:
            return ()
        kind = header(response, "Content-Type") or ""
        try:
            entries = read_feed(response.body, response.url, kind)
        except FeedError:
            return self._take_page(response, kind, answer.moved_to)
        more = self._keep(answer, entries)
        self.home, self.problem = self.site.home or self.url, self.failed.get(self.url)
        return more

    def _take_page(self, response: Response, kind: str, moved_to: str | None) -> tuple[str, ...]:
        self.home = moved_to or self.url
        self.site = discovery.of_page(response.body, response.url, kind)
        sitemaps = discovery.sitemaps_of(self._robots_of(response.url), response.url)
        news = discovery.news_first(sitemaps)
        self._later = [
            self.site.likely_feeds,
            discovery.usual_feeds(response.url),
            tuple(url for url in sitemaps if url not in news),
            discovery.usual_sitemaps(response.url),
        ]
        return (*self.site.feeds, *news)

    def _take(self, answer: Answer) -> tuple[str, ...]:
        url, response = answer.question.url, answer.response
        problem = problem_of(answer)
        if response is None or problem is not None:
            self.failed[url] = problem or ""
            return ()
        try:
            entries = read_feed(response.body, response.url, header(response, "Content-Type") or "")
        except FeedError as error:
            self.failed[url] = why_unread(response, str(error))
            return ()
        return self._keep(answer, entries)

    def _keep(self, answer: Answer, entries: Entries) -> tuple[str, ...]:
        """Count an answer as found; an index leads on to its sitemaps of news."""
        assert answer.response is not None
        if entries.sitemaps:
            return discovery.news_first(sitemap.url for sitemap in entries.sitemaps)
        url, body = answer.question.url, answer.response.body
        if not entries.listed:
            self.failed[url] = "lists nothing"
            return ()
        sitemap = is_sitemap(body, url)
        if sitemap and not any(listed.entry.title for listed in entries.listed):
            self.other_sitemaps.append(url)  # one of news names each page's title
            return ()
        self._found[url] = Found(answer.moved_to or url, sitemap, entries)
        if not sitemap:
            said, site = discovery.of_feed(body), self.site
            self.site = replace(
                site, name=site.name or said.name, language=said.language or site.language, home=site.home or said.home
            )
        return ()
