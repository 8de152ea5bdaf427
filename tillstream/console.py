"""The one console of the command line: as wide as the terminal, and wide enough for a table where there is none."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from json import dumps
from typing import Any

import typer
from rich.console import Console

_WIDTH_OF_A_FILE = 140

console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, highlight=False)


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
