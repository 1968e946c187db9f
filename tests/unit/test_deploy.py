"""What deploy/ says is held against the code: settings, commands, stages, metrics, versions, paths."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from govwire.core import metrics
from govwire.core.flow import FLOW
from govwire.core.settings import load_settings
from servers import jars

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image", "").startswith("govwire:")}


def _environment() -> dict[str, str]:
    raw = OURS["crawl"]["environment"]
    return {name: re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "filled-in", value) for name, value in raw.items()}


def test_every_variable_of_the_compose_file_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _environment().items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.bus.url == "kafka://kafka:9092"
    assert settings.index.url == "http://elasticsearch:9200"
    assert settings.state_url.startswith("postgresql+psycopg://govwire:filled-in@postgres")


def test_every_variable_of_the_image_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.findall(r"(GOVWIRE_[A-Z_]+)=(\S+)", (DEPLOY / "Dockerfile").read_text())
    assert len(found) == 3
    for name, value in found:
        monkeypatch.setenv(name, value)
    assert load_settings().metrics.address == "0.0.0.0:9464"


def test_every_stage_of_the_flow_has_a_service_that_runs_it() -> None:
    commands = {name: service["command"] for name, service in OURS.items()}
    assert commands == {"setup": ["setup"]} | {step.name: ["process", step.name] for step in FLOW}


@pytest.mark.parametrize("command", sorted({service["command"][0] for service in OURS.values()} | {"run"}))
def test_every_command_exists(command: str) -> None:
    line = [sys.executable, "-c", "from govwire.cli import main; main()", command, "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_image_is_pinned_and_elastic_versions_are_the_tested_one() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), f"{image} is not pinned"
    for name in ("elasticsearch", "kibana"):
        assert SERVICES[name]["image"].endswith(f":{jars.ELASTIC_VERSION}")
    assert SERVICES["kafka"]["image"].rpartition(":")[2] == jars.KAFKA[0].rpartition(":")[2]


def test_every_dependency_of_a_service_is_a_service_with_a_health_check() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert SERVICES[name]["healthcheck"]["test"]
            assert name in SERVICES


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_path_the_image_copies_exists() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    paths = [path for line in lines for path in line.split()[:-1]]
    assert paths
    assert [path for path in paths if not (DEPLOY.parent / path).exists()] == []


def test_every_metric_of_the_alert_rules_is_one_of_ours() -> None:
    known = {f"{metric.name}{suffix}" for metric in REGISTRY.collect() for suffix in ("", "_total")}
    rules = yaml.safe_load((DEPLOY / "prometheus" / "govwire.rules.yml").read_text())
    named = set(re.findall(r"govwire_[a-z_]+", " ".join(rule["expr"] for rule in rules["groups"][0]["rules"])))
    assert named
    assert named <= known
    assert metrics.LAG is not None


def test_prometheus_asks_every_stage() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0]
    assert set(scrape["dns_sd_configs"][0]["names"]) == {step.name for step in FLOW}
