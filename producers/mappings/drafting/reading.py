"""Look at a file of unknown form: how it is written, where its table begins, and a sample of its rows."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from producers.mappings.drafting.dialect import delimiter_of
from producers.mappings.drafting.encoding import encoding_of
from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.header import table_start
from producers.mappings.drafting.notation import notation_of
from producers.mappings.drafting.sampling import Sample, Spread
from producers.mappings.schema import CsvFormat
from producers.tables.excel_file import sheet_names
from producers.tables.opening import is_workbook, opened
from producers.tables.unreadable import FileUnreadable

_FIRST_LINES = 300
_FIRST_ROWS = 60
_OTHER_LINES = 20_000
_BEGINNING_BYTES = 4
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16, in which every other byte of plain text is zero."""
_FEWEST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """A file as far as it was looked at; `findings` are by the keys of the mapping's `format`."""

    name: str
    style: CsvFormat
    findings: tuple[tuple[str, Finding[Any]], ...]
    sample: Sample


def look_at(file: Path, sheet: str | None = None) -> Look:
    """Read a file once or twice, row by row; FileUnreadable where it is no table."""
    guess = CsvFormat(sheet=sheet)
    written = _of_workbook(file, guess) if is_workbook(file, guess) else _of_text(file)
    style = guess.model_copy(update={key: finding.value for key, finding in written})
    with opened(file, style.model_copy(update={"header": ("all",)})) as (_, rows):
        start = table_start(list(islice(rows, _FIRST_ROWS)))
    style = style.model_copy(update={"skip_lines": start.value.skip_lines, "header": start.value.names})
    spread = Spread()
    with opened(file, style) as (header, rows):
        for row in rows:
            spread.add(row.cells)
    sample = spread.sample(header)
    if not sample.runs or len(sample.header) < _FEWEST_COLUMNS:
        raise FileUnreadable(f"{file.name} holds no table: a header of several columns and rows below it")
    notation = notation_of([sample.column(place) for place in range(len(sample.header))])
    marks = {"decimal_mark": notation.value.decimal_mark, "thousands_mark": notation.value.thousands_mark}
    return Look(
        file.name, style.model_copy(update=marks), (*written, *_start_findings(start, style), *_mark_findings(notation, marks)), sample
    )


def _start_findings(start: Finding[Any], style: CsvFormat) -> list[tuple[str, Finding[Any]]]:
    found: list[tuple[str, Finding[Any]]] = [("skip_lines", Finding(style.skip_lines, start.sureness, start.basis))]
    if style.header is not None:
        found.append(("header", Finding(list(style.header), start.sureness, start.basis)))
    return found


def _mark_findings(notation: Finding[Any], marks: dict[str, str]) -> list[tuple[str, Finding[Any]]]:
    return [(key, Finding(mark, notation.sureness, notation.basis)) for key, mark in marks.items()]


def _of_workbook(file: Path, guess: CsvFormat) -> list[tuple[str, Finding[Any]]]:
    shown, hidden = sheet_names(file)
    kind = Finding("excel", "sure", "the name of the file says so")
    name = guess.sheet or next(iter(shown), None)
    others = [other for other in (*shown, *hidden) if other != name]
    basis = f"the file has {', '.join(others)} too" if others else "the only sheet"
    return [("kind", kind), ("sheet", Finding(name, "unsure" if others and not guess.sheet else "sure", basis))]


def _of_text(file: Path) -> list[tuple[str, Finding[Any]]]:
    with _bytes_of(file) as lines:
        first = list(islice(lines, _FIRST_LINES))
        other = [line for line in first if not line.isascii()]
        other += islice((line for line in lines if not line.isascii()), _OTHER_LINES)
    if any(b"\0" in line for line in first) and not first[0].startswith(_WIDE):
        raise FileUnreadable(f"{file.name} is no text file")
    encoding = encoding_of(first[0][:_BEGINNING_BYTES] if first else b"", other)
    text = b"".join(first).decode(encoding.value, "replace")
    return [("encoding", encoding), ("delimiter", delimiter_of(text.splitlines(keepends=True)))]


@contextmanager
def _bytes_of(file: Path) -> Iterator[Iterator[bytes]]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as source:
        yield iter(source)
