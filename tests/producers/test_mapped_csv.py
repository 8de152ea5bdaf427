"""Translation of export lines: classes, events, refusals, and independence of how receipts are interleaved."""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import build_event, encode, event_hash
from contracts.events.reference import StoreDefined
from contracts.events.sales import SaleCompleted, SaleReturned
from producers.mappings.reader import MappingInvalid, parse_mapping
from producers.sources.mapped_csv import FileChanged, MappingDoesNotFit, Row, Shape, Translation
from producers.sources.receipts import SourceEvent
from tests.examples import examples
from tests.producers.twin import GOLDEN, HEADER, INGESTED_AT, TRAPS, golden_of, retail, rows_of, translated, translated_rows, write_twin

COLUMNS = HEADER.split(",")

TILL_EXPORT = """
name: corner-shop
tenant: corner
format: {delimiter: ";", decimal_mark: ",", thousands_mark: "."}
columns:
  receipt: {columns: [Date, Till, No], join: "-"}
  sku: {columns: Article, case: upper}
  quantity: Qty
  unit_price: Price
  occurred_at: {columns: [Date, Time], formats: ["%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"]}
  till: Till
  discount: Off
  tax: Vat
  currency: Cur
stores:
  only: Shop 1
  effective_from: 2026-01-01T00:00:00+00:00
  defaults: {timezone: Europe/Berlin, currency: EUR, country: DE, cut_off_hour: 5}
rules:
  - {class: quarantined, when: [{column: Kind, equals: TRAIN}], reason: training, expected: a receipt of real trade}
  - {class: service, when: [{column: Kind, in: [BAG, DEPOSIT]}]}
  - {class: returned, when: [{column: Kind, equals: RET}]}
  - {class: sold, when: [{column: Kind, not: true, regex: "X.*"}]}
"""
TILL_HEADER = ["Date", "Time", "Till", "No", "Article", "Qty", "Price", "Off", "Vat", "Cur", "Kind"]


def corner_shop(*lines: str) -> tuple[Translation, list[SourceEvent]]:
    """Translate lines of an export that has nothing in common with the wholesale file."""
    return translated_rows(TILL_HEADER, rows_of([line.split(";") for line in lines]), parse_mapping(TILL_EXPORT))


def retail_rows(*lines: tuple[object, ...]) -> list[Row]:
    """Make rows of the wholesale file; descriptions without their CSV quotes."""
    return rows_of([[str(cell) for cell in line] for line in lines])


def test_the_twin_gives_the_committed_events(tmp_path: Path) -> None:
    """What a file becomes on the log changes only with a commit that shows it."""
    assert golden_of(*translated(write_twin(tmp_path / "twin.csv"), retail())) == json.loads(GOLDEN.read_text("utf-8"))


def test_every_line_is_in_exactly_one_class_and_on_one_event(tmp_path: Path) -> None:
    """The classes add up to the lines of the file, and the lines of the events to those not quarantined."""
    file = write_twin(tmp_path / "twin.csv", receipts=200)

    translation, events = translated(file, retail())

    lines = len(file.read_text("utf-8").splitlines()) - 1
    assert sum(translation.tally.classes.values()) == lines
    assert sum(len(found.event.data.lines) for found in events) == lines - len(translation.refused)


def test_contents_built_without_validating_equal_validated_ones(tmp_path: Path) -> None:
    """The fast path builds what full validation would have built, to the byte."""
    _, events = translated(write_twin(tmp_path / "twin.csv", receipts=100), retail())

    for found in events:
        checked = build_event(found.event.envelope, json.loads(found.event.data.model_dump_json(exclude_none=True)))
        assert checked.data == found.event.data
        assert encode(checked, "t") == encode(found.event, "t")


def test_ids_do_not_depend_on_when_a_file_is_loaded(tmp_path: Path) -> None:
    """A second load gives the same ids and content hashes, whatever the time."""
    file, mapping = write_twin(tmp_path / "twin.csv"), retail()
    _, first = translated(file, mapping)
    _, again = translated(file, mapping)

    assert [(found.event.id, event_hash(found.event)) for found in again] == [(found.event.id, event_hash(found.event)) for found in first]
    assert len({found.event.id for found in first}) == len(first)


@settings(max_examples=examples(30))
@given(st.permutations(range(len(TRAPS))))
def test_any_interleaving_of_receipts_gives_the_same_contents(order: list[int]) -> None:
    """Receipts may be split and mixed in any way, as long as the lines of each keep their order."""
    by_receipt: dict[str, list[list[str]]] = {}
    for line in TRAPS:
        by_receipt.setdefault(line[0], []).append([str(cell) for cell in line])
    waiting = {receipt: list(lines) for receipt, lines in by_receipt.items()}
    mixed = [waiting[TRAPS[place][0]].pop(0) for place in order]

    _, straight = translated_rows(COLUMNS, rows_of([line for lines in by_receipt.values() for line in lines]), retail())
    _, shuffled = translated_rows(COLUMNS, rows_of(mixed), retail())

    assert {f.event.id: event_hash(f.event) for f in shuffled} == {f.event.id: event_hash(f.event) for f in straight}


def test_events_come_in_the_order_in_which_receipts_are_complete() -> None:
    """A receipt that is split over the file is an event at its last line, with the time of its first."""
    _, events = translated_rows(COLUMNS, retail_rows(*TRAPS), retail())

    lasts = [found.last_line for found in events]
    split = next(found for found in events if found.receipt == "100003")
    assert lasts == sorted(lasts)
    assert (split.first_line, split.last_line) == (6, 8)
    assert split.event.envelope.occurred_at == datetime(2010, 12, 1, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        (3, "six", "not_a_number"),
        (6, "kim@example.com", "not_opaque"),
        (6, "010-1234-5678", "not_opaque"),
        (3, "1.000001", "not_a_number"),
        (4, "01/12/2010", "not_a_time"),
        (1, "", "missing"),
        (1, "A|B", "not_a_code"),
        (7, "Atlantis", "unknown_store"),
        (3, "-2", "no_known_kind"),
        (2, "x" * 501, "too_long"),
        (2, "bad \udcff byte", "unreadable_text"),
    ],
)
def test_a_refused_line_says_why_and_does_not_lose_its_neighbours(column: int, text: str, code: str) -> None:
    """One bad line of three is quarantined with its number and text; the receipt goes on with the other two."""
    lines = [["100001", f"8512{n}", "HEART", "6", "2010-12-01 08:26:00", "2.55", "", "France"] for n in range(3)]
    lines[1][column] = text
    if column == 7:  # the store is part of what makes a receipt
        lines = [lines[1], *[[*line[:7], "France"] for line in (lines[0], lines[2])]]

    translation, events = translated_rows(COLUMNS, rows_of(lines), retail())

    (refused,) = translation.refused
    assert (refused.problem.code, refused.row.cells[column]) == (code, text)
    assert [len(found.event.data.lines) for found in events] == [2]
    assert [line.line for line in events[0].event.data.lines] == [1, 2]


def test_a_row_of_another_width_is_refused_alone() -> None:
    """A line that lost a column is quarantined whole: nobody can say what its cells mean."""
    rows = rows_of([["100001", "85123", "HEART", "6", "2010-12-01 08:26:00", "2.55", "", "France"], ["100001", "85124"]])

    translation, events = translated_rows(COLUMNS, rows, retail())

    assert [line.problem.code for line in translation.refused] == ["wrong_columns"]
    assert translation.tally.classes == Counter(sold=1, quarantined=1)
    assert len(events) == 1


def test_a_receipt_takes_at_most_five_thousand_lines() -> None:
    """What no event can hold is quarantined line by line; the first five thousand are a sale."""
    line = ["100001", "85123", "HEART", "1", "2010-12-01 08:26:00", "1", "", "France"]

    translation, events = translated_rows(COLUMNS, rows_of([line] * 5003), retail())

    assert len(events[0].event.data.lines) == 5000
    assert [refused.problem.code for refused in translation.refused] == ["receipt_too_large"] * 3
    assert len(encode(events[0].event, "t").value) < 900_000


def test_what_rounding_left_over_is_on_the_receipt() -> None:
    """Three lines of 0.001 round to nothing; the receipt says that 0.003 are missing."""
    line = ["100001", "PADS", "PADS", "1", "2010-12-01 08:26:00", "0.001", "", "France"]

    _, events = translated_rows(COLUMNS, rows_of([line] * 3), retail())

    data = events[0].event.data
    assert isinstance(data, SaleCompleted)
    assert (sum(row.gross for row in data.lines), data.rounding_remainder) == (0, Decimal("0.003"))


def test_another_export_needs_a_mapping_only() -> None:
    """Semicolons, decimal commas, one fixed store, joined keys, discounts, taxes, a column that says what a line is."""
    translation, events = corner_shop(
        "31.12.2025;23:59;1;7;ab1;2;1.234,50;0,5;0,19;EUR;SALE",
        "31.12.2025;23:59;1;7;dep;1;0,25;;;EUR;DEPOSIT",
        "01.01.2026;00:01:30;1;7;ab1;1;2,5;;;EUR;RET",
        "01.01.2026;00:02;2;7;ab1;1;2,5;;;USD;SALE",
        "01.01.2026;00:03;2;8;ab1;1;2,5;;;EUR;TRAIN",
        "01.01.2026;00:03;2;8;ab1;1;2,5;3;;EUR;SALE",
        "01.01.2026;00:03;2;8;ab1;1;2,5;0,001;;EUR;SALE",
        "01.01.2026;00:03;2;8;ab1;1;2,5;;;EUR;X-RAY",
    )

    sale, back = events
    assert isinstance(sale.event.data, SaleCompleted)
    assert isinstance(back.event.data, SaleReturned)
    assert [(line.kind, line.sku, line.gross, line.discount, line.tax) for line in sale.event.data.lines] == [
        ("item", "AB1", 246900, 50, 19),
        ("service", "DEP", 25, 0, 0),
    ]
    assert (sale.event.store_id, sale.receipt, sale.event.data.till_id) == ("shop-1", "31.12.2025-1-7", "1")
    assert back.event.envelope.occurred_at.isoformat() == "2026-01-01T00:01:30+01:00"
    assert str(back.event.envelope.business_date) == "2025-12-31"  # before the cut-off at five
    codes = ["other_currency", "training", "discount_above_price", "not_minor_units", "no_rule"]
    assert [line.problem.code for line in translation.refused] == codes


def test_two_stores_never_share_an_id() -> None:
    """Names that make the same slug are two stores; the second is refused until the mapping gives it an id."""
    mapping = parse_mapping(TILL_EXPORT.replace("only: Shop 1", "table: {}").replace("  till: Till", "  till: Till\n  store: Till"))
    lines = [f"01.01.2026;00:03;{till};8;ab1;1;2,5;;;EUR;SALE".split(";") for till in ("Shop 1", "shop-1")]

    translation, events = translated_rows(TILL_HEADER, rows_of(lines), mapping)

    assert [found.event.store_id for found in events] == ["shop-1"]
    assert [line.problem.code for line in translation.refused] == ["store_id_taken"]


def test_stores_have_the_hours_that_the_mapping_says() -> None:
    """Those of the table go before those of all; without quotes a time would be a number, and is refused."""
    hours = '\n  defaults: {hours: [{weekday: monday, opens: "09:00", closes: "18:00"}], '
    table = 'table: {Shop 2: {hours: [{weekday: friday, opens: "10:00", closes: "02:00"}]}}'
    text = TILL_EXPORT.replace("\n  defaults: {", hours).replace("only: Shop 1", table)
    text = text.replace("  till: Till", "  till: Till\n  store: Till")
    lines = [f"01.01.2026;00:03;{till};8;ab1;1;2,5;;;EUR;SALE".split(";") for till in ("Shop 1", "Shop 2")]

    translation, _ = translated_rows(TILL_HEADER, rows_of(lines), parse_mapping(text))

    found = {event.data.store_id: event.data.hours for event in translation.stores.defined() if isinstance(event.data, StoreDefined)}
    assert {store_id: [each.weekday for each in named or ()] for store_id, named in found.items()} == {
        "shop-1": ["monday"],
        "shop-2": ["friday"],
    }
    with pytest.raises(MappingInvalid, match="a local time in quotes"):
        parse_mapping(text.replace('"10:00"', "10:00"))


def test_a_mapping_for_another_file_names_the_missing_columns() -> None:
    """Loading with the wrong mapping fails before anything is sent, and says which columns are there."""
    with pytest.raises(MappingDoesNotFit, match=r"no column 'Country', 'CustomerID'.*it has 'InvoiceNo'"):
        Shape(retail(), COLUMNS[:6])


def test_a_file_that_changes_between_the_passes_is_noticed() -> None:
    """Receipts with fewer or more lines than were counted would be wrong events: the load stops instead."""
    rows = retail_rows(*TRAPS)
    shape = Shape(retail(), COLUMNS)
    shorter = Translation(shape, shape.count(rows), INGESTED_AT)
    for row in rows[:-1]:
        shorter.add(row)
    longer = Translation(shape, shape.count(rows[:2]), INGESTED_AT)

    with pytest.raises(FileChanged):
        shorter.finish()
    with pytest.raises(FileChanged):
        list(map(longer.add, rows))
