"""What may stand in config/, and how a mistake in it is told."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import find_config
from govwire.core.timetable import Cron, Rhythm
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


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('cron = "0 7 * * 1-5"', r"one\.cron: '1-5': name the days of the week"),
        ('cron = "0 25 * * *"', r"one\.cron: .*25.*write minute, hour, day, month and weekday in UTC"),
        ('cron = "0 0 31 feb *"', r"one\.cron: there is no such day"),
        ("at_most_minutes = 10", r"one\.at_most_minutes: .*every_minutes, which is 30"),
        ("every_minutes = inf", r"one\.every_minutes: "),
    ],
)
def test_a_rhythm_that_cannot_be_kept_is_told_with_file_and_key(config: Path, line: str, told: str) -> None:
    (config / "sources" / "one.toml").write_text(SOURCE.format(feed="https://one.example/b") + line)
    with pytest.raises(ConfigError, match=rf"one\.toml: {told}"):
        load_vocabulary(config)


def test_a_source_is_read_between_its_shortest_and_its_longest_interval_or_by_its_cron(config: Path) -> None:
    file = config / "sources" / "one.toml"
    file.write_text(SOURCE.format(feed="https://one.example/b"))
    assert load_vocabulary(config).sources["one"].rhythm == Rhythm(timedelta(minutes=30), timedelta(hours=4))
    file.write_text(file.read_text() + 'every_minutes = 15\nat_most_minutes = 15\ncron = "0 7 * * mon-fri"')
    quarter = timedelta(minutes=15)
    assert load_vocabulary(config).sources["one"].rhythm == Rhythm(quarter, quarter, Cron("0 7 * * mon-fri"))


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
