"""The pages of a sample site as HTML: the ways in which real sites say, or do not say, what an article is.

Sources: schema.org NewsArticle in JSON-LD, Open Graph with its `article:` names, the time element of WHATWG HTML.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from govwire.demo.site import FEED_PATHS, Printed, Site

FEED_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
# How many other articles a page points to.
MORE = 3


def home_page(site: Site, printed: Sequence[Printed]) -> str:
    """The front page: every article, newest first."""
    return _page(site, site.name, site.language, _feed_link(site), f"<h1>{escape(site.tagline)}</h1>{_list(printed)}")


def article_page(site: Site, article: Printed, canonical: str, others: Sequence[Printed]) -> str:
    """An article with what the site says of it, its date above all, in the site's way."""
    sample = article.sample
    way = sample.dated_by or site.dated_by
    head = [f'<link rel="canonical" href="{escape(canonical)}">', _feed_link(site)]
    byline = f'<span class="author">{escape(sample.author or site.name)}</span>'
    if way == "json_ld":
        head.append(_json_ld(site, article))
    elif way == "meta":
        head.append(_metas(site, article))
    elif way == "time":
        byline += f' · <time datetime="{article.published_at.isoformat()}">{article.published_at:%Y-%m-%d}</time>'
    paragraphs = "\n".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in article.paragraphs)
    main = (
        f'<article>\n<h1>{escape(sample.title)}</h1>\n<p class="byline">{byline}</p>\n{paragraphs}\n</article>\n'
        f"<aside>{_list(others[:MORE])}</aside>"
    )
    return _page(site, f"{sample.title} | {site.name}", sample.language or site.language, "\n".join(head), main)


def _page(site: Site, title: str, language: str, head: str, main: str) -> str:
    return _layout().substitute(
        title=escape(title),
        language=language,
        head=head,
        site=escape(site.name),
        tagline=escape(site.tagline),
        main=main,
    )


@cache
def _layout() -> Template:
    return Template((files("govwire.demo") / "page.html").read_text(encoding="utf-8"))


def _list(printed: Iterable[Printed]) -> str:
    items = (f'<li><a href="{escape(each.url)}">{escape(each.sample.title)}</a></li>' for each in printed)
    return f"<ul>{''.join(items)}</ul>"


def _feed_link(site: Site) -> str:
    return f'<link rel="alternate" type="{FEED_TYPES[site.feed]}" href="{FEED_PATHS[site.feed]}">'


def _json_ld(site: Site, article: Printed) -> str:
    sample = article.sample
    said = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": sample.title,
        "description": sample.summary or None,
        "datePublished": article.published_at.isoformat(),
        "dateModified": article.updated_at.isoformat() if article.updated_at else None,
        "inLanguage": sample.language or site.language,
        "author": [{"@type": "Person", "name": sample.author}] if sample.author else None,
        "publisher": {"@type": "NewsMediaOrganization", "name": site.name},
    }
    # No text can end the script early: JSON may escape "<", HTML may not.
    text = json.dumps({name: value for name, value in said.items() if value}).replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>'


def _metas(site: Site, article: Printed) -> str:
    sample = article.sample
    said = {
        "og:type": "article",
        "og:site_name": site.name,
        "og:title": sample.title,
        "og:description": sample.summary,
        "author": sample.author,
        "article:published_time": article.published_at.isoformat(),
        "article:modified_time": article.updated_at.isoformat() if article.updated_at else None,
    }
    return "\n".join(
        f'<meta {"property" if ":" in name else "name"}="{name}" content="{escape(value)}">'
        for name, value in said.items()
        if value
    )
