"""The compose file runs the same processes as the embedded stack, with pinned images and few rights."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.addresses import Addresses
from infra.settings import Settings
from tests.docs.command_line import parse
from tillstream.composition import services

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVERS = {"kafka", "postgres", "clickhouse"}
ONCE = {"migrate", "topics"}
OURS = sorted(set(COMPOSE["services"]) - SERVERS)


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """Check a file against the published compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_is_valid_by_its_specification() -> None:
    """No engine is needed to see a misspelt key."""
    result = check_schema(ROOT / "docker-compose.yml")

    assert result.returncode == 0, result.stdout


def test_a_misspelt_key_is_found(tmp_path: Path) -> None:
    """The check is able to fail."""
    broken = tmp_path / "docker-compose.yml"
    broken.write_text((ROOT / "docker-compose.yml").read_text("utf-8").replace("healthcheck:", "healtcheck:"), encoding="utf-8")

    assert check_schema(broken).returncode != 0


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_each_process_is_a_real_command(name: str) -> None:
    """The words after the entry point are accepted by the command line."""
    parse(COMPOSE["services"][name]["command"])


def without_place(words: list[str]) -> list[str]:
    """Drop the options that say where a process listens and where it says that it is ready."""
    placed = {"--ready-file", "--host", "--port"}
    return [word for index, word in enumerate(words) if word not in placed and (index == 0 or words[index - 1] not in placed)]


def test_it_runs_the_processes_of_the_embedded_stack() -> None:
    """Same names, same commands, same read models; only where they listen differs."""
    nowhere = Addresses(kafka_bootstrap="k", postgres_dsn="p", clickhouse_url="c", log_id="l")
    embedded = {spec.name: without_place(list(spec.argv[3:])) for spec in services(Settings(time="live"), nowhere, 1)}
    composed = {name: without_place(COMPOSE["services"][name]["command"]) for name in OURS if name not in ONCE}

    assert embedded == composed


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_image_has_a_pinned_version(name: str) -> None:
    """A floating tag would change under a restart."""
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)?$", COMPOSE["services"][name]["image"])


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_process_can_be_asked_whether_it_is_healthy(name: str) -> None:
    """Only what runs once and ends has no health check; the others wait for it to have succeeded."""
    check = COMPOSE["services"][name]["healthcheck"]

    assert ("test" in check) != (check.get("disable", False) and name in ONCE)
    if name in set(OURS) - ONCE:
        assert COMPOSE["services"][name]["depends_on"] == {key: {"condition": "service_completed_successfully"} for key in sorted(ONCE)}


@pytest.mark.parametrize("name", OURS)
def test_our_processes_have_few_rights(name: str) -> None:
    """Read-only root, no capabilities, no way to gain any; secrets from a file and not from the compose file."""
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["env_file"] == ["deploy/secrets/tillstream.env"]


def test_no_secret_and_no_unknown_setting_stands_in_the_compose_file() -> None:
    """Every TILLSTREAM_ variable is a setting, and none of them is a secret."""
    known = {f"TILLSTREAM_{field.upper()}" for field in Settings.model_fields}
    used = {key for service in COMPOSE["services"].values() for key in service.get("environment", {}) if key.startswith("TILLSTREAM_")}

    assert used <= known
    assert not re.search(r"(PASSWORD|SIGNING_KEY|DSN|CLICKHOUSE_URL)\w*:", (ROOT / "docker-compose.yml").read_text("utf-8"))


def test_only_the_api_is_reachable_and_only_from_the_machine_itself() -> None:
    """The servers stay on the network of the stack; a proxy with TLS stands before the API."""
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}

    assert ports == {"api": ["127.0.0.1:8080:8080"]}


def test_data_is_kept_in_named_volumes() -> None:
    """Each server keeps its data when its container is replaced."""
    kept = {volume.split(":")[0] for name in SERVERS for volume in COMPOSE["services"][name]["volumes"]}

    assert set(COMPOSE["volumes"]) == kept
