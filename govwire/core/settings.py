"""Settings: config/settings.toml, overridden by environment variables `GOVWIRE_…`, overridden by flags.

Read once at start and passed down; nothing else reads the environment. Validated as a whole: every mistake is reported
at once, with its key and a hint. Secrets come from the environment or from files, and are never printed.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from govwire import __version__
from govwire.core.errors import ConfigError
from govwire.core.optouts import OptOut
from govwire.core.share import shared

MIB = 1024 * 1024


class Section(BaseModel):
    """A table of settings.toml; an unknown key is a mistake, most often a misspelt one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BusSettings(Section):
    """The bus: the embedded log, or Kafka."""

    url: str = "sqlite:"
    prefix: str = Field("govwire", pattern=r"^[a-z][a-z0-9-]{0,40}$")
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    replication_factor: int = Field(1, ge=1)

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url != "sqlite:" and not url.startswith("kafka://"):
            raise ValueError("write 'sqlite:' for the embedded bus or 'kafka://host:9092,host2:9092'")
        return url


class IndexSettings(Section):
    """The index: the embedded one, or Elasticsearch."""

    url: str = "sqlite:"
    prefix: str = Field("govwire", pattern=r"^[a-z][a-z0-9-]{0,40}$")
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    api_key: SecretStr | None = None
    ca_file: Path | None = None
    shards: int = Field(1, ge=1)
    replicas: int = Field(0, ge=0)

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url != "sqlite:" and not url.startswith(("http://", "https://")):
            raise ValueError("write 'sqlite:' for the embedded index or 'http(s)://host:9200'")
        return url


class KibanaSettings(Section):
    """Kibana, into which `setup` imports the dashboards; none by default."""

    url: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None


class StateSettings(Section):
    """The SQL database; SQLite in data_dir by default, PostgreSQL when machines share it."""

    url: SecretStr | None = None


class CrawlSettings(Section):
    """How much is fetched at once, and how politely."""

    concurrency: int = Field(16, ge=1, le=256)
    host_delay_seconds: float = Field(5.0, ge=0)  # Media Cloud paces a site at 5 s, Common Crawl's news crawl at 9 s
    history_days: float = Field(30, ge=0)  # of a new source; older entries are dropped as too_old
    max_lag: int = Field(2000, ge=1)  # waiting pages above which no URL is leased
    lease_seconds: int = Field(300, ge=10)
    retry_base_seconds: float = Field(60, gt=0)
    retry_ceiling_seconds: float = Field(86_400, gt=0)
    # Most corrections of news come within a day; a week shows what was taken down.
    revisit_hours: tuple[Annotated[float, Field(gt=0)], ...] = (1, 6, 24, 168)  # after first seen; empty: none


class FetchSettings(Section):
    """What may be fetched."""

    max_bytes: int = Field(8 * MIB, ge=1024)
    timeout_seconds: float = Field(30, gt=0)
    max_redirects: int = Field(5, ge=0)
    allow: tuple[str, ...] = ()  # "127.0.0.0/8:8000": address block and port that the guard lets through
    resolve: tuple[str, ...] = ()  # "name:127.0.0.1": a name's address, as curl's --resolve
    proxy: SecretStr | None = None  # "http://name:password@host:port", by which an office asks the web
    ca_file: Path | None = None
    obey: tuple[OptOut, ...] = ("noindex", "noai")  # opt-outs by which a page is dropped; others are recorded

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        try:
            parts = urlsplit(proxy.get_secret_value()) if proxy else None
            usable = parts is None or (parts.scheme == "http" and parts.hostname and parts.port)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("write 'http://host:port', or 'http://name:password@host:port' in GOVWIRE_FETCH__PROXY")
        return proxy


class ExtractSettings(Section):
    """The worker processes that turn pages into articles."""

    workers: int = Field(2, ge=1)
    timeout_seconds: float = Field(20, gt=0)


class ClassifySettings(Section):
    """Which classifier labels, and with how many threads; `hub_…` are of the engine `hub`."""

    engine: Literal["onnx", "hub", "keyword"] = "onnx"
    threads: int = Field(0, ge=0)  # 0: one for each core
    cache_entries: int = Field(50_000, ge=0)  # passages kept in cache.db of data_dir; 0: none
    hub_model: str | None = Field(None, min_length=1)  # a name on the Hugging Face hub, or a folder
    hub_revision: str | None = Field(None, min_length=1)  # branch, tag or commit; of a name only
    hub_device: Literal["auto", "cpu", "cuda"] = "auto"
    hub_batch: int = Field(16, ge=1)
    hub_max_tokens: int = Field(512, ge=64)
    hub_windows: int = Field(4, ge=1)  # of so many tokens; what comes after them is not read

    @model_validator(mode="after")
    def _hub_has_a_model(self) -> Self:
        if self.engine == "hub" and self.hub_model is None:
            raise ValueError("hub_model: which? name a classifier of the Hugging Face hub, or a folder that holds one")
        return self


class AlertSettings(Section):
    """When a match becomes a message."""

    max_age_hours: float = Field(48, gt=0)
    retry_base_seconds: float = Field(30, gt=0)
    give_up_after_hours: float = Field(72, gt=0)


class NoticeSettings(Section):
    """Where an operator is told of sources in trouble; the log and `status` tell of them anyway."""

    channel: SecretStr | None = None  # an Apprise URL, as subscriptions have


class RetentionSettings(Section):
    """How long things are kept."""

    pages_days: float = Field(3, gt=0)
    records_days: float = Field(7, gt=0)
    irrelevant_days: float = Field(30, gt=0)
    bands_days: float = Field(14, gt=0)
    exchanges_days: float = Field(14, gt=0)
    samples_days: float = Field(90, gt=0)
    min_free_bytes: int = Field(512 * MIB, ge=0)


class SampleSettings(Section):
    """How many drops are drawn each week for people to check."""

    per_week: int = Field(50, ge=0)


class MetricsSettings(Section):
    """Where `/health` and Prometheus metrics are served; loopback until said otherwise. Port 0 turns it off."""

    address: str = "127.0.0.1:9464"


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(env_prefix="GOVWIRE_", env_nested_delimiter="__", frozen=True, extra="forbid")

    data_dir: Path = Path("govwire-data")
    user_agent: str | None = None  # "our-name (+https://our.site/contact)": required outside loopback
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    bus: BusSettings = BusSettings()
    index: IndexSettings = IndexSettings()
    kibana: KibanaSettings = KibanaSettings()
    state: StateSettings = StateSettings()
    crawl: CrawlSettings = CrawlSettings()
    fetch: FetchSettings = FetchSettings()
    extract: ExtractSettings = ExtractSettings()
    classify: ClassifySettings = ClassifySettings()
    alerts: AlertSettings = AlertSettings()
    notices: NoticeSettings = NoticeSettings()
    retention: RetentionSettings = RetentionSettings()
    samples: SampleSettings = SampleSettings()
    metrics: MetricsSettings = MetricsSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, the environment over settings.toml."""
        toml = TomlConfigSettingsSource(settings_cls, find_config() / "settings.toml")
        return init_settings, env_settings, toml

    @property
    def agent(self) -> str:
        """How we introduce ourselves; without a name of one's own only on loopback."""
        return self.user_agent or f"govwire/{__version__}"

    @property
    def state_url(self) -> str:
        """The SQLAlchemy URL of the state."""
        if self.state.url is not None:
            return self.state.url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'state.db'}"


# Environment variables of our prefix that are no settings.
_NOT_SETTINGS = {"GOVWIRE_CONFIG", "GOVWIRE_FAULT"}


def find_config() -> Path:
    """The config folder: `GOVWIRE_CONFIG` (which `--config` sets), `./config`, then the one shipped with the program.

    Raises:
        ConfigError: GOVWIRE_CONFIG names a folder that is not there.
    """
    return _users_config() or shared("config")


def own_config() -> Path:
    """The config folder where it is the user's own, to be written to.

    Raises:
        ConfigError: only the one shipped with the program is there.
    """
    folder = _users_config()
    if folder is None:
        raise ConfigError(
            "the config folder in use is the one shipped with the program; "
            "'govwire init config' writes one of your own here"
        )
    return folder


def _users_config() -> Path | None:
    named = os.environ.get("GOVWIRE_CONFIG")
    if named:
        if not Path(named).is_dir():
            raise ConfigError(f"config folder {named}: not there; write one with 'govwire init {named}'")
        return Path(named)
    local = Path("config")
    return local if (local / "settings.toml").is_file() else None


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read and check the settings of this process.

    Raises:
        ConfigError: every mistake found, each with its key.
    """
    problems = [
        f"{name}: no such setting; see 'Settings' in docs/operators.md"
        for name in os.environ
        if name.startswith("GOVWIRE_") and name not in _NOT_SETTINGS and not _is_setting(name)
    ]
    try:
        settings = Settings(**dict(overrides or {}))
    except ValidationError as error:
        problems += [_problem(entry) for entry in error.errors(include_url=False, include_input=False)]
        raise ConfigError(problems) from error
    except (OSError, ValueError) as error:
        raise ConfigError([*problems, f"{find_config() / 'settings.toml'}: {error}"]) from error
    if problems:
        raise ConfigError(problems)
    return settings


def _is_setting(name: str) -> bool:
    section, _, key = name.removeprefix("GOVWIRE_").lower().partition("__")
    field = Settings.model_fields.get(section)
    if field is None:
        return False
    kind = field.annotation
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else {}
    return not key or key in fields


def _problem(entry: Any) -> str:
    key = ".".join(str(part) for part in entry["loc"])
    message = "no such setting" if entry["type"] == "extra_forbidden" else entry["msg"].removeprefix("Value error, ")
    return f"settings: {key}: {message}"
