"""What `govwire search` tells people of an article that is not as others are."""

from datetime import UTC, datetime

import pytest

from govwire.cli.read import _show
from govwire.core.index.documents import article_body
from govwire.core.records import Dated
from samples import article, tagged


def shown(capsys: pytest.CaptureFixture[str], **changes: object) -> list[str]:
    _show(article_body(tagged(article=article(**changes))))
    return capsys.readouterr().out.splitlines()


def test_a_date_that_cannot_be_is_told_and_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Dated(at=datetime(2031, 1, 1, tzinfo=UTC), precision="day", provenance="meta", plausible=False)
    lines = shown(capsys, published=wrong)
    assert lines[1].startswith("2026-11-20")
    assert lines[3] == "  dated 2031-01-01, which cannot be: sorted by when it was first seen"


def test_an_article_that_is_gone_says_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, state="gone")[3] == "  gone from the site: seen to be so on 2026-11-20"


def test_an_article_as_others_are_says_neither(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys)[3].startswith("  topics:")
