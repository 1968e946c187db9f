"""Tokens and sentences."""

import itertools
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.text import phrase, sentences, stemmed_languages, tokens

LANGUAGES = st.sampled_from(["en", "de", "fr", "zh", "ja", "und", "ar"])


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Regulations, REGULATED", "en", ["regul", "regul"]),
        ("KI-Verordnung", "de", ["ki", "verordn"]),
        ("régulation", "fr", ["régul"]),
        ("l’IA", "fr", ["l", "ia"]),
        ("China's and China’s", "en", ["china", "and", "china"]),
        ("the U.S. and A.I.", "en", ["the", "us", "and", "ai"]),
        ("人工智能", "zh", ["人工", "工智", "智能", "能"]),
        ("治", "zh", ["治"]),
        ("AI法案", "zh", ["ai", "法案", "案"]),
        ("ＡＩ ｶﾅ", "ja", ["ai", "カナ", "ナ"]),
        ("Straße STRASSE", "und", ["strasse", "strasse"]),
        ("नियमन", "und", ["नियमन"]),
        ("2024/1689_x", "und", ["2024", "1689", "x"]),
        ("", "en", []),
        ("…—!", "en", []),
        # A radical alone is a symbol of the Han script, and no letter.
        ("⺀㋐", "zh", ["ア"]),
    ],
)
def test_tokens_of_a_text(text: str, language: str, expected: list[str]) -> None:
    assert tokens(text, language) == expected


@given(st.text(), LANGUAGES)
def test_tokens_hold_neither_space_nor_ascii_punctuation(text: str, language: str) -> None:
    for token in tokens(text, language):
        assert 0 < len(token) <= 64
        assert regex.fullmatch(r"[\p{L}\p{M}\p{N}]+", token)
        assert not any(char.isspace() for char in token)


@given(st.text(), LANGUAGES)
def test_tokens_do_not_change_with_the_normal_form_of_the_text(text: str, language: str) -> None:
    assert tokens(unicodedata.normalize("NFC", text), language) == tokens(unicodedata.normalize("NFD", text), language)


@given(st.text("治理人工智能 abA', "), st.text("治理人工智能 abA', "), LANGUAGES)
def test_a_phrase_is_found_in_a_text_that_goes_on_after_it(wanted: str, rest: str, language: str) -> None:
    row, is_open = phrase(wanted, language)
    text = tokens(f"{wanted} {rest}", language)
    if row:
        window = text[: len(row)]
        assert window[:-1] == row[:-1]
        assert window[-1].startswith(row[-1]) if is_open else window[-1] == row[-1]


@pytest.mark.parametrize("character", "治理法人")
def test_a_single_character_is_found_wherever_it_stands_in_a_run(character: str) -> None:
    row, is_open = phrase(character, "zh")
    assert is_open
    for text in (f"{character}国家", f"国{character}家", f"国家{character}", character, f"AI{character}"):
        assert any(token.startswith(row[0]) for token in tokens(text, "zh"))


def test_a_language_that_snowball_does_not_know_is_not_stemmed() -> None:
    assert "en" in stemmed_languages()
    assert "zh" not in stemmed_languages()
    assert tokens("regulations", "zh") == ["regulations"]


def test_tokens_are_the_same_from_many_threads() -> None:
    texts = [f"regulations of models {number} governing companies" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: tokens(text, "en"), texts)) == [tokens(text, "en") for text in texts]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            'Sen. Mark R. Warner (D-Va.) said the U.S. should act. "It is time," he said. Dr. Kim disagreed!',
            "en",
            [
                "Sen. Mark R. Warner (D-Va.) said the U.S. should act.",
                '"It is time," he said.',
                "Dr. Kim disagreed!",
            ],
        ),
        (
            "习近平说：“我们需要治理。”他强调安全。真的吗？是的",
            "zh",
            ["习近平说：“我们需要治理。”", "他强调安全。", "真的吗？", "是的"],
        ),
        (
            "Die KI-Verordnung gilt ab dem 2. August 2026. So Dr. Weiß.",
            "de",
            ["Die KI-Verordnung gilt ab dem 2. August 2026.", "So Dr. Weiß."],
        ),
        (
            "A headline without a stop\nThe first\nline is wrapped. Next.\n\n",
            "en",
            ["A headline without a stop", "The first\nline is wrapped.", "Next."],
        ),
        ("😀 Hello there. 𝔘nicode is next.", "en", ["😀 Hello there.", "𝔘nicode is next."]),
        (" \n\t ", "en", []),
    ],
)
def test_sentences_of_a_text(text: str, language: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text, language)] == expected


@given(st.text("Ab. !?\n“”\"'。治 \u00a0😀e"), LANGUAGES)
def test_sentences_cover_every_visible_character_once_and_in_order(text: str, language: str) -> None:
    spans = sentences(text, language)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(text[start:end].strip() == text[start:end] for start, end in spans)
