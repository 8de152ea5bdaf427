"""Which rows of a file a draft looks at: its beginning, and runs of consecutive rows spread evenly over the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of the width of the header, in runs that were consecutive in the file; `total_rows` counts all rows."""

    header: tuple[str, ...]
    runs: tuple[tuple[Cells, ...], ...]
    total_rows: int

    def rows(self) -> Iterator[Cells]:
        """Yield every row."""
        for run in self.runs:
            yield from run

    def neighbours(self) -> Iterator[tuple[Cells, Cells]]:
        """Yield every row with the one that follows it in the file."""
        for run in self.runs:
            yield from pairwise(run)

    def column(self, place: int) -> list[str]:
        """Return the texts of a column without surrounding white space."""
        return [row[place].strip() for row in self.rows()]


class Spread:
    """Takes rows of a file of unknown length; keeps at most `head + run * runs` of them, always the same ones."""

    def __init__(self, head: int = 10_000, run: int = 50, runs: int = 200) -> None:
        self._head_rows, self._run_rows, self._most_runs = head, run, runs
        self._head: list[Cells] = []
        self._runs: dict[int, list[Cells]] = {}
        self._stride = 1
        self.total = 0

    def add(self, row: Cells) -> None:
        """Take the next row."""
        position = self.total - self._head_rows
        self.total += 1
        if position < 0:
            self._head.append(row)
            return
        number = position // self._run_rows
        if number % self._stride == 0:
            self._run(number).append(row)

    def _run(self, number: int) -> list[Cells]:
        if number not in self._runs and len(self._runs) == self._most_runs:
            self._stride *= 2
            self._runs = {key: rows for key, rows in self._runs.items() if key % self._stride == 0}
            if number % self._stride:
                return []
        return self._runs.setdefault(number, [])

    def sample(self, header: Sequence[str]) -> Sample:
        """Return what was kept; rows of another width than the header's, or with bytes that are no text, are left out."""
        width = len(header)
        runs = (tuple(row for row in rows if len(row) == width and _is_text(row)) for rows in (self._head, *self._runs.values()))
        return Sample(tuple(header), tuple(run for run in runs if run), self.total)


def _is_text(row: Cells) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True
