"""What changed between two wordings: read by people, so every case shows what they see."""

from hypothesis import given
from hypothesis import strategies as st

from govwire.core.diff import Change, compare
from govwire.core.text import pieces

BEFORE = (
    "Senate passes AI bill\nThe bill passed on Monday. Ministers were pleased with it.\n"
    "A vote of the other chamber follows next week. The weather was fine."
)


def shown(before: str, after: str, language: str = "en") -> list[str]:
    return [str(change) for change in compare(before, after, language)]


def test_a_text_that_stayed_has_no_changes_wherever_its_lines_are_wrapped() -> None:
    assert shown(BEFORE, BEFORE.replace("were pleased", "were\npleased")) == []


def test_words_are_shown_within_their_sentence_and_whole_sentences_by_themselves() -> None:
    after = (
        "Senate passes AI bill\nA correction was added. The bill passed on Tuesday evening. "
        "Ministers were pleased with it.\nA vote of the other chamber follows next week."
    )
    assert shown(BEFORE, after) == [
        "+ A correction was added.",
        "~ The bill passed on [-Monday-]{+Tuesday evening+}.",
        "- The weather was fine.",
    ]


def test_a_sentence_that_says_something_else_is_not_taken_for_a_reworded_one() -> None:
    assert shown("Nobody was hurt in the fire.", "Prices rose by four percent.") == [
        "- Nobody was hurt in the fire.",
        "+ Prices rose by four percent.",
    ]


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    assert shown("部长们周一通过了人工智能法案。", "部长们周二通过了人工智能法案。", "zh") == [
        "~ 部长们周[-一-]{+二+}通过了人工智能法案。"
    ]


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


_TEXTS = st.lists(
    st.sampled_from(["One came. ", "Two went away. ", "Two went home.\n", "四个。", "a b c d. ", "", "… "])
).map("".join)


@given(_TEXTS | st.text(), _TEXTS | st.text())
def test_the_changes_hold_all_of_the_old_sentence_and_all_of_the_new(before: str, after: str) -> None:
    for change in compare(before, after, "en"):
        assert _side(change, "inserted") == (change.before or "")
        assert _side(change, "deleted") == (change.after or "")


def _side(change: Change, without: str) -> str:
    return "".join(part.text for part in change.parts if part.kind != without)
