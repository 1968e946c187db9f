"""The actors as shipped, and how a mistake in their file is told."""

import shutil
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import find_config
from govwire.core.vocabulary import Actor, ActorKind, load_vocabulary, name_key

CONTINENTS = {
    "Africa": {"DZ", "EG", "ET", "GH", "KE", "MA", "NG", "RW", "SN", "ZA"},
    "Asia": {"AE", "CN", "ID", "IN", "IL", "JP", "KR", "KZ", "PK", "SA", "SG", "VN"},
    "Europe": {"CH", "DE", "ES", "EU", "FR", "GB", "IT", "NL", "NO", "PL", "RU", "UA"},
    "North America": {"CA", "CR", "CU", "MX", "SV", "US"},
    "Oceania": {"AU", "FJ", "NZ", "PG"},
    "South America": {"AR", "BR", "CL", "CO", "PE", "UY"},
}


@pytest.fixture(scope="module")
def actors() -> dict[str, Actor]:
    return load_vocabulary(find_config()).actors


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(find_config(), tmp_path / "config")
    return tmp_path / "config"


def test_there_are_hundreds_of_actors_of_every_kind(actors: dict[str, Actor]) -> None:
    assert len(actors) >= 320
    kinds = Counter(actor.kind for actor in actors.values())
    assert set(kinds) == set(get_args(ActorKind))
    assert min(kinds.values()) >= 10


@pytest.mark.parametrize("continent", CONTINENTS)
def test_every_continent_has_states_people_and_others(actors: dict[str, Actor], continent: str) -> None:
    kinds = {actor.kind for actor in actors.values() if actor.country in CONTINENTS[continent]}
    assert {"state", "person"} < kinds
    assert len(kinds) >= 4


def test_no_name_leads_to_two_actors(actors: dict[str, Actor]) -> None:
    owners: dict[str, set[str]] = {}
    for actor in actors.values():
        for name in actor.names:
            owners.setdefault(name_key(name), set()).add(actor.id)
    assert {key: ids for key, ids in owners.items() if len(ids) > 1} == {}


def test_no_name_is_only_a_common_word_in_small_letters(actors: dict[str, Actor]) -> None:
    small = [name for actor in actors.values() for name in actor.names if " " not in name and name.islower()]
    assert [name for name in small if name.isascii()] == ["a16z", "noyb", "ver.di"]


def test_large_groups_have_their_members(actors: dict[str, Actor]) -> None:
    sizes = Counter(group for actor in actors.values() for group in actor.groups if actor.kind == "state")
    assert (sizes["g7"], sizes["five_eyes"], sizes["eu"]) == (7, 5, 27)
    groups = {group for actor in actors.values() for group in actor.groups}
    assert {"frontier_labs", "big_tech", "chip_makers", "open_source", "creators", "safety_institutes"} <= groups


@pytest.mark.parametrize(
    ("added", "told"),
    [
        pytest.param(
            '[other]\nname = "The Open AI"\nkind = "company"\ncountry = "US"\n',
            r"actors\.toml: other\.aliases: 'The Open AI' names openai already",
            id="an alias of somebody else",
        ),
        pytest.param(
            '[other]\nname = "Other"\naliases = ["Other Inc", "Other Inc."]\nkind = "company"\ncountry = "US"\n',
            r"actors\.toml: other\.aliases: 'Other Inc\.' stands there twice",
            id="an alias twice",
        ),
        pytest.param(
            '[other]\nname = "Other"\naliases = ["…"]\nkind = "company"\ncountry = "US"\n',
            r"actors\.toml: other\.aliases: '…' has no letter",
            id="an alias of no word",
        ),
        pytest.param(
            '[other]\nname = "Other"\nkind = "club"\ncountry = "US"\n',
            r"actors\.toml: other\.kind: Input should be 'person'",
            id="an unknown kind",
        ),
        pytest.param(
            '[other]\nname = "Other"\nkind = "company"\ncountry = "America"\n',
            r"actors\.toml: other\.country: ",
            id="no country code",
        ),
    ],
)
def test_a_mistake_is_told_with_file_and_key(config: Path, added: str, told: str) -> None:
    with (config / "actors.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + added)
    with pytest.raises(ConfigError, match=told):
        load_vocabulary(config)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The U.S. Chamber of Commerce", "US chamber of commerce"),
        ("OpenAI’s", "openai"),
        ("Ｏｐｅｎ ＡＩ", "Open-AI"),
        ("the workers' union", "Workers Union"),
        ("Volker Tu\u0308rk", "Volker Türk"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)
