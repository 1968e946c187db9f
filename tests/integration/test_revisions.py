"""A page that changes: its newest revision is what is found, and what it no longer is can be found no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govwire.core import urls
from govwire.core.records import Page
from house import House, story_page, story_url

RAIN = "<html><head><title>Rain ends the drought</title></head><body><article>{}</article></body></html>".format(
    "".join(
        f"<p>It rained in the valley on day {day}, and the farmers were glad of every drop.</p>" for day in range(9)
    )
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def _fetched_again(first: Page, body: bytes, minutes: int) -> Page:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    changes = {
        "fetch_id": urls.fetch_id(first.url_id, at),
        "fetched_at": at,
        "body_zstd": Page.pack(body),
        "body_bytes": len(body),
    }
    return first.model_copy(update=changes)


def test_the_newest_revision_is_found_and_an_irrelevant_one_takes_the_article_out(house: House) -> None:
    first = story_page(0)
    changed = _fetched_again(first, first.body().replace(b"debated a bill", b"passed a bill"), minutes=1)
    same = _fetched_again(first, changed.body(), minutes=2)
    rain = _fetched_again(first, RAIN.encode(), minutes=3)
    back = _fetched_again(first, first.body(), minutes=4)
    seen = []
    with house.running():
        for page in (first, changed, same, rain, back):
            house.publish([page])
            house.wait_for_drain()
            seen.append(([(hit["url"], hit["revision"]) for hit in house.found()], house.outcomes()))
    there = {("indexed", None): 1}
    assert seen == [
        ([(story_url(0), 1)], there),
        ([(story_url(0), 2)], there),
        ([(story_url(0), 2)], there),
        ([], {("dropped", "irrelevant"): 1}),
        ([(story_url(0), 4)], there),
    ]
