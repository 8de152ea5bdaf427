"""The commands that README and docs show, taken from their console and bash blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.committed import ROOT

README = ROOT / "README.md"
NOT_IN_THE_SHELL = ("make", "source", "tillstream up")
_BLOCK = re.compile(r"^( *)```(console|bash)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ASSIGNED = re.compile(r"^(?P<name>[A-Z_]+)=(?:\$\((?P<inner>.*)\)|'.*'|\S*)$")


@dataclass(frozen=True)
class Command:
    """One command line and where it stands."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"

    @property
    def inner(self) -> str | None:
        """What really runs: the command whose output is assigned, nothing where a text is assigned, else the line."""
        assigned = _ASSIGNED.match(self.text)
        return assigned["inner"] if assigned else self.text


def pages() -> list[Path]:
    """List every page of prose."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands_of(page: Path) -> list[Command]:
    """Take the commands of a page in their order: lines with a `$` in console blocks, all lines of bash blocks."""
    text = page.read_text("utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        first = text[: block.start(3)].count("\n") + 1
        for number, line in enumerate(block[3].splitlines()):
            stripped = line.strip()
            if block[2] == "console" and not stripped.startswith("$ "):
                continue
            if stripped and not stripped.startswith("#"):
                found.append(Command(page, first + number, stripped.removeprefix("$ ")))
    return found


def tour() -> list[str]:
    """Take the commands of the tour that follow the start of the stack; the endless stream is ended after a moment."""
    texts = [command.text for command in commands_of(README) if not command.text.startswith(NOT_IN_THE_SHELL)]
    return [f"{text} --max-time 3 || test $? = 28" if "/stream" in text else text for text in texts]
