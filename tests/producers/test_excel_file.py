# ruff: noqa: DTZ001 - spreadsheets know no time zones
"""Excel files: row numbers, exact numbers, dates to the second, codes with their zeros, and the same events as from CSV."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from contracts.codec import encode
from producers.csv_file import opened as opened_csv
from producers.mappings.schema import CsvFormat
from producers.quarantine import quarantined
from producers.sources.mapped_csv import Row, Shape, Translation
from producers.tables.excel_cells import cell_text
from producers.tables.opening import opened, raw_encoding
from producers.tables.unreadable import FileUnreadable
from tests.producers.twin import HEADER, INGESTED_AT, retail, translated, write_twin


def workbook(file: Path, rows: Sequence[Sequence[Any]], title: str = "Sales") -> Path:
    """Write a workbook of one sheet."""
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    book.save(file)
    return file


def read(file: Path, style: CsvFormat | None = None) -> tuple[list[str], list[Row]]:
    """Read a whole file."""
    with opened(file, style or CsvFormat()) as (header, rows):
        return header, list(rows)


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (0.1, "General", "0.1"),
        (0.1 + 0.2, "General", "0.3"),
        (3.3899999999999997, "General", "3.39"),
        (6.0, "0.00", "6"),
        (-0.0, "General", "0"),
        (1e20, "General", "100000000000000000000"),
        (8801234567890, "General", "8801234567890"),
        (42, "00000", "00042"),
        ("00042", "General", "00042"),
        (True, "General", "TRUE"),
        (None, "General", ""),
        (datetime(2011, 12, 9, 12, 50), "m/d/yy h:mm", "2011-12-09 12:50:00"),
        (datetime(2011, 12, 9, 12, 49, 59, 999000), "m/d/yy h:mm", "2011-12-09 12:50:00"),
        (datetime(2011, 12, 9, 12, 50, 0, 250000), "General", "2011-12-09 12:50:00.250"),
        (datetime(2011, 12, 9), "yyyy-mm-dd", "2011-12-09"),
        (datetime(2011, 12, 9, 0, 0, 1), "yyyy-mm-dd", "2011-12-09 00:00:01"),
        (datetime(2011, 12, 9), "yyyy-mm-dd hh:mm", "2011-12-09 00:00:00"),
        (datetime(2011, 12, 9), '[$-412]yyyy"hours"mm', "2011-12-09"),
        (time(9, 5, 7), "h:mm:ss", "09:05:07"),
        (timedelta(hours=26, minutes=3), "[h]:mm", "26:03:00"),
    ],
)
def test_a_cell_becomes_the_text_that_was_meant(value: Any, number_format: str, text: str) -> None:
    """Numbers lose binary noise and nothing else, dates keep their seconds, codes their zeros."""
    assert cell_text(value, number_format) == text


def test_a_decimal_comma_of_the_mapping_holds_for_numbers_too() -> None:
    """A sheet may hold both numbers and texts such as 1,5; one notation must read both."""
    assert cell_text(0.5, "General", ",") == "0,5"


def test_every_second_of_a_day_survives(tmp_path: Path) -> None:
    """A date is a fraction of a day on disk; no second is lost on the way back."""
    begin = datetime(2026, 3, 1)
    moments = [begin + timedelta(seconds=number) for number in range(0, 86_400, 7)]

    _, rows = read(workbook(tmp_path / "a.xlsx", [["at"], *([moment] for moment in moments)]))

    assert [row.cells[0] for row in rows] == [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments]


def test_row_numbers_are_those_of_the_sheet(tmp_path: Path) -> None:
    """Empty rows are no rows, but they are counted; short rows are filled, and what stands beyond the header is refused."""
    file = workbook(tmp_path / "a.xlsx", [["a", "b"], ["1"], [], ["", None], ["2", "x", None], ["3", "x", "y"], [None, None]])

    header, rows = read(file)

    assert header == ["a", "b"]
    assert [(row.number, row.cells) for row in rows] == [(2, ["1", ""]), (5, ["2", "x"]), (6, ["3", "x", "y"])]


def test_a_title_above_the_header_and_merged_cells_do_no_harm(tmp_path: Path) -> None:
    """Skipped rows keep their numbers; the empty part of a merged area is no row."""
    book = openpyxl.Workbook()
    for row in (["Daily report"], [], ["a", "b"], ["1", "2"], ["total", "2"], [None, None]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A5:A6")
    book.save(tmp_path / "a.xlsx")

    header, rows = read(tmp_path / "a.xlsx", CsvFormat(skip_lines=2))

    assert (header, [(row.number, row.cells) for row in rows]) == (["a", "b"], [(4, ["1", "2"]), (5, ["total", "2"])])


def test_a_sheet_is_found_by_name_even_if_hidden(tmp_path: Path) -> None:
    """Without a name the first sheet that people see is read; a wrong name is answered with the right ones."""
    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "Raw", "hidden"
    book.active.append(["hidden"])
    book.create_sheet("Sales").append(["shown"])
    book.save(tmp_path / "a.xlsx")

    assert read(tmp_path / "a.xlsx")[0] == ["shown"]
    assert read(tmp_path / "a.xlsx", CsvFormat(sheet="Raw"))[0] == ["hidden"]
    with pytest.raises(FileUnreadable, match="'Raw', 'Sales'"):
        read(tmp_path / "a.xlsx", CsvFormat(sheet="Sale"))


def test_a_formula_gives_the_value_that_was_saved_with_it(tmp_path: Path) -> None:
    """Nothing is computed here: what the author saw is what is loaded."""
    plain, file = workbook(tmp_path / "plain.xlsx", [["a"], [7]]), tmp_path / "a.xlsx"
    with ZipFile(plain) as source, ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name).replace(b"<v>7</v>", b"<f>3+4</f><v>7.5</v>")
            target.writestr(name, content)

    assert read(file)[1][0].cells == ["7.5"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.xlsx", b"a,b\n1,2\n"), ("a.xls", b"\xd0\xcf\x11\xe0"), ("a.csv.gz", b"\x1f\x8b\x08\x00")]
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    """The name of the file stands in the message."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FileUnreadable, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "other"])
def test_a_damaged_workbook_is_read_or_refused_in_one_sentence(tmp_path: Path, part: str, damage: str) -> None:
    """Whatever is broken in it, the file is named; nothing else comes out of the reader."""
    plain, file = workbook(tmp_path / "plain.xlsx", [["a"], [7], [datetime(2026, 1, 1)]]), tmp_path / "a.xlsx"
    with ZipFile(plain) as source, ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                content = {"missing": b"", "cut": content[: len(content) // 2], "empty": b"", "other": b"<x/>"}[damage]
            if name != part or damage != "missing":
                target.writestr(name, content)

    assert _refusal(file) is None or "a.xlsx" in str(_refusal(file))


def _refusal(file: Path) -> FileUnreadable | None:
    try:
        read(file)
    except FileUnreadable as error:
        return error
    return None


def test_a_workbook_may_have_any_name(tmp_path: Path) -> None:
    """A mapping that says so reads a workbook from a file called otherwise, and refuses a text file."""
    workbook(tmp_path / "a.xlsx", [["a"], [1]]).rename(tmp_path / "export.dat")
    (tmp_path / "text.csv").write_text("a,b", "utf-8")

    assert read(tmp_path / "export.dat", CsvFormat(kind="excel"))[0] == ["a"]
    with pytest.raises(FileUnreadable, match=r"text\.csv is no Excel workbook"):
        read(tmp_path / "text.csv", CsvFormat(kind="excel"))


def test_a_refused_row_is_kept_with_its_cells(tmp_path: Path) -> None:
    """The quarantine has the row number and every cell, whatever encoding the mapping names for text files."""
    rows = [retail_header(), ["1", "K", "한글", "x", datetime(2011, 1, 1), 1.5, None, "France"]]
    file = workbook(tmp_path / "a.xlsx", rows)
    mapping = retail().model_copy(update={"format": CsvFormat(encoding="ascii")})

    translation, _ = translate(file, CsvFormat())
    kept = quarantined("load/x", translation.refused[0], raw_encoding(file, mapping.format))

    assert (kept.line_number, kept.code) == (2, "not_a_number")
    assert kept.raw.decode() == '["1", "K", "한글", "x", "2011-01-01 00:00:00", "1.5", "", "France"]'


def retail_header() -> list[str]:
    """Return the header of the wholesale file."""
    return HEADER.split(",")


def translate(file: Path, style: CsvFormat) -> tuple[Translation, list[Any]]:
    """Translate a file with the shipped mapping."""
    with opened(file, style) as (header, rows):
        content = list(rows)
    shape = Shape(retail(), header)
    translation = Translation(shape, shape.count(content), INGESTED_AT)
    return translation, [found for row in content for found in translation.add(row)]


def test_the_same_sales_from_excel_are_the_same_events(tmp_path: Path) -> None:
    """An export saved as a workbook, with real numbers and dates, gives byte for byte what its CSV gives."""
    source = write_twin(tmp_path / "twin.csv", receipts=60)
    with opened_csv(source, CsvFormat()) as (header, lines):
        typed = [_typed(row.cells) for row in lines]
    file = workbook(tmp_path / "twin.xlsx", [header, *typed])

    from_csv, from_excel = translated(source, retail()), translate(file, CsvFormat())

    assert from_excel[0].tally == from_csv[0].tally
    assert [(line.row.number, line.problem) for line in from_excel[0].refused] == [
        (line.row.number, line.problem) for line in from_csv[0].refused
    ]
    assert [encode(found.event, "").value for found in from_excel[1]] == [encode(found.event, "").value for found in from_csv[1]]


def _typed(cells: Sequence[str]) -> list[Any]:
    invoice, code, description, quantity, at, price, customer, country = cells
    moment = datetime.strptime(at, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - a spreadsheet has no zones
    return [invoice, code, description, int(quantity), moment, float(price), float(customer) if customer else None, country]
