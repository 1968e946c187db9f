"""Bands of texts: what copies have in common, and different articles have not."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.stories import IN_COMMON, bands

# Two reports of one event by different hands, and a syndicated copy of the first with cuts and another opening.
AGENCY = [
    "The council of Harbour City voted to list every high-risk artificial intelligence system in a register.",
    "Residents will be able to see which departments use such systems, for what purpose and on whose account.",
    "Housing and benefit decisions come first, since that is where complaints about automated refusals pile up.",
    "The mayor called the vote a first step and said that an outside audit would follow before the end of the year.",
    "Two councillors voted against, arguing that the register would cost more than it could ever show to the public.",
    "Suppliers have ninety days to hand in the documents that the city needs, or lose their contracts with it.",
]
RIVAL = [
    "Harbour City will keep a public list of the algorithms that decide about its citizens, its council decided.",
    "Anyone who was refused a flat or a benefit by a computer is to learn which one, the resolution promises.",
    "Critics in the chamber warned of the price: a register nobody reads helps nobody, one of them told us.",
    "An audit by outsiders is planned for later this year, the mayor told reporters after the session on Tuesday.",
    "Companies that sell software to the city must hand in papers within three months or will be shut out.",
]


def in_common(one: str, other: str) -> int:
    return len(set(bands(one)) & set(bands(other)))


def test_a_copy_with_cuts_and_another_headline_shares_enough_bands() -> None:
    copy = ["City opens its machines: what officials decide by software", *AGENCY[:2], *AGENCY[3:]]
    assert in_common("\n".join(AGENCY), "\n".join(copy)) >= IN_COMMON


def test_another_article_on_the_same_event_does_not() -> None:
    assert in_common("\n".join(AGENCY), "\n".join(RIVAL)) < IN_COMMON


def test_case_punctuation_and_width_of_characters_make_no_difference() -> None:
    text = "\n".join(AGENCY)
    assert bands(text) == bands(text.upper().replace(",", " —"))


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    text = "市议会周二表决通过一项计划，要求公开登记所有用于住房和补贴审批的人工智能系统，并写明负责人和审计日期。"
    assert bands(text)
    assert in_common(text, text.replace("周二", "星期二")) >= IN_COMMON


def test_a_text_too_short_to_be_compared_has_no_bands() -> None:
    assert bands("Subscribe to read the whole article, from one euro a month.") == ()
    assert bands("") == ()


def test_bands_stay_the_same_from_version_to_version() -> None:
    # They lie in databases for two weeks; a change of these makes a new story of every copy under way.
    assert bands("\n".join(AGENCY))[:3] == ("a55e707d26cfe4ab", "f76d6cad1588b378", "98546e7de3379cf0")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=60))
def test_bands_are_total_and_deterministic(words: list[str]) -> None:
    text = " ".join(words)
    assert bands(text) == bands(text)
    assert len(bands(text)) in {0, 32}


def test_strangers_share_hardly_a_band() -> None:
    order = random.Random(7)
    words = [f"word{number}" for number in range(16)]
    texts = [" ".join(order.choices(words, k=400)) for _ in range(20)]
    pairs = [(one, other) for at, one in enumerate(texts) for other in texts[:at]]
    assert sum(in_common(*pair) >= IN_COMMON for pair in pairs) == 0
