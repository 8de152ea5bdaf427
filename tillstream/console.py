"""The one console of the command line: as wide as the terminal, and wide enough for a table where there is none."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from json import dumps
from typing import Any

import typer
from rich.console import Console
from rich.status import Status

from infra.clock import monotonic_seconds

_WIDTH_OF_A_FILE = 140
_LINE_SECONDS = 10.0

console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, highlight=False)


class Teller:
    """Shows how far a long command is: in place on a terminal, else in a line every few seconds; `at_once` also the first line."""

    def __init__(self, console: Console, status: Status, *, at_once: bool = False) -> None:
        self._console, self._status = console, status
        self._told = float("-inf") if at_once else monotonic_seconds()

    def __call__(self, line: str) -> None:
        """Show it."""
        self._status.update(line)
        if not self._console.is_terminal and monotonic_seconds() - self._told > _LINE_SECONDS:
            self._told = monotonic_seconds()
            self._console.print(f"  {line}", soft_wrap=True)


def listed(rows: Sequence[Any], *, json: bool, limit: int | None = None, nothing: str = "there is nothing to show") -> bool:
    """Print rows (dataclasses) as JSON lines, or say that there are none; False where a table of them is still to be printed."""
    if len(rows) == limit:
        typer.echo(f"the first {limit}; more with --limit", err=True)
    if json:
        for row in rows:
            typer.echo(dumps(asdict(row), default=str))
    elif not rows:
        console.print(nothing)
    return json or not rows
