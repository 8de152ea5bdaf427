"""Receipts as columns are the rows of the mapping; without any server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from msgspec.structs import replace

from contracts.codec import content_hash, decode
from contracts.envelope import Event
from contracts.fields import Model
from contracts.records import LogRecord
from projections.batching import Outcome
from projections.facts import recorded_at
from projections.read_models.sales_lines.columns import quick_receipts, receipt_columns
from projections.read_models.sales_lines.mapping import Origin, map_event, version_of
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALES_LINES
from projections.sinks.clickhouse_model import Judgement
from projections.sinks.clickhouse_sales import Candidate, SalesModel
from tests.examples import examples
from tests.projections.clickhouse.sales_events import DAY, at, corrected, heaps, line, on_log, returned, sale, voided

INDIA, NEWFOUNDLAND = timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3, minutes=30))
PAID = {"tenders": [{"kind": "cash", "amount": 1300, "change": 200, "tip": 100}, {"kind": "card", "amount": 0}]}


def shop() -> list[Event[Model]]:
    """Return receipts of every kind, with everything that has a column."""
    included = line(1, 1100, discount=100) | {"tax": 91, "tax_included": True}
    promoted = line(3, 250, "0.5") | {"promotion_id": "2PLUS1", "gross": 125}
    taken_back, cheap = line(1, 900) | {"kind": "return"}, line(2, 100)
    everything = {"till_id": "T1", "employee_id": "E-1", "period_id": "P1", "channel": "phone"}
    return [
        sale("R1", at(9, 59), line(1, 1200), **PAID, **everything),
        sale("R2", datetime(2026, 3, 2, 9, 10, 7, 250_000, tzinfo=INDIA), included, line(2, 300, kind="service"), promoted),
        sale("R3", at(10, zone=NEWFOUNDLAND), taken_back, cheap, tenders=[{"kind": "cash", "amount": 800}]),
        returned("T1", at(11), line(1, 1200), **PAID),
        voided("V1", at(12), line(1, 1200), **PAID),
        voided("V2", at(12), line(1, 1200), phase="before_completion"),
        sale("R4", at(23, 59), line(1, 1200, "2"), store="S2", currency="JPY", day=DAY + timedelta(days=1)),
    ]


def mapped(records: Sequence[LogRecord], first_position_wins: bool = True) -> list[pa.Table]:
    """Return the rows of both tables as the mapping of rows makes them."""
    facts = []
    for record in records:
        version = version_of(record.offset, first_position_wins)
        hashed = content_hash(record.headers, record.value)
        facts.append(map_event(decode(record), Origin(record.partition, record.offset, recorded_at(record), hashed, version)))
    lines, tenders = ([rows for rows in of_table if rows.own] for of_table in ([f.lines for f in facts], [f.tenders for f in facts]))
    return [SALES_LINES.arrow_of(lines), RECEIPT_TENDERS.arrow_of(tenders) if tenders else RECEIPT_TENDERS.schema.empty_table()]


def in_columns(records: Sequence[LogRecord], first_position_wins: bool = True) -> list[pa.Table]:
    """Return them as columns; all records are read so."""
    receipts = [found for found in quick_receipts(records) if found is not None]
    assert len(receipts) == len(records)
    columns = receipt_columns(receipts, first_position_wins)
    return [columns.lines, columns.tenders]


def test_every_column_has_the_value_that_the_mapping_gives_it() -> None:
    """Each kind of receipt, line and tender, in odd zones, one by one and together; whichever copy of an event is to win."""
    records = on_log(shop())
    for some in ([record] for record in records):
        assert in_columns(some) == mapped(some)
    assert in_columns(records) == mapped(records)
    assert in_columns(records, first_position_wins=False) == mapped(records, first_position_wins=False)


def test_each_row_knows_of_which_record_it_is() -> None:
    """By these places repeats are left out and refused events are found."""
    records = on_log([*shop(), corrected("C1", shop()[0], sale("right", at(9), line(1, 700), **PAID))])
    portion = next(each.portion for each in SalesModel().read(30, records) if isinstance(each, Candidate))

    for block in (portion.lines, portion.tenders, portion.corrections):
        assert block.rows.column("position").to_pylist() == [records[place - 30].offset for place in block.places]
        assert block.rows.column("partition").to_pylist() == [records[place - 30].partition for place in block.places]
    assert [len(block.places) for block in (portion.lines, portion.tenders, portion.corrections)] == [11, 9, 1]


@given(heaps())
@settings(max_examples=examples(30))
def test_any_heap_is_read_to_the_rows_of_the_mapping(events: list[Event[Model]]) -> None:
    """Records of all kinds in one portion: canonical receipts, corrections, and receipts that are not in canonical form."""
    records = on_log(events)
    odd = [
        replace(each, value=(each.value or b"").replace(b":{", b": {").replace(b",", b" ,")) if number % 3 == 0 else each
        for number, each in enumerate(records)
    ]
    expected, found = mapped(records), SalesModel().read(100, odd)

    assert [(each.place, each.key, each.position, each.day) for each in found if isinstance(each, Candidate)] == [
        (place, (event.store_id, event.id.bytes), record.offset, event.envelope.business_date)
        for place, (event, record) in enumerate(zip(events, records, strict=True), 100)
    ]
    portion = next(each.portion for each in found if isinstance(each, Candidate))
    for table, block in zip(expected, (portion.lines, portion.tenders), strict=True):
        keys = [(name, "ascending") for name in ("partition", "position", table.column_names[3])]
        same_hash = block.rows.drop_columns(["event_hash"]).combine_chunks().sort_by(keys)
        assert same_hash == table.drop_columns(["event_hash"]).sort_by(keys)
    assert {(100 + place) for place in range(len(records))} >= set(portion.lines.places.tolist()) >= set(portion.tenders.places.tolist())


def test_what_is_not_read_in_columns_is_read_by_rows_and_judged_there() -> None:
    """A damaged receipt is dead, a correction of another family is filtered, and a correction keeps its link."""
    bought = sale("R1", at(9))
    right = corrected("C1", bought, sale("right", at(9), line(1, 700)))
    gone = corrected("C2", bought)
    strange = type(gone)(gone.envelope, gone.data.model_copy(update={"corrects_type": "clock.in.v1"}))
    [good, correction, other] = on_log([bought, right, strange])
    [first, second, third, fourth] = SalesModel().read(0, [good, replace(good, value=b"{}"), correction, other])

    assert isinstance(second, Judgement)
    assert (second.outcome, isinstance(fourth, Judgement) and fourth.outcome) == (Outcome.DEAD, Outcome.FILTERED)
    assert isinstance(first, Candidate)
    assert isinstance(third, Candidate)
    assert (first.is_correction, third.is_correction, first.portion is third.portion) == (False, True, True)
    assert first.portion.lines.places.tolist() == [0, 2]
    assert first.portion.corrections.places.tolist() == [2]


def test_an_event_whose_values_do_not_fit_its_columns_is_named() -> None:
    """Its neighbours keep their rows."""
    bought = sale("R1", at(9))
    far = corrected("C1", bought, sale("right", at(9), line(1, 700)))
    assert far.data.corrects_occurred_at.astimezone(UTC)  # type: ignore[attr-defined]
    records = on_log([bought, far, corrected("C2", bought)])
    model = SalesModel()
    model._facts = _unfit(model._facts, records[1].offset)  # type: ignore[method-assign]
    found = model.read(0, records)
    portion = next(each.portion for each in found if isinstance(each, Candidate))

    assert list(portion.unfit) == [1]
    assert portion.lines.places.tolist() == [0]
    assert portion.corrections.places.tolist() == [1, 2]


def _unfit(facts_of: Any, offset: int) -> Any:
    def read(record: LogRecord) -> Any:
        key, facts = facts_of(record)
        if record.offset != offset:
            return key, facts
        number, *rest = facts.lines.own[0]
        return key, facts._replace(lines=facts.lines._replace(own=[(-number, *rest)]))

    return read
