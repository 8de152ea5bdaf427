"""Where a table begins in a file: the row with the names of its columns, or its first row of data."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from producers.mappings.drafting.finding import Finding
from producers.sources.mapped_csv import Row

_VALUE = re.compile(r"[^\W\d_]")
_MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class TableStart:
    """`skip_lines` stand above; `names` replace a header that is missing or that a mapping cannot use."""

    skip_lines: int
    names: tuple[str, ...] | None


def table_start(rows: Sequence[Row]) -> Finding[TableStart]:
    """Find the first row that is as wide as most rows; it is the header unless one of its cells is a number or a date."""
    if not rows:
        return Finding(TableStart(0, None), "unsure", "the file has no rows")
    widths = Counter(_filled(row) for row in rows)
    usual = max(width for width, count in widths.items() if count == max(widths.values()))
    first = next((row for row in rows if _filled(row) >= 0.7 * usual), rows[0])
    skipped = first.number - 1
    above = f", below {skipped} lines that are no part of the table" if skipped else ""
    if any(_is_value(cell) for cell in first.cells):
        names = tuple(f"column {place}" for place in range(1, len(first.cells) + 1))
        return Finding(TableStart(skipped, names), "likely", f"line {first.number} holds values already{above}: name the columns")
    header = _usable(first.cells)
    if header == [cell.strip() for cell in first.cells]:
        return Finding(TableStart(skipped, None), "sure", f"line {first.number} holds names and no values{above}")
    return Finding(
        TableStart(_last_line(first), tuple(header)),
        "likely",
        "some columns have no name, one that cannot be written, or one that is taken: they have new ones",
    )


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _is_value(cell: str) -> bool:
    """Tell whether a cell holds a number, a date or a code: something without a letter, but not nothing."""
    text = cell.strip()
    return any(letter.isdigit() for letter in text) and _VALUE.search(text) is None


def _last_line(row: Row) -> int:
    return row.number + row.raw.count("\n")


def _usable(cells: Sequence[str]) -> list[str]:
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        printable = "".join(letter for letter in cell.strip() if letter.isprintable())
        name = printable.strip().replace("|", "/")[:_MAX_NAME] or f"column {place}"
        names.append(f"{name} {place}" if name in names else name)
    return names
