"""The parts of a draft: encoding, delimiter, marks of numbers, formats of times, names, and the sample that is looked at."""

from typing import Any

import pytest

from producers.mappings.drafting.dialect import delimiter_of
from producers.mappings.drafting.encoding import encoding_of
from producers.mappings.drafting.moments import moments_of
from producers.mappings.drafting.notation import Notation, notation_of
from producers.mappings.drafting.sampling import Spread
from producers.mappings.drafting.words import likeness
from producers.mappings.drafting.yaml_text import scalar
from producers.mappings.reader import parse_mapping


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("plain", "ascii", "utf-8"),
        ("매장 강남점", "utf-8", "utf-8"),
        ("매장 강남점 똠방각하", "cp949", "cp949"),
        ("매장 강남점", "euc-kr", "cp949"),
        ("café, Größe, señor", "cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(text: str, encoding: str, expected: str) -> None:
    """Korean and Western European text is told apart, and UTF-8 from both."""
    content = text.encode(encoding)

    assert encoding_of(content[:4], [] if content.isascii() else [content]).value == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "12000"], Notation(".", "")),
        (["1.5", "12000.25"], Notation(".", "")),
        (["1,5", "12000,25"], Notation(",", "")),
        (["1,200", "12,000", "5"], Notation(".", ",")),
        (["1.200,50", "5"], Notation(",", ".")),
        (["1'200.50", "5"], Notation(".", "'")),
        (["01.12.2010", "02.12.2010"], Notation(".", "")),
    ],
)
def test_the_marks_of_numbers_are_told_from_the_numbers(texts: list[str], expected: Notation) -> None:
    """Dates are no numbers, and a mark before three digits stands between thousands."""
    assert notation_of([texts]).value == expected


@pytest.mark.parametrize(
    ("texts", "formats", "rival"),
    [
        (["2026-03-01 10:00", "2026-03-01 10:05:09"], ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"), None),
        (["20260301101500"], ("%Y%m%d%H%M%S",), None),
        (["2026-03-01T10:00:00+09:00"], ("%Y-%m-%dT%H:%M:%S%z",), None),
        (["31/01/2026", "01/02/2026"], ("%d/%m/%Y",), None),
        (["01/11/2026", "01/12/2026", "02/01/2026"], ("%m/%d/%Y",), None),
        (["03/04/2026"], ("%d/%m/%Y",), "%m/%d/%Y"),
        (["2026년 3월 1일"], ("%Y년 %m월 %d일",), None),
    ],
)
def test_formats_of_times_are_told_from_the_times(texts: list[str], formats: tuple[str, ...], rival: str | None) -> None:
    """Where day and month could be swapped, time going forward decides, and else the doubt is kept."""
    found = moments_of(texts)

    assert found is not None
    assert (found.formats, found.rival) == (formats, rival)


@pytest.mark.parametrize("texts", [["536365", "536366"], ["8801115114154"], ["2.55"], ["12345678"], ["A-1"], ["99991231"]])
def test_numbers_and_codes_are_no_times(texts: list[str]) -> None:
    """A reader of digits without separators would find dates everywhere."""
    assert moments_of(texts) is None


def test_the_delimiter_is_the_one_that_makes_even_columns() -> None:
    """Commas within prices do not make a file of semicolons one of commas."""
    assert delimiter_of(["a;b;c\n", "1,5;2,5;x\n", "2,5;3,5;y, z\n"]).value == ";"


@pytest.mark.parametrize(
    ("name", "role"), [("InvoiceNo", "receipt"), ("Unit Price", "unit_price"), ("판매 단가", "unit_price"), ("QTY", "quantity")]
)
def test_names_are_read_however_they_are_written(name: str, role: Any) -> None:
    """Compounds, spaces and cases do not matter."""
    assert likeness(name, role) >= 0.6


@pytest.mark.parametrize(("name", "role"), [("할인율", "discount"), ("VAT rate", "tax"), ("MwSt-Satz", "tax")])
def test_a_rate_is_no_amount(name: str, role: Any) -> None:
    """Nineteen per cent is not nineteen euros."""
    assert likeness(name, role) == 0


@pytest.mark.parametrize("size", [0, 30, 1000, 5000, 54_321])
def test_a_sample_spreads_over_the_file_and_stays_small(size: int) -> None:
    """The beginning, and even runs of the rest; never more than was allowed."""
    spread = Spread(head=100, run=10, runs=20)
    for number in range(size):
        spread.add([str(number)])

    sample = spread.sample(["n"])
    numbers = [int(row[0]) for row in sample.rows()]

    assert sample.total_rows == size
    assert numbers[:100] == list(range(min(size, 100)))
    assert len(numbers) == len(set(numbers)) <= 300
    assert all(int(later[0]) == int(row[0]) + 1 for row, later in sample.neighbours())
    assert size <= 300 or max(numbers) >= 0.85 * size


@pytest.mark.parametrize(
    "text", ["a", "true", "0012", "", "ab: c", "x # y", "가 나", "[a]", '"', "\\D+", "No", "1.5", "-", "%Y-%m", "a, b", "null"]
)
def test_what_is_written_reads_back_the_same(text: str) -> None:
    """Names of columns may be anything; the loader's own reader judges."""
    mapping = f"""
name: x
tenant: {scalar([text or "x"])[1:-1]}
columns: {{receipt: r, sku: s, quantity: q, unit_price: p, occurred_at: {{columns: t, formats: "%Y-%m-%d"}}}}
stores: {{only: m, effective_from: 2026-01-01T00:00:00+00:00, defaults: {{timezone: UTC, currency: EUR, country: DE}}}}
rules: [{{class: sold, when: [{{column: c, equals: {scalar(text)}}}]}}]
"""
    assert parse_mapping(mapping).rules[0].when[0].equals == text
