"""What pages ask of machines, in the spellings that the web has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.optouts import asked_by

AGENT = "ourbot/1.0 (+https://our.example/contact)"


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("robots", "noindex, nofollow", ("noindex",)),
        ("ROBOTS", "NONE", ("noindex",)),
        ("robots", "noindex", ("unlisted",)),
        ("robots", "noindex, follow", ("unlisted",)),
        ("robots", "index, follow, max-image-preview:large, noai, noimageai", ("noai", "noimageai")),
        ("robots", "noai;noimageai", ("noai", "noimageai")),
        ("X-Robots-Tag", "noindex", ("noindex",)),
        ("X-Robots-Tag", "unavailable_after: 25 Jun 2027 15:00:00 PST, noai", ("noai",)),
        ("X-Robots-Tag", "ourbot: noindex, noai", ("noai", "noindex")),
        ("X-Robots-Tag", "otherbot: noindex, noai", ()),
        ("X-Robots-Tag", "otherbot: noindex, ourbot: noai", ("noai",)),
        ("ourbot", "noindex", ("unlisted",)),
        ("googlebot", "noindex", ()),
        ("tdm-reservation", " 1 ", ("tdm",)),
        ("TDM-Reservation", "0", ()),
        ("description", "noindex", ()),
        ("robots", "all", ()),
    ],
)
def test_an_opt_out_is_read_as_it_is_written_and_only_where_it_means_us(
    name: str, value: str, asked: tuple[str, ...]
) -> None:
    assert asked_by([(name, value)], AGENT) == asked


def test_several_headers_add_up_and_without_a_name_of_ours_only_what_is_for_all_counts() -> None:
    said = [("x-robots-tag", "noai"), ("x-robots-tag", "ourbot: noindex"), ("tdm-reservation", "1")]
    assert asked_by(said, AGENT) == ("noai", "noindex", "tdm")
    assert asked_by(said) == ("noai", "tdm")


@given(st.lists(st.tuples(st.sampled_from(["robots", "x-robots-tag", "tdm-reservation", ""]), st.text())), st.text())
def test_reading_is_total(said: list[tuple[str, str]], agent: str) -> None:
    assert set(asked_by(said, agent)) <= {"noindex", "unlisted", "noai", "noimageai", "tdm"}
