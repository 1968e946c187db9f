"""Settings: where they come from, in which order, and what is said of mistakes."""

from pathlib import Path

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import Settings, find_config, load_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "settings.toml").write_text('log_level = "warning"\n[bus]\nprefix = "fromfile"\n')
    monkeypatch.setenv("GOVWIRE_CONFIG", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("config")
def test_flags_win_over_the_environment_and_the_environment_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().bus.prefix == "fromfile"
    monkeypatch.setenv("GOVWIRE_BUS__PREFIX", "fromenv")
    assert load_settings().bus.prefix == "fromenv"
    assert load_settings({"bus": {"prefix": "fromflag"}}).bus.prefix == "fromflag"
    assert load_settings({"data_dir": Path("x")}).log_level == "warning"


@pytest.mark.usefixtures("config")
def test_every_mistake_is_reported_at_once_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVWIRE_BUS__URL", "rabbit://x")
    monkeypatch.setenv("GOVWIRE_CRAWL__CONCURRENCY", "0")
    monkeypatch.setenv("GOVWIRE_BUSS__URL", "sqlite:")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "bus.url: write 'sqlite:'" in told
    assert "crawl.concurrency" in told
    assert "GOVWIRE_BUSS__URL: no such setting" in told


def test_an_unknown_key_of_the_file_is_a_mistake(config: Path) -> None:
    (config / "settings.toml").write_text("[bus]\nprefixx = 'a'\n")
    with pytest.raises(ConfigError, match=r"bus\.prefixx: no such setting"):
        load_settings()


def test_a_broken_file_is_one_clear_line(config: Path) -> None:
    (config / "settings.toml").write_text("[bus\n")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_the_hub_engine_without_a_model_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVWIRE_CLASSIFY__ENGINE", "hub")
    with pytest.raises(ConfigError, match=r"classify: hub_model: which\? name a classifier"):
        load_settings()
    monkeypatch.setenv("GOVWIRE_CLASSIFY__HUB_MODEL", "owner/model")
    assert load_settings().classify.hub_model == "owner/model"


def test_secrets_are_masked_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVWIRE_BUS__PASSWORD", "hunter2")
    monkeypatch.setenv("GOVWIRE_STATE__URL", "postgresql+psycopg://me:hunter2@db/govwire")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.state_url.endswith("hunter2@db/govwire")


def test_a_named_config_folder_that_is_not_there_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVWIRE_CONFIG", "nowhere")
    with pytest.raises(ConfigError, match="govwire init"):
        find_config()


def test_the_shipped_config_is_found_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (find_config() / "topics.toml").is_file()


def test_the_shipped_settings_change_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = load_settings()
    monkeypatch.setenv("GOVWIRE_CONFIG", str(tmp_path))
    assert shipped == Settings()


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    "proxy", ["proxy.office:3128", "https://proxy.office:3128", "http://proxy.office", "http://[:1"]
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("GOVWIRE_FETCH__PROXY", proxy.replace("//", "//me:Secret-1@"))
    with pytest.raises(ConfigError, match=r"fetch\.proxy: write 'http://host:port'") as caught:
        load_settings()
    assert "Secret-1" not in str(caught.value)
    monkeypatch.setenv("GOVWIRE_FETCH__PROXY", "http://me:Secret-1@proxy.office:3128")
    assert "Secret-1" not in repr(load_settings())
