"""Reading files: line numbers, exact text, compression, bytes that are no text."""

import gzip
from pathlib import Path

from contracts.errors import Problem
from producers.csv_file import opened
from producers.mappings.schema import CsvFormat
from producers.quarantine import quarantined
from producers.sources.mapped_csv import RefusedLine, Row


def read(file: Path, style: CsvFormat | None = None) -> tuple[list[str], list[Row]]:
    """Read a whole file."""
    with opened(file, style or CsvFormat()) as (header, rows):
        return header, list(rows)


def test_a_record_over_several_lines_has_the_number_of_its_first(tmp_path: Path) -> None:
    """Line numbers are those an editor shows, and the text is that of the file."""
    file = tmp_path / "a.csv"
    file.write_bytes(b'a,b\r\n1,2\r\n"x\r\ny",3\r\n\r\n4,5\r\n')

    header, rows = read(file)

    assert header == ["a", "b"]
    assert [(row.number, row.cells) for row in rows] == [(2, ["1", "2"]), (3, ["x\r\ny", "3"]), (6, ["4", "5"])]
    assert rows[1].raw == '"x\r\ny",3'


def test_a_compressed_file_reads_the_same(tmp_path: Path) -> None:
    """The suffix .gz is all it takes; a byte order mark is no part of the header."""
    content = "\ufeffa,b\n1,é\n".encode()
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))

    assert read(tmp_path / "a.csv") == read(tmp_path / "a.csv.gz") == (["a", "b"], [Row(2, ["1", "é"], "1,é")])


def test_bytes_that_are_no_text_reach_the_quarantine_untouched(tmp_path: Path) -> None:
    """A line in another encoding does not end the load, and its bytes are kept as they were."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"a,b\n1,\xff\xfe\n2,3\n")

    _, rows = read(file)

    kept = quarantined("load/x", RefusedLine(rows[0], Problem("unreadable_text", "/b", "text")), "utf-8")
    assert (kept.raw, kept.line_number) == (b"1,\xff\xfe", 2)
    assert rows[1].cells == ["2", "3"]


def test_a_file_without_header_takes_its_names_from_the_mapping(tmp_path: Path) -> None:
    """The first line is data then, and line 1."""
    file = tmp_path / "a.csv"
    file.write_text("1;2\n", "utf-8")

    assert read(file, CsvFormat(delimiter=";", header=("a", "b"))) == (["a", "b"], [Row(1, ["1", "2"], "1;2")])


def test_a_field_without_end_is_one_refusable_record(tmp_path: Path) -> None:
    """A quote that is never closed swallows the rest of the file; nothing of it is lost or read twice."""
    file = tmp_path / "a.csv"
    file.write_text('a,b\n1,2\n3,"4\n5,6\n', "utf-8")

    _, rows = read(file)

    assert [row.number for row in rows] == [2, 3]
    assert rows[1].raw == '3,"4\n5,6'
