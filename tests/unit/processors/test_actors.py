"""Which listed actor a holder is, and where a text names one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.settings import find_config
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.actors import Actors

ACTORS = Actors(load_vocabulary(find_config()).actors)


@pytest.mark.parametrize(
    ("name", "actor_id"),
    [
        ("OpenAI", "openai"),
        ("the European Commission", "european_commission"),
        ("U.S.", "united_states"),
        ("Yi Zeng", "zeng_yi"),
        ("习近平", "xi_jinping"),
        ("Antonio Guterres", "antonio_guterres"),
        ("Nato", "nato"),
        ("China’s foreign ministry", "china"),
        ("the Global AI Governance Initiative", "china"),
        ("Beijing", "china"),
    ],
)
def test_an_actor_is_known_by_every_name_of_its_own(name: str, actor_id: str) -> None:
    assert ACTORS.link(name) == actor_id


@pytest.mark.parametrize(
    ("name", "actor_id"),
    [
        ("Commission spokesman Thomas Regnier", "thomas_regnier"),
        ("European Commission President Ursula von der Leyen", "ursula_von_der_leyen"),
        ("Senator Ted Cruz", "ted_cruz"),
        ("Mr Sam Altman", "sam_altman"),
        ("OpenAI's Sam Altman", "sam_altman"),
        ("Sam Altman, chief executive of OpenAI", "sam_altman"),
        ("Sam Altman of OpenAI", "sam_altman"),
        ("the communications minister, Solly Malatsi", "solly_malatsi"),
        ("former OpenAI chief scientist Ilya Sutskever", "ilya_sutskever"),
        ("the lobby group CCIA", "ccia"),
    ],
)
def test_a_role_or_description_beside_the_name_does_not_hide_it(name: str, actor_id: str) -> None:
    assert ACTORS.link(name) == actor_id


@pytest.mark.parametrize(
    ("name", "actor_id"),
    [
        ("a spokesperson for OpenAI", "openai"),
        ("OpenAI's policy chief", "openai"),
        ("OpenAI executives", "openai"),
        ("Chinese officials", "china"),
        ("An American official", "united_states"),
        ("India's IT minister", "india"),
        ("the Chinese delegation", "china"),
    ],
)
def test_a_nameless_voice_of_a_body_is_the_body(name: str, actor_id: str) -> None:
    assert ACTORS.link(name) == actor_id


@pytest.mark.parametrize(
    "name",
    [
        "Commission spokesman Jan Nobody",
        "OpenAI spokeswoman Jane Nobody",
        "Chinese foreign minister Jan Nobody",
        "OpenAI and Anthropic",
        "Sam Altman, Ursula von der Leyen",
        "supporters of Sam Altman",
        "critics of OpenAI",
        "OpenAI's rivals",
        "a former OpenAI executive",
        "a Chinese researcher",
        "the minister",
        "she",
        "who",
        "us",
        "Rand",
        "New Mexico",
        "Altman",
        "",
        "the",
        "OpenAI " * 100,
    ],
)
def test_what_could_be_somebody_else_is_nobody(name: str) -> None:
    assert ACTORS.link(name) is None


@pytest.mark.parametrize("name", [name for actor in ("china", "openai", "who", "lula") for name in ACTORS[actor].names])
def test_the_id_a_name_leads_to_has_that_name(name: str) -> None:
    actor_id = ACTORS.link(name)
    assert actor_id is not None
    assert name in ACTORS[actor_id].names


def test_a_text_is_searched_for_the_longest_names() -> None:
    text = "The US Senate and China’s Foreign Ministry wrote to OpenAI's Sam Altman; the WHO did not, who knows why."
    found = [(named.span.of(text), named.actor_id) for named in ACTORS.find(text)]
    assert found == [
        ("US Senate", "us_senate"),
        ("China’s Foreign Ministry", "china"),
        ("OpenAI", "openai"),
        ("Sam Altman", "sam_altman"),
        ("WHO", "who"),
    ]


def test_a_text_without_spaces_is_searched_too() -> None:
    text = "中国信通院与上海人工智能实验室周二发布报告，习近平曾提出全球人工智能治理倡议。"
    assert [named.actor_id for named in ACTORS.find(text)] == [
        "caict",
        "shanghai_ai_laboratory",
        "xi_jinping",
        "china",
    ]


@pytest.mark.parametrize(
    "text", ["New Mexico sued.", "In Northern Ireland, nothing.", "Latin America and the South China Sea."]
)
def test_places_of_a_similar_name_are_no_actors(text: str) -> None:
    assert ACTORS.find(text) == []


def test_a_fuller_name_behind_an_office_is_one_name() -> None:
    text = "President Xi Jinping spoke. President Xi spoke again."
    assert [named.span.of(text) for named in ACTORS.find(text)] == ["Xi Jinping", "President Xi"]


PIECES = st.sampled_from(
    ["OpenAI", "President ", "Xi Jinping", " ", "'s", "U.S.", "中国", "the ", "WHO", ", ", "who", "São"]
)


@given(st.text() | st.lists(PIECES).map("".join))
def test_any_text_can_be_asked_about(text: str) -> None:
    ACTORS.link(text)
    for named in ACTORS.find(text):
        assert ACTORS.link(named.span.of(text)) == named.actor_id
