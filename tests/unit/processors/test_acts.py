"""What institutions did to laws, as English sentences tell it; and what only sounds like it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.act_words import TRIGGERS
from processors.classifiers.actors import Actors
from processors.classifiers.acts import find_acts
from processors.classifiers.laws import Laws
from processors.classifiers.phrasebook import words_of
from processors.classifiers.sentences import sentences

VOCABULARY = load_vocabulary(shared("config"))
LAWS, ACTORS = Laws(VOCABULARY.laws), Actors(VOCABULARY.actors)


def acts(text: str) -> list[tuple[str, str | None, str | None]]:
    """Act, actor as written, law."""
    _, named = LAWS.find("", text, words_of(text), "en")
    return [(each.act, each.actor, each.law) for each in find_acts(text, sentences(text), named, ACTORS)]


TOLD = {
    "active": (
        "Governor Gavin Newsom vetoed SB 1047 on Sunday.",
        [("vetoed", "Governor Gavin Newsom", "california_sb_1047")],
    ),
    "after a time and a place": (
        "SACRAMENTO - On Sunday, California Governor Gavin Newsom signed SB 53 into law.",
        [("signed", "California Governor Gavin Newsom", "california_sb_53")],
    ),
    "after a description": (
        "California's governor, Gavin Newsom, on Monday signed SB 53.",
        [("signed", "Gavin Newsom", "california_sb_53")],
    ),
    "passive without an actor": ("The EU AI Act was adopted in March 2024.", [("adopted", None, "eu_ai_act")]),
    "passive with an actor": (
        "The AI Act was formally adopted by the European Parliament in March 2024.",
        [("adopted", "the European Parliament", "eu_ai_act")],
    ),
    "reduced passive": (
        "The GUARD Act, introduced by Senator Josh Hawley in October, would ban companions.",
        [("proposed", "Senator Josh Hawley", "us_guard_act")],
    ),
    "relative clause": (
        "The AI Act, which entered into force in August 2024, is phased in across the EU.",
        [("in_force", None, "eu_ai_act")],
    ),
    "relative clause with the law as object": (
        "The Bletchley Declaration, which China signed in 2023, names risks.",
        [("signed", "China", "bletchley_declaration")],
    ),
    "delayed by two years": (
        "Most duties under the EU AI Act were delayed by two years.",
        [("delayed", None, "eu_ai_act")],
    ),
    "a part of a law delayed": (
        "Colorado lawmakers postponed the Colorado AI Act's effective date by five months.",
        [("delayed", "Colorado lawmakers", "colorado_ai_act")],
    ),
    "agreed to delay": (
        "The Commission agreed to delay the AI Act's obligations by 16 months.",
        [("delayed", "The Commission", "eu_ai_act")],
    ),
    "signed by sixty, refused by two": (
        "The Paris AI declaration was signed by 60 countries while two refused.",
        [("signed", "60 countries", "paris_ai_statement"), ("refused", "two", "paris_ai_statement")],
    ),
    "declined to do so": (
        "60 states signed the Paris AI declaration, but the United States and Britain declined to do so.",
        [
            ("signed", "60 states", "paris_ai_statement"),
            ("refused", "the United States and Britain", "paris_ai_statement"),
        ],
    ),
    "a list of signatories": (
        "Sixty countries, including China, France and India, signed the Paris AI declaration.",
        [("signed", "Sixty countries", "paris_ai_statement")],
    ),
    "a list of signatories after by": (
        "The Bletchley Declaration was signed by China, the United States and 26 others, and work began.",
        [("signed", "China, the United States and 26 others", "bletchley_declaration")],
    ),
    "in force since": ("The EU AI Act has been in force since August.", [("in_force", None, "eu_ai_act")]),
    "two laws in one sentence": (
        "California enacted SB 53 and vetoed SB 7.",
        [("adopted", "California", "california_sb_53"), ("vetoed", "California", "california_sb_7")],
    ),
    "two laws, two verbs": (
        "The EU AI Act took effect in August, and the Colorado AI Act was postponed to June 2026.",
        [("in_force", None, "eu_ai_act"), ("delayed", None, "colorado_ai_act")],
    ),
    "refused to adopt": (
        "The United States refused to adopt the Paris AI declaration.",
        [("refused", "The United States", "paris_ai_statement")],
    ),
    "it": (
        "Lawmakers passed the RAISE Act, and Governor Kathy Hochul signed it in December.",
        [("adopted", "Lawmakers", "new_york_raise_act"), ("signed", "Governor Kathy Hochul", "new_york_raise_act")],
    ),
    "a bill that passes a chamber": (
        "The RAISE Act passed the Senate on Thursday.",
        [("adopted", "the Senate", "new_york_raise_act")],
    ),
    "voted to adopt": (
        "Parliament voted 523 to 46 to adopt the EU AI Act.",
        [("adopted", "Parliament", "eu_ai_act")],
    ),
    "gave approval": (
        "The European Parliament gave its final approval to the EU AI Act.",
        [("adopted", "The European Parliament", "eu_ai_act")],
    ),
    "published guidelines": ("The regulator published guidelines on Monday.", [("adopted", "The regulator", None)]),
    "published a draft": ("The regulator published draft guidelines.", [("proposed", "The regulator", None)]),
    "a lawsuit under a law": ("xAI sued California over SB 53.", [("litigated", "xAI", "california_sb_53")]),
    "a lawsuit filed": (
        "A lawsuit against Colorado's AI Act was filed by a trade group.",
        [("litigated", "a trade group", "colorado_ai_act")],
    ),
    "a judge": (
        "A federal judge struck down AB 2655, a California law on deepfakes.",
        [("litigated", "A federal judge", "california_ab_2655")],
    ),
    "a judge who fines": ("The court imposed a fine on Clearview.", [("litigated", "The court", None)]),
    "after another verb": (
        "Daniel Motaung lost his job and later sued both companies.",
        [("litigated", None, None)],
    ),
    "a house with a long name": (
        "The bill cleared the House of Councillors on Wednesday.",
        [("adopted", "the House of Councillors", None)],
    ),
    "a fine": (
        "Italy's data protection authority fined OpenAI €15 million for breaching the GDPR.",
        [("enforced", "Italy's data protection authority", "eu_gdpr")],
    ),
    "a fine in the passive": ("OpenAI was fined under the GDPR.", [("enforced", None, "eu_gdpr")]),
    "an investigation": (
        "Ofcom has opened a formal investigation under the Online Safety Act.",
        [("enforced", "Ofcom", "uk_online_safety_act")],
    ),
    "an order": (
        "Clearview was ordered to delete the photos by the Dutch regulator.",
        [("enforced", "the Dutch regulator", None)],
    ),
    "the law by a short name": (
        "The RAISE Act was long. The governor signed the bill on Friday.",
        [("signed", "The governor", "new_york_raise_act")],
    ),
}

NOT_TOLD = {
    "could": "The governor could sign SB 1047 next week.",
    "would": "Newsom would have signed SB 1047 if he had liked it.",
    "will": "The EU AI Act will be adopted in May.",
    "not yet": "Newsom has not yet signed SB 1047.",
    "yet to": "The RAISE Act has yet to be signed.",
    "did not": "The Senate didn't pass the RAISE Act.",
    "never": "The proposed rules were never adopted.",
    "would be adopted": "The EU AI Act would be adopted in spring.",
    "calls on": "The group calls on parliament to adopt the AI Act.",
    "urged": "The group urged Newsom to sign SB 1047.",
    "expected": "The EU AI Act is expected to be delayed.",
    "if": "If the Senate passed the RAISE Act, companies would leave.",
    "once": "Once adopted, the EU AI Act will bind all.",
    "until": "Nothing happens until Congress has passed the GUARD Act.",
    "until it is": "Nothing happens until the RAISE Act is in force.",
    "will get": "Those who cheat will get fined under the AI Act.",
    "being": "The EU AI Act is being adopted.",
    "nobody": "Nobody signed the RAISE Act.",
    "no law": "Yet no AI law has been adopted here.",
    "a question": "Has parliament adopted the AI Act?",
    "let": "Let us see who has passed a law and who has not.",
    "and after could": "The RAISE Act could be amended and signed.",
    "an adjective": "The proposed EU AI Act would ban some systems.",
    "as an adjective of somebody's": "Critics read California's proposed law.",
    "something else adopted": "Companies adopted AI tools quickly, hospitals too.",
    "the law as actor": "The Act adopted a risk-based approach.",
    "a proposal about a law": "The Commission proposed delaying the AI Act.",
    "a decision about a law": "The government delayed a decision on the AI bill.",
    "support": "Anthropic endorsed SB 53.",
    "time passed": "The time for voluntary measures has passed.",
    "a department of justice": "The Justice Department has found a new argument.",
    "any statement": "On Monday the record company issued a statement on the bill.",
    "any text": "The laboratory published a long text calling for a pause.",
    "a keyboard case": "The maker launched a redesigned case this year.",
    "taken for somebody": "A man whom a camera took for another has heard of the court.",
    "an imagined law": "A ban signed in California would merely decide who gets there first.",
    "a pause adopted is no delay": "New York passed the first pause on permits.",
    "an appeal to reason": "Campaigners appealed to Brussels to act.",
    "in force in future": "The EU AI Act was due to take effect in August.",
}


@pytest.mark.parametrize(("text", "wanted"), TOLD.values(), ids=TOLD)
def test_a_sentence_tells_an_act(text: str, wanted: list[tuple[str, str | None, str | None]]) -> None:
    assert acts(text) == wanted


@pytest.mark.parametrize("text", NOT_TOLD.values(), ids=NOT_TOLD)
def test_what_did_not_happen_is_no_act(text: str) -> None:
    assert acts(text) == []


def test_an_act_shows_its_sentence_knows_its_actor_and_says_that_rules_found_it() -> None:
    text = "Rain fell. Governor Gavin Newsom vetoed SB 1047 on Sunday. It was late."
    _, named = LAWS.find("", text, words_of(text), "en")
    (act,) = find_acts(text, sentences(text), named, ACTORS)
    assert act.evidence.text == "Governor Gavin Newsom vetoed SB 1047 on Sunday."
    assert text[act.evidence.start : act.evidence.end] == act.evidence.text
    assert (act.actor_id, act.by) == ("gavin_newsom", "rules")


def test_an_act_that_is_told_twice_is_one_with_the_first_sentence() -> None:
    text = "Newsom vetoed SB 1047. Rain fell. Gavin Newsom vetoed the bill on Sunday."
    _, named = LAWS.find("", text, words_of(text), "en")
    assert [each.evidence.start for each in find_acts(text, sentences(text), named, ACTORS)] == [0]


_WORDS = st.sampled_from(
    [
        *sorted(TRIGGERS),
        *("the", "a", "bill", "law", "AI Act", "SB 1047", "and", ",", ".", "“", "”", "by", "which", "on Monday", "not"),
        *("France", "Germany", "to", "of", "has", "was", "been", "in", "two", "years", "court", "it", "?", "–", "\n"),
    ]
)


@given(st.lists(st.one_of(_WORDS, st.text(max_size=6)), max_size=60).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_acts_whose_evidence_is_in_it(text: str) -> None:
    _, named = LAWS.find("", text, words_of(text), "en")
    for act in find_acts(text, sentences(text), named, ACTORS):
        assert text[act.evidence.start : act.evidence.end] == act.evidence.text
        assert act.actor is None or act.actor in act.evidence.text
        assert act.law is None or act.law in VOCABULARY.laws


def _seconds(text: str) -> float:
    _, named = LAWS.find("", text, words_of(text), "en")
    spans = sentences(text)
    started = time.perf_counter()
    find_acts(text, spans, named, ACTORS)
    return time.perf_counter() - started


@pytest.mark.parametrize(
    "piece",
    [
        "Newsom signed the AI Act and vetoed SB 1047, ",
        "France, Germany, ",
        "was force was in force ",
        "in force, the bill by the court and ",
        "took court to ",
        "The Senate passed the bill. ",
    ],
)
def test_time_is_linear_in_the_text_even_where_no_sentence_ends(piece: str) -> None:
    short, long = piece * (8_000 // len(piece)), piece * (64_000 // len(piece))
    _seconds(short)
    # Eight times the text; far below the 64 times of quadratic work, far above what a busy machine adds.
    assert min(_seconds(long) for _ in range(3)) < 24 * min(_seconds(short) for _ in range(3)) + 0.05
