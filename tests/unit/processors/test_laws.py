"""Which laws a text names, in any language, and what a short name after that means."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govwire.core.share import shared
from govwire.core.vocabulary import Law, load_vocabulary
from processors.classifiers.laws import Laws
from processors.classifiers.phrasebook import words_of

LISTED = load_vocabulary(shared("config")).laws
LAWS = Laws(LISTED)


def named(text: str, title: str = "", language: str = "en") -> list[tuple[str, str]]:
    _, found = LAWS.find(title, text, words_of(text), language)
    return [(each.law_id, each.span.of(text)) for each in found]


def test_the_list_covers_the_world_with_ninety_laws_of_every_kind() -> None:
    assert len(LISTED) >= 90
    kinds = {law.kind for law in LISTED.values()}
    assert kinds == set(Law.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]
    assert len({law.jurisdiction.partition("-")[0] for law in LISTED.values()}) >= 25
    assert sum(law.link is not None for law in LISTED.values()) >= 60


@pytest.mark.parametrize("law", LISTED.values(), ids=lambda law: law.id)
def test_every_law_is_found_by_each_of_its_names(law: Law) -> None:
    for name in law.names:
        for language in ("en", "und"):
            assert [found for found, _ in named(f"“{name}”", language=language)] == [law.id], name
    for name in law.short:
        assert law.id in [found for found, _ in named(f"{law.context[0]}. {name}.", language="und")], name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "The EU’s AI Act, Regulation (EU) 2024/1689, and California's S.B. 53 differ.",
            [
                ("eu_ai_act", "EU’s AI Act"),
                ("eu_ai_act", "Regulation (EU) 2024/1689"),
                ("california_sb_53", "California's S.B. 53"),
            ],
        ),
        ("Newsom vetoed SB1047 and signed SB-53.", [("california_sb_1047", "SB1047"), ("california_sb_53", "SB-53")]),
        ("Colorado's AI Act is not the AI Act.", [("colorado_ai_act", "Colorado's AI Act"), ("eu_ai_act", "AI Act")]),
        ("Korea's AI Basic Act", [("korea_ai_basic_act", "Korea's AI Basic Act")]),
        ("a Data Use and Access Bill", [("uk_data_use_and_access_act", "Data Use and Access Bill")]),
        ("THE BLETCHLEY DECLARATION", [("bletchley_declaration", "BLETCHLEY DECLARATION")]),
    ],
    ids=["two in one sentence", "without spaces", "the longest name", "possessive", "without brackets", "capitals"],
)
def test_a_name_is_found_as_it_is_written(text: str, wanted: list[tuple[str, str]]) -> None:
    assert named(text) == wanted


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("习近平提出《全球人工智能治理倡议》。", "global_ai_governance_initiative"),
        ("国家网信办等七部门公布《生成式人工智能服务管理暂行办法》", "china_generative_ai_measures"),
        ("欧盟人工智能法案正式生效。", "eu_ai_act"),
        ("Die KI-Verordnung gilt seit August.", "eu_ai_act"),
        ("Le règlement européen sur l’IA entre en vigueur.", "eu_ai_act"),
        ("인공지능 기본법이 국회를 통과했다.", "korea_ai_basic_act"),
        ("政府はAI推進法を成立させた。", "japan_ai_promotion_act"),
        ("O Senado aprovou o PL 2338/2023.", "brazil_ai_bill"),
        ("Блетчлийская декларация была подписана.", "bletchley_declaration"),
        ("الاتفاق الرقمي العالمي", "un_global_digital_compact"),
    ],
)
def test_laws_are_found_in_their_own_scripts(text: str, law: str) -> None:
    assert [found for found, _ in named(text, language="und")] == [law]


@pytest.mark.parametrize(
    "text",
    [
        "They spoke of AI. Act now, said others.",
        "Aida is an opera; AIDA is a model of advertising.",
        "Texas passed SB 53 on school buses.",
        "The act of reading. In order to act, the bill must be paid.",
        "Colorado postponed its AI Act.",
        "The New Delhi Declaration of 1958 dealt with weights and measures.",
    ],
    ids=["over a full stop", "a short name", "another state", "no name before", "somebody else's", "without context"],
)
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    assert named(text) == []


def test_a_short_name_means_the_law_whose_context_is_near() -> None:
    assert named("Hanoi passed the Law on Artificial Intelligence.")[0][0] == "vietnam_ai_law"
    assert named("Tokayev signed the Law on Artificial Intelligence.")[0][0] == "kazakhstan_ai_law"
    assert named("Neither Hanoi nor Astana hurried with a Law on Artificial Intelligence.") == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("The EU AI Act is old. The Act has 113 articles. Critics of the law abound.", ["eu_ai_act"] * 3),
        ("28 states signed the Bletchley Declaration. The declaration names risks.", ["bletchley_declaration"] * 2),
        (
            "China issued the Global AI Governance Initiative in 2023. The initiative has eleven points.",
            ["global_ai_governance_initiative"] * 2,
        ),
        ("SB 1047 went to Newsom. This bill would have bound labs.", ["california_sb_1047"] * 2),
        ("SB 1047 was a bill of Scott Wiener's. The bill failed.", ["california_sb_1047"] * 2),
        ("SB 1047 and the RAISE Act are alike. The bill is long.", ["california_sb_1047", "new_york_raise_act"]),
        ("SB 1047 failed. In Ohio, a bill on drones passed. The bill is short.", ["california_sb_1047"]),
        ("SB 1047 failed. The FARM Act passed. The act is short.", ["california_sb_1047"]),
        ("SB 1047 failed. The bill of rights stood, the act of voting too.", ["california_sb_1047"]),
        ("The RAISE Act passed. Then came the Bletchley Declaration. The act is law.", [
            "new_york_raise_act", "bletchley_declaration", "new_york_raise_act",
        ]),
    ],
    ids=[
        *("act and law", "declaration", "initiative", "this bill", "described", "two at once", "another one unknown"),
        *("another one named", "other meanings", "by its noun"),
    ],
)  # fmt: skip
def test_a_later_short_name_means_the_only_law_of_that_kind(text: str, meant: list[str]) -> None:
    assert [law for law, _ in named(text)] == meant


def test_a_short_name_may_mean_what_only_the_title_names() -> None:
    assert named("The governor returned the bill.", title="Newsom vetoes SB 1047") == [
        ("california_sb_1047", "the bill"),
    ]


def test_short_names_are_understood_in_english_only() -> None:
    assert named("The EU AI Act is old. The Act is long.", language="nl") == [("eu_ai_act", "EU AI Act")]


_PIECES = st.sampled_from(
    [
        *(name for law in LISTED.values() for name in law.names[:2]),
        *("the Act", "the bill", "a bill", "SB 53", "California", ". ", ", ", "\n", "治理", "’s ", "AI ", "(EU) ", "İ"),
    ]
)


@given(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=30).map("".join), st.sampled_from(["en", "zh"]))
@settings(max_examples=200, deadline=None)
def test_every_place_is_in_the_text_and_none_within_another(text: str, language: str) -> None:
    _, found = LAWS.find("", text, words_of(text), language)
    ends = [0, *(each.span.end for each in found)]
    for each, before in zip(found, ends, strict=False):
        assert before <= each.span.start < each.span.end <= len(text)
        assert each.law_id in LISTED


def _seconds(text: str) -> float:
    started = time.perf_counter()
    LAWS.find("", text, words_of(text), "en")
    return time.perf_counter() - started


HOSTILE = (
    "the Act a bill AI Act SB 53 and the bill of an act, a bill ",
    "Regulation (EU) 2024/",
    "Interim Measures for the Management of Generative ",
    "’s",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_the_text(piece: str) -> None:
    short, long = piece * (20_000 // len(piece)), piece * (160_000 // len(piece))
    _seconds(short)
    # Eight times the text; far below the 64 times of quadratic work, far above what a busy machine adds.
    assert min(_seconds(long) for _ in range(3)) < 24 * min(_seconds(short) for _ in range(3)) + 0.05
