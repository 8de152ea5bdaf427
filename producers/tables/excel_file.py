"""Read the rows of a sheet of an Excel workbook with their row numbers, one after the other: a large sheet needs little memory."""

import json
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from producers.mappings.schema import CsvFormat
from producers.sources.mapped_csv import Row
from producers.tables.excel_cells import cell_text
from producers.tables.unreadable import FileUnreadable

_DAMAGED = (
    BadZipFile,
    ParseError,
    zlib.error,
    EOFError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,  # zipfile raises it for a compression that it does not know
    RuntimeError,
)
"""What reading a broken workbook raises; its parts are read by code that takes them to be whole."""
RAW_ENCODING = "utf-8"
"""Of the text of a refused row: its cells as a JSON array."""


@contextmanager
def opened(file: Path, style: CsvFormat) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """Open a sheet: its header, and its rows after that. Formulas give the value that was saved with them."""
    with _workbook(file) as book:
        rows = islice(_texts(_sheet(book, file, style.sheet), file, style.decimal_mark), style.skip_lines, None)
        header = list(style.header) if style.header is not None else next((_trimmed(cells) for _, cells in rows if any(cells)), [])
        yield header, _rows(rows, len(header))


def sheet_names(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the sheets that people see, and of the hidden ones."""
    with _workbook(file) as book:
        sheets = [(sheet.title, sheet.sheet_state == "visible") for sheet in book.worksheets]
    return tuple(name for name, shown in sheets if shown), tuple(name for name, shown in sheets if not shown)


@contextmanager
def _workbook(file: Path) -> Iterator[Any]:
    """Open a workbook for reading in a stream; it is given open, so that its name may end as it likes."""
    try:
        openpyxl = import_module("openpyxl")
    except ModuleNotFoundError as error:
        raise FileUnreadable(f"reading {file.name} needs the package openpyxl, which is not installed here") from error
    with file.open("rb") as content:
        try:
            with warnings.catch_warnings(action="ignore"):  # of styles and extensions that no reading needs
                book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        except (*_DAMAGED, OSError) as error:
            raise FileUnreadable(f"{file.name} is no Excel workbook (.xlsx), is damaged, or has a password: {error}") from error
        with closing(book):
            yield book


def _sheet(book: Any, file: Path, name: str | None) -> Any:
    """Return the named sheet, hidden or not, or the first that is not hidden."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is None:
        name = next((title for title, sheet in sheets.items() if sheet.sheet_state == "visible"), None)
    if name not in sheets:
        raise FileUnreadable(f"{file.name} has no sheet {name!r}; it has {', '.join(map(repr, sheets)) or 'none'}")
    sheet = sheets[name]
    sheet.reset_dimensions()  # the size that a workbook states is often wrong, and cells beyond it would be lost
    return sheet


def _texts(sheet: Any, file: Path, decimal_mark: str) -> Iterator[tuple[int, list[str]]]:
    try:
        for number, cells in enumerate(sheet.iter_rows(), 1):
            yield number, [_text(cell, decimal_mark) for cell in cells]
    except _DAMAGED as error:
        raise FileUnreadable(f"{file.name} is damaged: {error}") from error


def _text(cell: Any, decimal_mark: str) -> str:
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    return cell_text(value, cell.number_format, decimal_mark)


def _rows(texts: Iterable[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    """Give every row the width of the header where it can; rows without any value, merged ones among them, are none."""
    for number, cells in texts:
        if any(cells):
            fitted = _fitted(cells, width)
            yield Row(number, fitted, json.dumps(fitted, ensure_ascii=False))


def _fitted(cells: list[str], width: int) -> list[str]:
    short = width - len(cells)
    if short >= 0:
        return cells + [""] * short
    return cells[:width] if not any(cells[width:]) else _trimmed(cells)


def _trimmed(cells: Sequence[str]) -> list[str]:
    last = max((place for place, text in enumerate(cells, 1) if text.strip()), default=0)
    return list(cells[:last])
