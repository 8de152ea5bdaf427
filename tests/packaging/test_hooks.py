"""The pre-commit hooks are local and run tools that exist."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.docs.command_line import parse

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))


def test_the_hook_configuration_is_valid() -> None:
    """pre-commit itself accepts it."""
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]

    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_hooks_are_local() -> None:
    """Nothing is fetched from elsewhere when somebody commits."""
    assert {repo["repo"] for repo in CONFIG["repos"]} == {"local"}


def test_every_hook_runs_a_tool_of_the_locked_environment() -> None:
    """Each entry names an executable beside this interpreter; our own command is a real one."""
    entries = [hook["entry"].split() for repo in CONFIG["repos"] for hook in repo["hooks"]]
    tools = Path(sys.executable).parent

    assert [entry[0] for entry in entries if not (tools / Path(entry[0]).name).exists()] == []
    assert {"ruff", "mypy", "lint-imports", "tillstream"} == {Path(entry[0]).name for entry in entries}
    assert parse(next(entry for entry in entries if entry[0].endswith("tillstream"))[1:]) == ["tillstream", "schemas", "check"]
