"""The import contracts hold, and each of them is able to fail."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "infra", "producers", "processors", "projections", "api", "tillstream")


def contract_names() -> dict[str, str]:
    """Return the contracts of the configuration: identifier to name."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    return {section.split(":")[2]: config[section]["name"] for section in config.sections() if section.startswith("importlinter:contract:")}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter over a tree."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
            "--no-cache",
            "--no-logo",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_contract_holds() -> None:
    """The layers, the pure code and the owners of each driver are as declared."""
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


PLANTED = {
    "layers": ("contracts/money.py", "import infra.clock"),
    "pure": ("processors/rules/planted.py", "import time"),
    "kafka-client": ("projections/planted.py", "import aiokafka"),
    "stream-engine": ("processors/planted.py", "import faust"),
    "web-framework": ("projections/planted.py", "import fastapi"),
    "api-reads": ("api/planted.py", "import projections.runner"),
    "replay-sends-nothing": ("projections/replay/planted.py", "import infra.kafka.publisher"),
    "event-families": ("contracts/events/stock.py", "import contracts.events.sales"),
    "read-models": ("projections/read_models/stores/planted.py", "import projections.read_models.attendance_day"),
    "rules": ("processors/rules/reorder_point.py", "import processors.rules.no_show"),
}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Break every contract once in a copy of the tree, and return what the linter says."""
    tree = tmp_path_factory.mktemp("damaged")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tree)
    for path, line in PLANTED.values():
        file = tree / path
        before = file.read_text("utf-8") if file.exists() else '"""Planted."""\n'
        file.write_text(f"{before}\n{line}\n", encoding="utf-8")
    return lint(tree).stdout


def test_every_contract_has_a_planted_violation() -> None:
    """A contract without a negative control could be one that never fails."""
    assert set(contract_names()) == set(PLANTED)


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_planted_violation_breaks_its_contract(contract: str, damaged: str) -> None:
    """The linter names the contract as broken, and the planted import as the reason."""
    path, line = PLANTED[contract]
    importer, imported = path.removesuffix(".py").replace("/", "."), line.removeprefix("import ")
    said = " ".join(damaged.split())

    assert f"{contract_names()[contract]} BROKEN" in said
    assert f"{importer} -> {imported} " in said
