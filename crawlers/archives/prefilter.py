"""Which pages of archives are worth extracting: those that name AI at all, which is told sooner than it is done."""

from collections.abc import Mapping

from scrapy.http import HtmlResponse

from crawlers.archives import Kept
from govwire.core.records import SourceFacts
from govwire.core.source import Source
from govwire.core.terms import ANY_LANGUAGE, Relevance

# An article's text lies in these, and so does much that is none; more than the first pages of it nobody has to read.
_TEXTS = "title::text, meta[name=description]::attr(content), h1 ::text, h2 ::text, p ::text"
_FIRST_CHARACTERS = 20_000


class Prefilter:
    """Passes pages that name AI; of sources that are not general ones it asks only when it is told to `ask_all`."""

    def __init__(self, sources: Mapping[str, Source], relevance: Relevance, *, ask_all: bool) -> None:
        self._sources, self._relevance, self._ask_all = sources, relevance, ask_all

    def passes(self, kept: Kept, facts: SourceFacts) -> bool:
        """Whether a page is to be sent on."""
        source = self._sources.get(facts.id)
        if not self._ask_all and (source is None or not source.prefilter):
            return True
        text = _first_text(kept)
        return any(self._relevance.names_ai(text, language) for language in {facts.language, ANY_LANGUAGE})


def _first_text(kept: Kept) -> str:
    headers = {header.name: header.value for header in kept.headers if header.name == "content-type"}
    page = HtmlResponse(kept.url, body=kept.body, headers=headers)
    return "\n".join(page.css(_TEXTS).getall())[:_FIRST_CHARACTERS]
