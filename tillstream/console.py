"""The one console of the command line: as wide as the terminal, and wide enough for a table where there is none."""

import sys

from rich.console import Console

_WIDTH_OF_A_FILE = 140

console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, highlight=False)
