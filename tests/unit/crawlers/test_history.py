"""Which sitemaps may hold pages of some days, and which pages are of them."""

from datetime import UTC, datetime

import pytest

from crawlers.history import Days, sitemaps_of
from crawlers.readers import Sitemap, read_feed
from govwire.core.records import Entry

DAYS = Days(datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))
LONG_AGO, WITHIN, LATER = (datetime(2026, month, 20, tzinfo=UTC) for month in (1, 3, 9))


@pytest.mark.parametrize(
    ("name", "changed_at", "may"),
    [
        ("sitemap.xml", None, True),
        ("sitemap.xml", LATER, True),
        ("sitemap.xml", WITHIN, True),
        ("sitemap.xml", LONG_AGO, False),
        ("sitemap-2026-03.xml", None, True),
        ("sitemap-2026-03.xml", LATER, True),
        ("2026/04/sitemap.xml.gz", None, True),
        ("sitemap-202602.xml", None, False),
        ("sitemap-202605.xml", None, False),
        ("sitemap-202601.xml", LATER, False),
        ("sitemap.xml?yyyy=2026&mm=05&dd=01", LATER, False),
        ("sitemap.xml?yyyy=2026&mm=03&dd=30", LATER, True),
        ("2025-03-31.xml", None, False),
        ("sitemap-20260131.xml", None, False),
        ("sitemap-2026123.xml", None, True),  # a number, and no month
        ("sitemap-2213.xml", None, True),
    ],
)
def test_a_sitemap_is_read_where_it_may_hold_pages_of_the_days(
    name: str, changed_at: datetime | None, may: bool
) -> None:
    assert DAYS.may_be_in(Sitemap(f"https://wire.example/{name}", changed_at)) is may


@pytest.mark.parametrize(
    ("published", "updated", "held"),
    [
        (WITHIN, None, True),
        (None, WITHIN, True),
        (LONG_AGO, WITHIN, False),
        (DAYS.until, None, False),
        (None, None, False),
    ],
)
def test_a_page_is_of_the_days_when_it_came_out_in_them(
    published: datetime | None, updated: datetime | None, held: bool
) -> None:
    assert DAYS.hold(Entry(feed_url="https://wire.example/", published_at=published, updated_at=updated)) is held


def test_a_robots_file_names_sitemaps_or_the_usual_one_is_tried() -> None:
    home = "https://wire.example/news/"
    robots = "User-agent: *\nDisallow: /x\nSitemap: https://wire.example/a.xml\nsitemap: /b.xml\nSitemap: /b.xml\n"
    assert sitemaps_of(robots, home) == ["https://wire.example/a.xml", "https://wire.example/b.xml"]
    assert sitemaps_of("User-agent: *\nDisallow:\n", home) == ["https://wire.example/sitemap.xml"]


def test_of_the_past_a_sitemap_gives_all_pages_and_tells_what_is_earlier_or_later() -> None:
    pages = [
        f"<url><loc>/{number}</loc><lastmod>2026-03-{15 + number % 9}T10:{number % 60:02}:00Z</lastmod></url>"
        for number in range(3000)
    ]
    others = [
        "<url><loc>/early</loc><lastmod>2026-03-09</lastmod></url>",
        "<url><loc>/late</loc><lastmod>2026-04-02</lastmod></url>",
    ]
    body = f"<urlset>{''.join(pages + others)}</urlset>".encode()
    found = read_feed(body, "https://wire.example/sitemap.xml", since=DAYS.since, until=DAYS.until)
    assert len(found.listed) == 3000
    assert found.skipped == {"old": 1, "later": 1}
