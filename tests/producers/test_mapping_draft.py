"""Drafting a mapping for an unknown export: what is guessed is right, what cannot be known is asked, and the loader takes it."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.load_summary import LoadSummary
from producers.mappings.drafting.answers import Answers
from producers.mappings.drafting.dialect import delimiter_of
from producers.mappings.drafting.draft import drafted
from producers.mappings.drafting.encoding import encoding_of
from producers.mappings.drafting.moments import moments_of
from producers.mappings.drafting.notation import Notation, notation_of
from producers.mappings.drafting.reading import look_at
from producers.mappings.drafting.sampling import Spread
from producers.mappings.drafting.words import likeness
from producers.mappings.drafting.writing import written
from producers.mappings.drafting.yaml_text import scalar
from producers.mappings.reader import MappingInvalid, parse_mapping, read_mapping
from producers.mappings.schema import CsvMapping
from producers.sources.classifying import classifier
from producers.sources.mapped_csv import Row
from producers.sources.readings import Cells, LineRefused
from producers.tables.opening import opened
from tests.producers.twin import retail, translated, translated_rows, write_twin
from tests.producers.unknown_exports import Written, german_export, korean_export
from tillstream.cli import app

LONDON = Answers("shop", "Europe/London", "GBP")
SEOUL = Answers("hanbit", "Asia/Seoul", "KRW")
BERLIN = Answers("markt", "Europe/Berlin", "EUR")


def mapping_for(file: Path, answers: Answers) -> CsvMapping:
    """Draft a mapping, write it, and read it as the loader does."""
    return parse_mapping(written(drafted(look_at(file), answers)))


def kinds_by(mapping: CsvMapping, header: Sequence[str]) -> Callable[[Cells], str]:
    """Return the function that classifies a line by a mapping."""
    decide = classifier(mapping.rules, {name: place for place, name in enumerate(header)}, mapping.format)

    def kind(cells: Cells) -> str:
        try:
            rule = decide(cells)
        except LineRefused:
            return "quarantined"
        return f"{rule.line_class}/{rule.side}"

    return kind


def agreement(file: Path, draft: CsvMapping) -> float:
    """Return the share of lines that a draft classifies as the shipped mapping does."""
    same = Counter[bool]()
    with opened(file, draft.format) as (header, rows):
        one, other = kinds_by(draft, header), kinds_by(retail(), header)
        for row in rows:
            same[one(row.cells) == other(row.cells)] += 1
    return same[True] / same.total()


def test_the_twin_is_classified_as_by_the_shipped_mapping(tmp_path: Path) -> None:
    """Every trap of the wholesale file is in the twin; what differs are oddities that no file explains."""
    file = write_twin(tmp_path / "twin.csv", receipts=600)

    mapping = mapping_for(file, LONDON)

    assert agreement(file, mapping) >= 0.99
    assert [column.columns for column in (mapping.columns.receipt, mapping.columns.sku)] == [("InvoiceNo",), ("StockCode",)]
    assert mapping.columns.customer == retail().columns.customer
    assert mapping.columns.occurred_at == retail().columns.occurred_at


def test_the_measure_finds_a_wrong_draft(tmp_path: Path) -> None:
    """A mapping that takes every line for a sale is far from the mark."""
    file = write_twin(tmp_path / "twin.csv", receipts=600)
    mapping = mapping_for(file, LONDON)
    wrong = mapping.model_copy(update={"rules": tuple(rule for rule in mapping.rules if rule.line_class != "returned")})

    assert agreement(file, wrong) < 0.95


@pytest.mark.real_data
def test_the_real_file_is_classified_as_by_the_shipped_mapping(real_data: Path) -> None:
    """Half a million lines, of which the draft saw 20,000."""
    file = real_data / "online_retail.csv.gz"

    share = agreement(file, mapping_for(file, LONDON))

    assert share >= 0.999, share


def totals(export: Written, mapping: CsvMapping) -> tuple[dict[str, int], int, int, int]:
    """Translate a whole file; return classes, receipts, and the money of sales and of returns."""
    translation, events = translated(export.file, mapping)
    summary = LoadSummary()
    for found in events:
        summary.take(found)
    (money,) = summary.totals.values()
    assert [line.problem for line in translation.refused] == []
    return dict(translation.tally.classes), len(events), money.gross - money.discounts, money.returns


def test_a_korean_export_is_drafted_right(tmp_path: Path) -> None:
    """cp949, a title, thousands marks, two columns for the time, and receipt numbers that begin anew each day at each till."""
    export = korean_export(tmp_path / "판매내역.csv")

    mapping = mapping_for(export.file, SEOUL)

    columns = mapping.columns
    assert (mapping.format.encoding, mapping.format.skip_lines, mapping.format.thousands_mark) == ("cp949", 2, ",")
    assert columns.receipt.columns == ("영업일자", "포스번호", "영수증번호")
    assert (columns.occurred_at.columns, columns.occurred_at.formats) == (("영업일자", "판매시간"), ("%Y-%m-%d %H:%M:%S",))
    names = {role: column.columns[0] for role in ("store", "till", "discount", "tax") if (column := getattr(columns, role))}
    assert names == {"store": "매장명", "till": "포스번호", "discount": "할인금액", "tax": "부가세"}
    assert columns.employee is None, "a column of names is no column of opaque ids"
    assert totals(export, mapping) == (dict(export.classes), export.receipts, export.sold, export.returned)


def test_an_export_with_semicolons_and_decimal_commas_is_drafted_right(tmp_path: Path) -> None:
    """The tax rate is no tax, weights have three decimals, and a voucher is no sale."""
    export = german_export(tmp_path / "umsatz.csv")

    mapping = mapping_for(export.file, BERLIN)

    columns = mapping.columns
    assert (mapping.format.encoding, mapping.format.delimiter, mapping.format.decimal_mark) == ("cp1252", ";", ",")
    assert columns.occurred_at.formats == ("%d.%m.%Y %H:%M",)
    assert columns.tax is None
    assert (columns.quantity.columns, columns.unit_price.columns) == (("Menge",), ("Einzelpreis",))
    assert totals(export, mapping) == (dict(export.classes), export.receipts, export.sold, export.returned)


@pytest.mark.parametrize("export", [korean_export, german_export])
def test_what_no_file_tells_is_asked_and_refused_until_answered(tmp_path: Path, export: Callable[[Path], Written]) -> None:
    """Tenant, time zone and currency are decisions; the loader names each one that is open, and nothing else."""
    draft = drafted(look_at(export(tmp_path / "a.csv").file), Answers())

    with pytest.raises(MappingInvalid) as refused:
        parse_mapping(written(draft), "a.yaml")

    assert {problem.code for problem in refused.value.problems} == {"undecided"}
    pointers = {problem.pointer for problem in refused.value.problems}
    assert pointers == {"/tenant", "/stores/defaults/timezone", "/stores/defaults/currency"}
    assert len(draft.to_decide()) == 3


def test_a_draft_is_the_same_each_time(tmp_path: Path) -> None:
    """Nothing in it depends on chance or on the clock."""
    file = korean_export(tmp_path / "a.csv").file

    assert written(drafted(look_at(file), SEOUL)) == written(drafted(look_at(file), SEOUL))


def test_every_choice_says_how_sure_it_is(tmp_path: Path) -> None:
    """Beside each column and rule stands what it is based on."""
    lines = written(drafted(look_at(korean_export(tmp_path / "a.csv").file), SEOUL)).splitlines()

    columns = [line for line in lines[lines.index("columns:") + 1 : lines.index("stores:") - 1] if not line.startswith("  #")]
    classes = [line for line in lines if line.startswith("  - class:")]
    assert all(any(f"# {word}:" in line for word in ("sure", "likely", "unsure")) for line in columns + classes[:-1])


def test_a_column_that_the_loader_would_refuse_is_left_out(tmp_path: Path) -> None:
    """A customer column of telephone numbers would send every line to the quarantine."""
    file = tmp_path / "a.csv"
    rows = [
        f"R{number // 2},SKU{number % 9},{1 + number % 3},2.50,2026-01-01 10:{number % 60:02},010-1234-{number:04}" for number in range(200)
    ]
    file.write_text("\n".join(["receipt,sku,qty,price,time,customer", *rows]), "utf-8")

    draft = drafted(look_at(file), SEOUL)

    assert parse_mapping(written(draft)).columns.customer is None
    assert any(note.startswith("customer") for note in draft.unsure())


def test_a_file_without_header_gets_names(tmp_path: Path) -> None:
    """Roles come from the cells then, and are told to be unsure."""
    file = tmp_path / "a.csv"
    rng = random.Random(1)
    rows = [
        f"2026-01-01 10:{n % 60:02}:00;T{1000 + n // 3};{rng.randrange(1, 5)};{rng.randrange(100, 900)}.95;A{rng.randrange(50)}"
        for n in range(300)
    ]
    file.write_text("\n".join(rows), "utf-8")

    draft = drafted(look_at(file), LONDON)

    columns = parse_mapping(written(draft)).columns
    roles = [columns.occurred_at, columns.receipt, columns.quantity, columns.unit_price, columns.sku]
    assert [column.columns for column in roles] == [(f"column {place}",) for place in range(1, 6)]
    assert any(note.startswith("columns.receipt") for note in draft.unsure())


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


def test_a_workbook_is_drafted_from_its_cells(tmp_path: Path) -> None:
    """Real dates, real numbers, and a sheet among others: the draft reads what the loader will read."""
    openpyxl = pytest.importorskip("openpyxl", reason="reading Excel files needs openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Sales"
    book.active.append(["Receipt", "Item code", "Qty", "Unit price", "Sold at", "Shop"])
    for number in range(90):
        at = datetime(2026, 3, 1, 9) + timedelta(minutes=number)  # noqa: DTZ001 - a spreadsheet has no zones
        book.active.append([f"R{number // 3}", f"A{number % 7:03}", 1 + number % 4, 0.1 * (1 + number % 7), at, "Main"])
    book.create_sheet("Notes").append(["nothing"])
    book.save(tmp_path / "march.xlsx")

    draft = drafted(look_at(tmp_path / "march.xlsx"), LONDON)
    mapping = parse_mapping(written(draft))
    translation, events = translated_rows(*_opened(tmp_path / "march.xlsx", mapping), mapping)

    assert (mapping.format.kind, mapping.format.sheet) == ("excel", "Sales")
    assert any("Notes" in note for note in draft.unsure())
    assert (dict(translation.tally.classes), len(events), translation.refused) == ({"sold": 90}, 30, [])


def _opened(file: Path, mapping: CsvMapping) -> tuple[list[str], list[Row]]:
    with opened(file, mapping.format) as (header, rows):
        return header, list(rows)


def test_the_command_writes_a_mapping_and_says_what_is_open(tmp_path: Path) -> None:
    """With every answer given the file is ready to load; an existing one is not written over."""
    export, output = korean_export(tmp_path / "a.csv").file, tmp_path / "m.yaml"
    answers = ["--tenant", "hanbit", "--timezone", "Asia/Seoul"]

    open_one = CliRunner().invoke(app, ["mapping", "draft", str(export), *answers])
    done = CliRunner().invoke(app, ["mapping", "draft", str(export), *answers, "--currency", "KRW", "--output", str(output)])
    again = CliRunner().invoke(app, ["mapping", "draft", str(export), "--output", str(output)])
    wrong = CliRunner().invoke(app, ["mapping", "draft", str(export), "--timezone", "Asia/Soul"])

    assert (open_one.exit_code, done.exit_code, again.exit_code, wrong.exit_code) == (0, 0, 2, 2)
    assert "currency: the currency of the prices" in open_one.output
    assert "Please decide" not in done.output
    assert read_mapping(output).tenant == "hanbit"
