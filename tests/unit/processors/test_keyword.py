"""The `keyword` engine: what counting makes of a text."""

import pytest

from govwire.core.share import shared
from govwire.core.terms import load_terms
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import OVERALL, Document
from processors.classifiers.judgement import STANCES, Discussed, Statement
from processors.classifiers.keyword import KeywordEngine, open_keyword


@pytest.fixture(scope="module")
def engine() -> KeywordEngine:
    return open_keyword(load_vocabulary(shared("config")), load_terms(shared("config")))


def read(text: str, statement: Statement) -> tuple[str, str, str, str]:
    """Who, on what, where, by which words."""
    (side,) = (stance for stance in STANCES if statement.chances[stance])
    assert statement.mention is not None
    return statement.mention.of(text), statement.target, side, statement.evidence[side].of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "“This law would stifle every start-up,” Tom Becker of the Chamber said.",
            [
                (
                    "Tom Becker of the Chamber",
                    "binding_regulation",
                    "against",
                    "“This law would stifle every start-up,”",
                )
            ],
        ),
        (
            "“We must accept tougher safeguards,” said Ana Ruiz.",
            [("Ana Ruiz", OVERALL, "favor", "“We must accept tougher safeguards,”")],
        ),
        (
            "Ana Ruiz said that the bill must be made mandatory.",
            [("Ana Ruiz", "binding_regulation", "favor", "Ana Ruiz said that the bill must be made mandatory.")],
        ),
        (
            "According to Access Now, the directive has loopholes.",
            [("Access Now", "binding_regulation", "favor", "According to Access Now, the directive has loopholes.")],
        ),
        ("Parliament adopted a binding law.", []),
        ("Ana Ruiz said that the bill was long.", []),
    ],
    ids=["direct", "direct, overall", "indirect", "according to", "nobody is given the word", "no side is taken"],
)
def test_a_claim_is_made_of_a_holder_a_target_and_a_cue(
    engine: KeywordEngine, text: str, expected: list[tuple[str, str, str, str]]
) -> None:
    assert [read(text, one) for one in engine.count(Document("a", "", text)).statements] == expected


def test_a_stance_is_as_sure_as_one_side_has_more_cues_and_shown_by_its_sentence(engine: KeywordEngine) -> None:
    text = "The AI law is too weak. Critics demand safeguards and protection. It would stifle nobody."
    (overall, law) = (
        one for one in engine.judge(Document("a", "", text)).targets if one.chance or one.target == OVERALL
    )
    assert isinstance(overall, Discussed)
    assert (overall.target, law.target) == (OVERALL, "binding_regulation")
    assert overall.stance == {"against": 0.0, "favor": 0.875, "neutral": 0.125}
    assert {stance: span.of(text) for stance, span in overall.evidence.items()} == {
        "favor": "Critics demand safeguards and protection.",
        "against": "It would stifle nobody.",
    }


def test_an_irrelevant_text_is_not_counted(engine: KeywordEngine) -> None:
    judgement = engine.judge(Document("a", "Rain", "It rained on the new law."))
    assert (judgement.relevant, judgement.topics, judgement.targets, judgement.statements) == (False, {}, (), ())
