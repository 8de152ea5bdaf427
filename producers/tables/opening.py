"""Open any file of rows, CSV or Excel: everything behind this sees a header and numbered rows of text."""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from gzip import BadGzipFile
from pathlib import Path

from producers import csv_file
from producers.mappings.schema import CsvFormat
from producers.sources.mapped_csv import Row
from producers.tables import excel_file
from producers.tables.unreadable import FileUnreadable

_WORKBOOKS = frozenset({".xlsx", ".xlsm"})


def is_workbook(file: Path, style: CsvFormat) -> bool:
    """Tell whether a file is read as a workbook: the mapping says so, or else the file's name does."""
    return style.kind == "excel" or (style.kind is None and file.suffix.lower() in _WORKBOOKS)


def raw_encoding(file: Path, style: CsvFormat) -> str:
    """Return the encoding in which the text of a refused row becomes the bytes that are kept."""
    return excel_file.RAW_ENCODING if is_workbook(file, style) else style.encoding


@contextmanager
def opened(file: Path, style: CsvFormat) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """Open a file: its header, and its rows after that; FileUnreadable where it is damaged or of another kind."""
    if file.suffix.lower() == ".xls":
        raise FileUnreadable(f"{file.name} is in the format of old Excel versions: save it as .xlsx or .csv")
    reader = excel_file.opened if is_workbook(file, style) else csv_file.opened
    with ExitStack() as stack:
        with _damage_named(file):
            header, rows = stack.enter_context(reader(file, style))
        yield header, _told(file, rows)


def _told(file: Path, rows: Iterator[Row]) -> Iterator[Row]:
    with _damage_named(file):
        yield from rows


@contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    try:
        yield
    except (BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FileUnreadable(f"{file.name} is damaged, or not complete yet: {error}") from error
