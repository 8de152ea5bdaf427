"""Every command that README and docs show is one that exists and takes these words."""

import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from api.app import ApiConfig, create_app
from infra.addresses import Addresses
from tests.architecture.committed import ROOT
from tests.docs.command_line import NotAccepted, parse
from tests.docs.documented import Command, commands_of, pages

COMMANDS = [command for page in pages() for command in commands_of(page)]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@cache
def openapi() -> dict[str, Any]:
    """Return the API's own description."""
    nowhere = Addresses(kafka_bootstrap="k", postgres_dsn="postgresql://p", clickhouse_url="http://c", log_id="l")
    return create_app(ApiConfig(addresses=nowhere, signing_key="k" * 32, time="live")).openapi()


def check_tillstream(words: list[str]) -> None:
    """The command line takes the words; files that they name would be there for whoever has them."""
    for word in words:
        if Path(word).suffix in {".csv", ".gz", ".xlsx", ".yaml", ".json"} and not Path(word).exists():
            Path(word).touch()
    parse(words[1:])


def check_make(words: list[str]) -> None:
    """The targets and variables are those of the Makefile."""
    for word in words[1:]:
        name, is_variable, _ = word.partition("=")
        pattern = rf"^{name} \?=|\$\(or \$\({name}\)" if is_variable else rf"^{name}:.*##"
        assert re.search(pattern, MAKEFILE, re.MULTILINE), f"the Makefile has no {word}"


def check_curl(words: list[str]) -> None:
    """The API has the route, for this method, with these parameters."""
    url = urlsplit(words[-1])
    method = "post" if "-d" in words else "get"
    route = openapi()["paths"].get(url.path, {}).get(method)
    assert route, f"the API has no {method.upper()} {url.path}"
    known = {parameter["name"] for parameter in route.get("parameters", ())}
    assert {name for name, _ in parse_qsl(url.query)} <= known
    if "-d" in words:
        sent = next(word.split(": ")[1] for word in words if word.startswith("Content-Type: "))
        assert sent in route["requestBody"]["content"]


def check_docker(words: list[str]) -> None:
    """`docker compose` with a service that exists and a command that it takes."""
    assert words[:2] == ["docker", "compose"]
    if words[2] == "run":
        service = next(word for word in words[3:] if not word.startswith("-"))
        assert service in COMPOSE["services"]
        parse(words[words.index(service) + 1 :])
    else:
        assert words[2] in {"up", "down", "logs", "ps"}


def check_script(words: list[str]) -> None:
    """The script is there and can be run."""
    assert (ROOT / words[0]).stat().st_mode & 0o100


def check_source(words: list[str]) -> None:
    """Only the virtual environment is sourced; set-up makes it there."""
    assert words[1:] == [".venv/bin/activate"]


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "tillstream": check_tillstream,
    "make": check_make,
    "curl": check_curl,
    "docker": check_docker,
    "deploy/make-secrets": check_script,
    "source": check_source,
}


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_documented_command_is_a_real_one(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that shows a command which does not exist would cost its reader an hour."""
    monkeypatch.chdir(tmp_path)
    if command.inner is None:
        return
    words = shlex.split(command.inner)

    assert words[0] in CHECKS, f"nothing checks {words[0]!r}"
    CHECKS[words[0]](words)


def test_the_pages_show_commands() -> None:
    """An extraction that finds nothing would let every page pass."""
    shown = {shlex.split(command.inner)[0] for command in COMMANDS if command.inner}

    assert set(CHECKS) == shown
    assert len(COMMANDS) > 25


@pytest.mark.parametrize(
    "words", [["relaod"], ["load"], ["token", "--rule", "hq"], ["dead-letters", "lsit"], ["simulate", "--days", "many"]]
)
def test_a_misspelt_command_is_found(words: list[str]) -> None:
    """The check is able to fail."""
    with pytest.raises(NotAccepted):
        parse(words)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1/kpi", "http://127.0.0.1:8080/v1/kpis/sales?groupby=store"])
def test_a_misspelt_address_is_found(url: str) -> None:
    """So is this one."""
    with pytest.raises(AssertionError):
        check_curl(["curl", url])
