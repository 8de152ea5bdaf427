"""Drafting a mapping for an unknown export: what is guessed is right, what cannot be known is asked, and the loader takes it."""

import csv
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from producers.load_summary import LoadSummary
from producers.mappings.drafting.answers import Answers
from producers.mappings.drafting.draft import drafted
from producers.mappings.drafting.reading import look_at
from producers.mappings.drafting.writing import written
from producers.mappings.reader import MappingInvalid, parse_mapping, read_mapping
from producers.mappings.schema import CsvMapping
from producers.sources.classifying import classifier
from producers.sources.mapped_csv import Row
from producers.sources.readings import Cells, LineRefused
from producers.tables.opening import opened
from producers.tables.unreadable import FileUnreadable
from tests.examples import examples
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
@pytest.mark.long
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


def test_a_workbook_is_drafted_from_its_cells(tmp_path: Path) -> None:
    """Real dates, real numbers, and a sheet among others: the draft reads what the loader will read."""
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


def test_a_missing_column_is_asked_for(tmp_path: Path) -> None:
    """A total is no price: the draft does not take the next best column, and the loader does not take the draft."""
    file = tmp_path / "a.tsv"
    rows = [f"R{number // 2}\tA{number % 9}\t{1 + number % 3}\tgift\t2026-01-01 10:{number % 60:02}" for number in range(60)]
    file.write_text("\n".join(["receipt\tsku\tqty\tremark\ttime", *rows]), "utf-8")

    draft = drafted(look_at(file), SEOUL)

    assert [place.split(":")[0] for place in draft.to_decide()] == ["columns.unit_price"]
    with pytest.raises(MappingInvalid, match="the price of one piece"):
        parse_mapping(written(draft))


@pytest.mark.parametrize("content", [b"", b"a,b,c,d,e\n", b"just text\nmore\n", b"PK\x03\x04\x00\x00,a,b\n\x00,1,2\n"])
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    """A draft of nothing would only hide that the wrong file was named."""
    (tmp_path / "a.csv").write_bytes(content)

    with pytest.raises(FileUnreadable, match=r"a\.csv"):
        look_at(tmp_path / "a.csv")


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.one_of(st.sampled_from(["receipt", "sku", "qty", "price", "time", "kind", "discount", "true", ""]), TEXTS)
CELLS = st.one_of(st.sampled_from(["1", "-2", "3.5", "2026-01-01 10:00", "반품", "C12", "POST", "x: #y"]), TEXTS)


@settings(max_examples=examples(60))
@given(st.lists(NAMES, min_size=5, max_size=5), st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=12))
def test_whatever_the_cells_a_draft_can_be_read(names: list[str], rows: list[list[str]]) -> None:
    """Names and cells are strangers' texts; nothing in them breaks the file, and what is wrong with it is only what is open."""
    text = StringIO(newline="")
    csv.writer(text).writerows([names, *rows])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_bytes(text.getvalue().encode())
        try:
            look = look_at(file)
        except FileUnreadable:
            return

    assert _problem_codes(written(drafted(look, SEOUL))) <= {"undecided"}


def _problem_codes(text: str) -> set[str]:
    try:
        parse_mapping(text)
    except MappingInvalid as error:
        return {problem.code for problem in error.problems}
    return set()
