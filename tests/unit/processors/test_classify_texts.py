"""What the classifiers make of a text before any model: sentences, quotations, terms."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.errors import ConfigError
from govwire.core.share import shared
from govwire.core.terms import Relevance, Terms, load_terms
from processors.classifiers.quotations import quotations
from processors.classifiers.sentences import sentences


@given(st.text(alphabet=st.sampled_from(list("aB.!?\n \"”“。' 7é")), max_size=200))
def test_sentences_are_in_order_apart_and_lose_only_white_space(text: str) -> None:
    spans = sentences(text)
    assert all(span.start < span.end and span.of(text) == span.of(text).strip() for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())


def test_sentences_do_not_end_at_abbreviations_and_initials() -> None:
    text = "Sen. J. Doe of the U.S. Senate met Mr. Roe. “It is time.” They left at 3 p.m. on Friday"
    assert [span.of(text) for span in sentences(text)] == [
        "Sen. J. Doe of the U.S. Senate met Mr. Roe.",
        "“It is time.”",
        "They left at 3 p.m. on Friday",
    ]


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        ("“We need binding rules for this,” said Ana Ruiz, who chairs the talks.", "Ana Ruiz"),
        ('"This plan betrays us all", said Greens senator David Shoebridge on Monday.', "David Shoebridge"),
        ("“We cannot wait for a treaty,” Amina Mohammed told delegates.", "Amina Mohammed"),
        ("António Guterres, the secretary-general, warned: “The window is closing fast.”", "António Guterres"),
        ("The European Commission said the code was “a step in the right direction”.", "European Commission"),
        ("According to Access Now, the bill is “an invitation to abuse”.", "Access Now"),
        ("“No country can do this alone,” according to Zeng Yi.", "Zeng Yi"),
    ],
)
def test_a_quotation_is_given_to_the_name_beside_its_speech_verb(text: str, holder: str) -> None:
    (quotation,) = quotations(text)
    assert quotation.holder.of(text) == holder
    assert quotation.span.of(text)[0] in '“"'
    assert quotation.span.of(text)[-1] in '”"'


@pytest.mark.parametrize(
    "text",
    [
        "“We need binding rules for this,” he said.",
        "“We need binding rules for this,” the minister said on Friday.",
        "They called it “too late”, said Ana Ruiz.",
        "The book “A Brief History of Rules” sold well in Geneva.",
    ],
    ids=["a pronoun", "a description", "a term of two words", "a title"],
)
def test_a_quotation_without_a_name_or_a_position_gives_nothing(text: str) -> None:
    assert quotations(text) == []


@given(st.text(max_size=300))
def test_quotations_are_spans_of_any_text(text: str) -> None:
    for quotation in quotations(text):
        assert quotation.holder.of(text).strip()
        assert len(quotation.span.of(text).split()) >= 3


def test_terms_are_whole_words_with_endings_where_starred_and_capitals_as_written() -> None:
    terms = Terms(["regulat*", "law", "AI", "open* model*"])
    assert terms.count("Regulators regulate; the law is not the lawn; AI, not ai") == 4
    assert terms.occur("opening modelling")
    assert not terms.occur("deregulation, outlaw, said, OPEN")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("国务院发布人工智能治理条例", "zh"),
        ("AI法案が国会で可決", "ja"),
        ("정부, 인공지능 기본법 시행", "ko"),
        ("Die KI-Verordnung gilt ab heute", "de"),
        ("L’IA et la loi: ce que dit la CNIL", "fr"),
        ("La ley de inteligencia artificial llega al Congreso", "es"),
        ("Il Garante vieta il riconoscimento facciale", "it"),
        ("De Kamer stemt over de AI-wet", "nl"),
        ("Sejm przyjął ustawę o sztucznej inteligencji", "pl"),
        ("Senado aprova marco legal da inteligência artificial", "pt"),
        ("Госдума обсудит закон об искусственном интеллекте", "ru"),
        ("Riksdagen och EU:s AI Act", "sv"),
        ("The UN summit on artificial intelligence", "und"),
    ],
)
def test_relevance_by_terms_reads_every_language_with_a_list_and_falls_back(text: str, language: str) -> None:
    relevance = Relevance(load_terms(shared("config")))
    assert relevance.decides(text, language)
    assert not relevance.decides("12:3, 5-1, 0-0", language)


def test_a_term_list_with_mistakes_names_every_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "en.toml").write_text('ai = ["AI"]\nrules = []\n')
    (tmp_path / "terms" / "de.toml").write_text("ai = [")
    with pytest.raises(ConfigError) as caught:
        load_terms(tmp_path)
    assert [part in str(caught.value) for part in ("en.toml: governance", "en.toml: rules", "de.toml")] == [True] * 3


def test_missing_term_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"en\.toml.*und\.toml"):
        load_terms(tmp_path)
