"""The three packages are ours alone, whole in the wheel, and light."""

import zipfile
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
NAMES = ("govwire", "crawlers", "processors")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    builder = WheelBuilder(str(ROOT))
    (path,) = builder.build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("name", NAMES)
def test_no_other_distribution_claims_our_package(name: str) -> None:
    assert set(packages_distributions().get(name, ["govwire"])) == {"govwire"}


@pytest.mark.parametrize("name", NAMES)
def test_each_package_is_the_one_of_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


def test_the_wheel_holds_every_file_of_the_three_packages(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    for name in NAMES:
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in shipped


def test_the_wheel_ships_config_and_templates_where_share_looks_for_them(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    assert {"govwire/share/config/topics.toml", "govwire/share/config/settings.toml"} <= shipped
    assert any(name.startswith("govwire/share/elasticsearch/") for name in shipped)
    assert any(name.startswith("govwire/share/kibana/") for name in shipped)


def test_the_default_install_asks_for_no_pytorch(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    wanted = [line for line in wheel.read(name).decode().splitlines() if line.startswith("Requires-Dist: torch")]
    assert wanted
    assert all("extra ==" in line for line in wanted)
