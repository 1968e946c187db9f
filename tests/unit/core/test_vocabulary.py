"""What may stand in config/, and how a mistake in it is told."""

import shutil
from pathlib import Path

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import find_config
from govwire.core.vocabulary import load_vocabulary

SOURCE = """name = "One"
home = "https://one.example"
kind = "press"
country = "DE"
language = "de"
rights = "full"
feeds = ["https://one.example/feed", "{feed}"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(find_config(), tmp_path / "config")
    return tmp_path / "config"


@pytest.mark.parametrize(
    "feed", ["one.example/feed", "ftp://one.example/feed", "https:///feed", "https://one.example:x/"]
)
def test_a_feed_that_is_no_web_address_is_told_with_file_and_key(config: Path, feed: str) -> None:
    (config / "sources" / "one.toml").write_text(SOURCE.format(feed=feed))
    with pytest.raises(ConfigError, match=r"one\.toml: one\.feeds\.1: address "):
        load_vocabulary(config)


def test_every_mistake_is_told_at_once(config: Path) -> None:
    for name, feed in (("one", "one.example"), ("two", "two.example")):
        (config / "sources" / f"{name}.toml").write_text(SOURCE.format(feed=feed))
    with pytest.raises(ConfigError) as told:
        load_vocabulary(config)
    assert "one.feeds.1" in str(told.value)
    assert "two.feeds.1" in str(told.value)
