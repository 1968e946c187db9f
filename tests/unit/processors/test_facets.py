"""Laws, acts and instruments as one hook of both engines: on relevant texts, in English all three, else laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govwire.core.records import Labels
from govwire.core.share import shared
from govwire.core.vocabulary import Instrument, load_vocabulary
from processors.classifiers import NO_EPOCH, Document
from processors.classifiers.actors import Actors
from processors.classifiers.facets import Facets
from processors.classifiers.instruments import Instruments
from processors.classifiers.phrasebook import words_of
from processors.classifiers.sentences import sentences

VOCABULARY = load_vocabulary(shared("config"))
FACETS = Facets(VOCABULARY, Actors(VOCABULARY.actors))
INSTRUMENTS = Instruments(VOCABULARY.instruments)
TEXT = (
    "Governor Gavin Newsom vetoed SB 1047 on Sunday. The bill would have made developers of frontier AI publish safety "
    "reports and let auditors in. A ban on state laws failed in the Senate."
)


def labels(*, relevant: bool = True) -> Labels:
    return Labels(relevant=relevant, relevance_score=1, relevance_by="keyword", model="test", epoch=NO_EPOCH)


def instruments(text: str) -> list[str]:
    return [each.id for each in INSTRUMENTS.find(text, words_of(text), sentences(text))]


def test_an_english_text_gets_laws_acts_and_instruments_with_exact_evidence() -> None:
    found = FACETS.label(Document("a", "Newsom vetoes AI bill", TEXT), labels())
    assert [law.id for law in found.laws] == ["california_sb_1047"]
    assert [(act.act, act.actor_id, act.law) for act in found.acts] == [
        ("vetoed", "gavin_newsom", "california_sb_1047"),
    ]
    assert [each.id for each in found.instruments] == ["evaluation", "disclosure", "ban"]
    evidence = [*found.laws, *found.acts, *found.instruments]
    for each in evidence:
        assert each.evidence is not None
        assert TEXT[each.evidence.start : each.evidence.end] == each.evidence.text
    assert found.instruments[-1].evidence.text == "A ban on state laws failed in the Senate."


def test_another_language_gets_laws_only() -> None:
    text = "Das Parlament hat die KI-Verordnung verabschiedet. The Senate passed the RAISE Act. A ban followed."
    found = FACETS.label(Document("a", "", text, "de"), labels())
    assert [law.id for law in found.laws] == ["eu_ai_act", "new_york_raise_act"]
    assert (found.acts, found.instruments) == ((), ())


def test_an_irrelevant_text_gets_none() -> None:
    before = labels(relevant=False)
    assert FACETS.label(Document("a", "", TEXT), before) == before


def test_a_law_that_only_the_title_names_has_no_evidence() -> None:
    found = FACETS.label(Document("a", "What the RAISE Act means", "Developers must report."), labels())
    assert [(law.id, law.evidence) for law in found.laws] == [("new_york_raise_act", None)]


def test_a_law_is_listed_once_where_it_is_first_named() -> None:
    text = "The EU AI Act is old. The Act has 113 articles, the AI Act's critics say."
    found = FACETS.label(Document("a", "EU AI Act", text), labels())
    assert [law.evidence.start for law in found.laws if law.evidence] == [4]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Labs would need a licence from the state.", ["licensing"]),
        ("Red-teaming before release is voluntary.", ["evaluation"]),
        ("Synthetic content must be labelled.", ["disclosure"]),
        ("Providers must register with the ministry.", ["registration"]),
        ("The council called for a moratorium.", ["ban"]),
        ("Each state opens a regulatory sandbox.", ["sandbox"]),
        ("Start-ups get tax credits and subsidies.", ["funding"]),
        ("The AI Office will oversee it.", ["institution"]),
        ("Harmonised standards are late.", ["standard"]),
        ("Its subsidiary played in a band, licensed to nobody.", []),
        ("An ai office worker.", ["institution"]),
    ],
)
def test_an_instrument_is_known_by_its_terms(text: str, wanted: list[str]) -> None:
    assert instruments(text) == wanted


@pytest.mark.parametrize("instrument", VOCABULARY.instruments.values(), ids=lambda each: each.id)
def test_every_term_names_its_instrument_only(instrument: Instrument) -> None:
    for term in instrument.terms:
        assert instruments(f"It is {term.removesuffix('*')} at last.") == [instrument.id], term


@given(st.lists(st.sampled_from([*TEXT.split(), ".", "\n", "ban", "safety tests", "…"]), max_size=40).map(" ".join))
@settings(max_examples=100, deadline=None)
def test_an_instrument_is_shown_by_a_whole_sentence(text: str) -> None:
    spans = {(span.start, span.end) for span in sentences(text)}
    for each in INSTRUMENTS.find(text, words_of(text), sentences(text)):
        assert (each.evidence.start, each.evidence.end) in spans
        assert text[each.evidence.start : each.evidence.end] == each.evidence.text
