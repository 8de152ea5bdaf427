"""What each event says to each Postgres read model, as rows; and what it says to none."""

from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors import ContractError
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED, SKU_DEFINED
from contracts.topics import ALERTS, REFERENCE_DATA
from projections.read_models.attendance_day.mapping import attendance_fact
from projections.read_models.event_index.mapping import index_entry
from projections.read_models.open_alerts.mapping import TransitionRow, alert_row
from projections.read_models.stock_on_hand.mapping import stock_fact
from projections.read_models.stores.mapping import version_row
from tests.projections.story import alert, at, corrected, counted, event, poison, punched, record, shift, sold, store, tick

LINES: list[dict[str, Any]] = [
    {"line": 1, "sku": "MILK", "quantity": "2", "unit_price": "1", "gross": 200},
    {"line": 2, "kind": "service", "sku": "BAG", "quantity": "1", "unit_price": "1", "gross": 100},
    {"line": 3, "kind": "return", "sku": "RICE", "quantity": "0.375", "unit_price": "1", "gross": 38},
]


@pytest.mark.parametrize(
    ("type_", "more", "expected"),
    [
        (SALE_COMPLETED, {}, {"MILK": Decimal(-2), "RICE": Decimal("0.375")}),
        (SALE_RETURNED, {}, {"MILK": Decimal(2), "RICE": Decimal("0.375")}),
        (SALE_VOIDED, {"phase": "after_completion"}, {"MILK": Decimal(2)}),
        (SALE_VOIDED, {"phase": "before_completion"}, {}),
    ],
)
def test_lines_move_stock_in_their_direction(type_: str, more: dict[str, str], expected: dict[str, Decimal]) -> None:
    """Sold goods leave, returned ones come in, services move nothing, and a void after completion undoes its items."""
    receipt = event(type_, "r", at(0), {"receipt_id": "r", "currency": "GBP", "lines": LINES, **more})
    fact = stock_fact(record(receipt, 0))

    assert fact is not None
    assert {row.sku: row.quantity for row in fact.movements} == expected


def test_a_count_line_has_its_own_time_or_that_of_its_sheet() -> None:
    """A sheet counted over an hour says for each line when."""
    lines = [{"line": 1, "sku": "A", "quantity": "1"}, {"line": 2, "sku": "B", "quantity": "2", "counted_at": at(30)}]
    fact = stock_fact(record(event("stock.counted.v1", "c", at(0), {"sheet_id": "c", "lines": lines}), 7))

    assert fact is not None
    assert [(row.sku, row.counted_at, row.position) for row in fact.counts] == [("A", at(0), 7), ("B", at(30), 7)]


def test_a_correction_carries_the_content_under_its_own_identity() -> None:
    """Its rows have the correction's id and the corrected event's time; an event that never was has no rows."""
    wrong = sold("a", at(5))
    right = corrected("c", wrong, sold("a", at(5), 4).data.model_dump(mode="json", exclude_none=True))
    fact, nothing = stock_fact(record(right, 1)), stock_fact(record(corrected("d", wrong), 2))

    assert fact is not None
    assert [(row.event_id, row.quantity, row.occurred_at) for row in fact.movements] == [(right.id, -4, at(5))]
    assert (fact.event.corrects_event_id, fact.event.corrects_type) == (wrong.id, SALE_COMPLETED)
    assert nothing is not None
    assert nothing.movements == ()


def test_a_correction_of_something_else_concerns_no_stock() -> None:
    """A corrected punch is attendance's, not stock's."""
    correction = record(corrected("c", punched("in", "p", at(0))), 0)

    assert stock_fact(correction) is None
    assert attendance_fact(correction) is not None


def test_a_punch_without_a_business_date_is_refused() -> None:
    """A day cannot be guessed from a time alone."""
    whole = record(punched("in", "p", at(0)), 0)
    bare = [(name, value) for name, value in whole.headers if name != "ce_businessdate"]

    with pytest.raises(ContractError, match="businessdate"):
        attendance_fact(type(whole)(whole.topic, 0, 0, whole.timestamp, whole.key, whole.value, bare))


def test_a_shift_belongs_to_the_local_date_of_its_start() -> None:
    """The offset that the event carries decides, not UTC."""
    seoul = timezone(timedelta(hours=9))
    fact = attendance_fact(record(shift("s", at(15 * 60 + 30).astimezone(seoul), at(22 * 60).astimezone(seoul)), 0))

    assert fact is not None
    assert fact.shift is not None
    assert (at(15 * 60 + 30).day, fact.shift.business_date.day) == (2, 3)


def test_the_index_reads_headers_only() -> None:
    """A value that cannot be parsed still has an identity; what concerns every store has no place in the index."""
    assert index_entry(poison(3, sold("a", at(0)))) is not None
    assert index_entry(record(tick(at(0)), 0)) is None
    with pytest.raises(ContractError):
        index_entry(type(record(tick(at(0)), 0))("t", 0, 0, 0, None, b"", [("ce_type", b"weather.v1")]))


def test_reference_data_becomes_the_row_of_its_table() -> None:
    """Each kind of version has its own table and columns."""
    sku = event(SKU_DEFINED, "sku", at(0), {"version": 1, "effective_from": at(0), "sku": "MILK", "name": "Milk"}, "*")

    assert version_row(record(store(), 0)).table == "store_versions"
    assert version_row(record(sku, 0, topic=REFERENCE_DATA)).table == "sku_versions"
    assert version_row(record(sku, 0, topic=REFERENCE_DATA)).values[0] == sku.id


def test_an_alert_keeps_its_evidence() -> None:
    """What the rule saw and expected is in the row, without empty fields."""
    row = alert_row(record(alert(2, "updated"), 5, topic=ALERTS))

    assert isinstance(row, TransitionRow)
    assert (row.transition, row.position, row.evidence) == (2, 5, {"observed": "none", "expected": "one", "event_ids": []})


def test_a_correction_of_something_else_is_no_answer_to_an_alert() -> None:
    """Only corrections of answers concern alerts."""
    assert alert_row(record(corrected("c", punched("in", "p", at(0))), 0)) is None


def test_mapping_is_a_function_of_the_record() -> None:
    """The same record gives the same rows."""
    assert stock_fact(record(counted("c", at(0), 5), 0)) == stock_fact(record(counted("c", at(0), 5), 0))
