"""Recorded sources: whatever was once read rightly is read so today, without asking anybody."""

from pathlib import Path

import pytest

from govwire.run.cases import cases_in, replay

CASES = cases_in(Path(__file__).parents[1] / "cases" / "sources")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_source_is_read_as_it_should_be(case: Path) -> None:
    read = replay(case)
    assert read
    for each in read:
        assert each.now == each.then, each.url
