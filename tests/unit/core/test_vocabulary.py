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


@pytest.mark.parametrize("links", ["", "h2 >", "a::attr(href)", "//a"])
def test_a_selector_that_chooses_no_elements_is_told_with_file_and_key(config: Path, links: str) -> None:
    listing = f'listings = [{{url = "https://one.example/press", links = "{links}"}}]'
    (config / "sources" / "one.toml").write_text(SOURCE.format(feed="https://one.example/feed") + listing)
    with pytest.raises(ConfigError, match=r"one\.toml: one\.listings\.0\.links: .*no CSS selector"):
        load_vocabulary(config)


def test_every_mistake_is_told_at_once(config: Path) -> None:
    for name, feed in (("one", "one.example"), ("two", "two.example")):
        (config / "sources" / f"{name}.toml").write_text(SOURCE.format(feed=feed))
    with pytest.raises(ConfigError) as told:
        load_vocabulary(config)
    assert "one.feeds.1" in str(told.value)
    assert "two.feeds.1" in str(told.value)


LAW = """[{id}]
name = "{name}"
jurisdiction = "FR"
kind = "statute"
issuer = "Parliament"
"""


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        (LAW.format(id="loi_x", name="AI-Act"), r"laws\.toml: loi_x\.aliases: 'AI-Act' names eu_ai_act already"),
        (LAW.format(id="loi_x", name="…"), r"laws\.toml: loi_x\.aliases: '…' has no letter"),
        (LAW.format(id="loi_x", name="Loi X") + 'kind_ = "bill"', r"laws\.toml: loi_x\.kind_: Extra"),
        (LAW.format(id="loi_x", name="Loi X").replace("statute", "act"), r"laws\.toml: loi_x\.kind: Input should be"),
        (LAW.format(id="loi_x", name="Loi X").replace('"FR"', '"France"'), r"loi_x\.jurisdiction: String should match"),
        (LAW.format(id="loi_x", name="Loi X") + 'link = "http://a.example/"', r"loi_x\.link: String should match"),
        (LAW.format(id="loi_x", name="Loi X") + 'short = ["X"]', r"loi_x\.: short and context stand together"),
        (
            LAW.format(id="loi_x", name="Loi X") + 'short = ["SB 53"]\ncontext = ["Sacramento"]',
            r"loi_x\.short: 'SB 53' names california_sb_53 already",
        ),
        (
            LAW.format(id="loi_x", name="Loi X") + 'short = ["GDPR"]\ncontext = ["Paris"]',
            r"loi_x\.short: 'GDPR' names eu_gdpr already",
        ),
    ],
    ids=["alias", "no letter", "key", "kind", "jurisdiction", "link", "no context", "same context", "a full name"],
)
def test_a_mistake_in_a_law_is_told_with_file_and_key(config: Path, addition: str, told: str) -> None:
    with (config / "laws.toml").open("a", encoding="utf-8") as laws:
        laws.write(f"\n{addition}\n")
    with pytest.raises(ConfigError, match=told):
        load_vocabulary(config)


def test_a_short_name_may_be_shared_by_laws_of_different_contexts(config: Path) -> None:
    with (config / "laws.toml").open("a", encoding="utf-8") as laws:
        laws.write("\n" + LAW.format(id="loi_x", name="Loi X") + 'short = ["SB 53"]\ncontext = ["Paris"]\n')
    assert load_vocabulary(config).laws["loi_x"].short == ("SB 53",)


def test_an_instrument_without_terms_is_a_mistake(config: Path) -> None:
    (config / "instruments.toml").write_text('[tax]\nlabel = "Tax"\nterms = []\n')
    with pytest.raises(ConfigError, match=r"instruments\.toml: tax\.terms"):
        load_vocabulary(config)
