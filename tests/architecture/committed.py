"""The files that belong to the project: what is tracked, or would be, and is text."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "infra", "producers", "processors", "projections", "api", "tillstream")
_NOT_OURS = {".git", ".venv", ".tillstream", "build", "dist", "__pycache__", ".hypothesis"}


@cache
def committed_files() -> tuple[Path, ...]:
    """List them; without git, everything outside the folders that commands create."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if asked.returncode == 0:
        found = [ROOT / name for name in asked.stdout.splitlines()]
    else:
        found = [path for path in ROOT.rglob("*") if not _NOT_OURS & set(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in found if path.is_file()))


def text_of(path: Path) -> str | None:
    """Return a file's text, None where it is binary."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


def product_modules() -> list[Path]:
    """List the Python files of the product packages."""
    return [path for path in committed_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]
