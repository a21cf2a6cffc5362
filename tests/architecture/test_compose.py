"""The compose file agrees with the settings, the commands and itself. No engine is needed for that."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from cli.__main__ import app
from runtime.metrics import METRICS
from runtime.setting_types import Settings
from runtime.settings import FILE_SUFFIX, PREFIX, leaves, load, variable

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "infra" / "compose"
Service = Mapping[str, Any]


def compose() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


SERVICES: Mapping[str, Service] = compose()["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
OTHERS = {name: one for name, one in SERVICES.items() if "build" not in one}
ONE_SHOT = {"prepare"}


def test_the_services_were_found() -> None:
    assert set(OURS) == {"prepare", "store", "balance", "market", "replay"}
    assert {"kafka", "registry", "clickhouse", "prometheus", "grafana"} == set(OTHERS)


@pytest.mark.parametrize("name", OURS)
def test_every_setting_that_is_passed_exists(name: str) -> None:
    known = {variable(setting) for setting, _ in leaves(Settings())}
    passed = [key for key in OURS[name]["environment"] if key.startswith("SYNERGY")]
    assert passed
    assert {key.removesuffix(FILE_SUFFIX) for key in passed} <= known


@pytest.mark.parametrize("name", OURS)
def test_every_value_that_is_passed_is_valid(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("word")
    for key, value in OURS[name]["environment"].items():
        plain = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        monkeypatch.setenv(key, str(secret) if key.endswith(FILE_SUFFIX) else plain)
    loaded = load()
    assert loaded.settings.kafka.bootstrap == "kafka:9092"
    assert loaded.settings.ledger.password.get_secret_value() == "word"


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    helped = CliRunner().invoke(app, [*OURS[name]["command"], "--help"])
    assert helped.exit_code == 0, helped.output


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_healthy_only_when_something_looked(name: str) -> None:
    if name in ONE_SHOT:
        assert SERVICES[name]["restart"] == "no"
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_starts_before_what_it_needs_is_ready(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert needed in SERVICES
        expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected


@pytest.mark.parametrize("name", OTHERS)
def test_images_of_others_are_pinned_to_a_version(name: str) -> None:
    _, _, tag = OTHERS[name]["image"].rpartition(":")
    assert re.search(r"\d+\.\d+", tag), "no version"


def test_the_broker_is_the_version_that_the_embedded_stack_runs() -> None:
    lock = (ROOT / "infra" / "kafka" / "jgo.toml").read_text()
    assert f":{OTHERS['kafka']['image'].rpartition(':')[2]}!" in lock


def test_the_cluster_id_is_sixteen_bytes() -> None:
    text = str(OTHERS["kafka"]["environment"]["CLUSTER_ID"])
    assert len(base64.urlsafe_b64decode(text + "==")) == 16


def test_every_mounted_file_exists_and_every_volume_is_declared() -> None:
    volumes = compose()["volumes"]
    mounts = [mount for one in SERVICES.values() for mount in one.get("volumes", [])]
    assert mounts
    for mount in mounts:
        source = mount.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in volumes


def test_every_secret_is_declared_and_none_is_committed() -> None:
    declared = compose()["secrets"]
    used = {name for one in SERVICES.values() for name in one.get("secrets", [])}
    assert used == set(declared)
    committed = {path.name for path in (COMPOSE / "secrets").iterdir()} & set(declared)
    ignored = (COMPOSE / "secrets" / ".gitignore").read_text()
    assert not committed or ignored.startswith("*")


def test_alerts_and_dashboards_ask_for_metrics_that_exist() -> None:
    texts = [
        (COMPOSE / "alerts.yml").read_text(),
        (COMPOSE / "grafana" / "dashboards" / "synergy.json").read_text(),
    ]
    asked = {name for text in texts for name in re.findall(r"\bsynergy_\w+", text)}
    assert asked
    assert {re.sub(r"_bucket$", "", name) for name in asked} <= set(METRICS)


def test_the_dockerfile_uses_only_settings_that_exist() -> None:
    text = (ROOT / "Dockerfile").read_text()
    named = set(re.findall(rf"{PREFIX}\w+", text))
    assert named
    assert named <= {variable(setting) for setting, _ in leaves(Settings())}
