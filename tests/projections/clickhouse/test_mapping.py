"""From events to rows, without any server."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from contracts.codec import content_hash, decode, peek_type
from contracts.errors import UnreadableRecord
from contracts.quick_codec import compiled_events
from projections.facts import EventRows
from projections.read_models.event_log.mapping import EventLogRow, map_record, recorded_at
from projections.read_models.event_log.table import EVENT_LOG
from projections.read_models.sales_lines.mapping import (
    Origin,
    SaleCorrectionRow,
    SaleFacts,
    concerns_sales,
    local_hour,
    map_event,
    version_of,
)
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_LINES
from projections.sinks.clickhouse_table import ClickHouseTable, UnfitRows
from tests.projections.clickhouse.sales_events import DAY, at, corrected, line, on_log, returned, sale, voided


def whole(table: ClickHouseTable, rows: EventRows) -> list[Any]:
    """Return the rows of an event with all columns of the table by their names."""
    row = namedtuple(table.stem, [column.name for column in table.columns])
    found = []
    for own in rows.own:
        head, rest = iter(rows.head), iter(own)
        found.append(row(*(next(head if column.name in table.of_event else rest) for column in table.columns)))
    return found


def mapped(*events: object) -> list[SaleFacts]:
    """Map events as if they stood on the log."""
    records = on_log(list(events))  # type: ignore[arg-type]
    return [
        map_event(decode(r), Origin(r.partition, r.offset, recorded_at(r), content_hash(r.headers, r.value), version_of(r.offset)))
        for r in records
    ]


@pytest.mark.parametrize(
    ("row", "table"), [(SaleCorrectionRow, SALE_CORRECTIONS), (EventLogRow, EVENT_LOG)], ids=["corrections", "archive"]
)
def test_a_row_has_the_columns_of_its_table_in_their_order(row: Any, table: ClickHouseTable) -> None:
    """Rows are sent by position: one swapped pair would put discounts into taxes."""
    assert row._fields == tuple(column.name for column in table.columns)


def test_every_column_of_a_line_and_of_a_tender_has_its_own_value() -> None:
    """What a receipt says once and what each line says of its own are sent apart, by position: each must arrive under its name."""
    promoted = line(3, 1000, "2", discount=30) | {"promotion_id": "2PLUS1", "sku": "MILK", "kind": "item", "tax": 91}
    more = {"tenders": [{"kind": "cash", "amount": 2200, "change": 100, "tip": 39}], "till_id": "T7", "employee_id": "E-9"}
    record = next(iter(on_log([sale("R1", at(9, 59), promoted, **more, period_id="P1", channel="phone")])))
    [facts] = mapped(sale("R1", at(9, 59), promoted, **more, period_id="P1", channel="phone"))

    origin = {
        "store_id": "S1", "business_date": DAY, "event_type": "sale.completed.v1", "is_correction": 0,
        "event_hash": content_hash(record.headers, record.value), "partition": record.partition, "position": record.offset,
        "version": version_of(record.offset), "recorded_at": recorded_at(record), "occurred_at": at(9, 59).astimezone(UTC),
        "currency": "KRW", "phase": "", "till_id": "T7", "employee_id": "E-9", "period_id": "P1",
    }  # fmt: skip
    [of_line] = whole(SALES_LINES, facts.lines)
    assert {name: value for name, value in of_line._asdict().items() if name != "event_id"} == origin | {
        "line": 3, "line_count": 1, "hour_start": at(9).astimezone(UTC), "utc_offset_minutes": 540, "kind": "item", "sku": "MILK",
        "quantity": Decimal(2), "gross": 2000, "discount": 30, "tax": 91, "receipt_id": "R1", "channel": "phone",
        "promotion_id": "2PLUS1", "tender_count": 1,
    }  # fmt: skip
    [of_tender] = whole(RECEIPT_TENDERS, facts.tenders)
    assert {name: value for name, value in of_tender._asdict().items() if name != "event_id"} == origin | {
        "tender": 1, "kind": "cash", "direction": 1, "amount": 2200, "change": 100, "tip": 39,
    }  # fmt: skip


def test_compiled_content_is_mapped_to_the_same_rows() -> None:
    """Sales are mapped from what was compiled, everything else from models: whichever it was, the rows are the same."""
    paid = {"tenders": [{"kind": "cash", "amount": 900}], "till_id": "1"}
    dear, cheap = line(1, 500, "1.5") | {"kind": "return"}, line(2, 100)
    events = [
        sale("R1", at(9), line(1), line(2, 250, "3"), **paid),
        sale("R2", at(10), dear, cheap),
        voided("V1", at(9)),
        returned("T1", at(9)),
    ]
    for record in on_log(events):
        origin = Origin(record.partition, record.offset, recorded_at(record), 1, 2)
        (compiled,) = compiled_events(str(peek_type(record.headers)), [record])
        assert compiled is not None
        assert map_event(compiled, origin) == map_event(decode(record), origin)


def test_each_line_of_a_receipt_is_a_row_that_knows_how_many_there_are() -> None:
    """Nothing is folded away in the mapping, and a lost line can be seen."""
    [facts] = mapped(sale("R1", at(9, 59), line(1, 250, "2", discount=30), line(2, 900, kind="service")))

    assert [(r.line, r.kind, r.quantity, r.gross, r.discount, r.line_count) for r in whole(SALES_LINES, facts.lines)] == [
        (1, "item", Decimal(2), 500, 30, 2),
        (2, "service", Decimal(1), 900, 0, 2),
    ]
    assert facts.corrections == ()


@pytest.mark.parametrize(
    ("moment", "hour_start", "offset"),
    [
        (at(9, 59), datetime(2026, 3, 2, 0, tzinfo=UTC), 540),
        (datetime(2026, 3, 2, 9, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))), datetime(2026, 3, 2, 3, 30, tzinfo=UTC), 330),
        (datetime(2026, 3, 2, 9, 40, tzinfo=timezone(-timedelta(hours=3, minutes=30))), datetime(2026, 3, 2, 12, 30, tzinfo=UTC), -210),
        (datetime(2100, 1, 1, 0, 5, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), 0),
    ],
)
def test_the_hour_of_a_sale_is_the_hour_that_its_store_showed(moment: datetime, hour_start: datetime, offset: int) -> None:
    """Half-hour zones have buckets that begin at half past in UTC."""
    assert local_hour(moment) == (hour_start, offset)


def test_the_repeated_hour_at_a_clock_change_gives_two_buckets() -> None:
    """The same wall clock under two offsets is two hours of trade."""
    summer, winter = (datetime(2026, 10, 25, 1, 30, tzinfo=timezone(timedelta(hours=h))) for h in (1, 0))

    assert local_hour(summer)[0] + timedelta(hours=1) == local_hour(winter)[0]


def test_a_correction_counts_with_the_right_content_in_the_hour_of_what_it_corrects() -> None:
    """The content is the replacement, the identity is the correction's, the time is the wrong event's."""
    wrong = sale("R1", at(9, 20), line(1, 500))
    correction = corrected("C1", wrong, sale("right", at(15), line(1, 700)))
    [_, facts] = mapped(wrong, correction)

    [row] = whole(SALES_LINES, facts.lines)
    assert (row.event_id, row.event_type, row.is_correction, row.gross) == (correction.id.bytes, wrong.type, 1, 700)
    assert (row.business_date, row.hour_start) == (DAY, local_hour(at(9))[0])
    [link] = facts.corrections
    assert (link.event_id, link.corrects_event_id, link.event_hash) == (correction.id.bytes, wrong.id.bytes, row.event_hash)


def test_an_event_that_did_not_occur_leaves_a_correction_and_no_line() -> None:
    """There is no content to count."""
    wrong = sale("R1", at(9))
    [_, facts] = mapped(wrong, corrected("C1", wrong))

    assert (facts.lines.own, [row.kind for row in facts.corrections]) == ((), ["did_not_occur"])


def test_a_void_says_in_which_phase_it_was() -> None:
    """Only a void after completion takes anything back."""
    facts = mapped(voided("V1", at(9)), voided("V2", at(9), phase="before_completion"), returned("T1", at(9)))

    assert [row.phase for each in facts for row in whole(SALES_LINES, each.lines)] == ["after_completion", "before_completion", ""]


def test_of_two_positions_the_first_has_the_greater_version() -> None:
    """The engine keeps the greatest version: the first position, unless a negative control turns it round."""
    assert version_of(3) > version_of(4)
    assert version_of(3, first_position_wins=False) < version_of(4, first_position_wins=False)
    assert 0 < version_of(2**62) <= version_of(0) == 2**63


def test_each_tender_is_a_row_that_says_which_way_the_money_went() -> None:
    """A return pays back, a void takes back what was paid; lines say how many tenders there are, which promotion and which period."""
    paid = {"tenders": [{"kind": "cash", "amount": 600, "change": 100}, {"kind": "card", "amount": 500}], "period_id": "P1"}
    promoted = line(1, 1000) | {"promotion_id": "2PLUS1"}
    [bought, back, void] = mapped(
        sale("R1", at(9), promoted, **paid), returned("T1", at(9), line(1), **paid), voided("V1", at(9), line(1), **paid)
    )

    assert [(row.tender, row.kind, row.amount, row.change, row.direction) for row in whole(RECEIPT_TENDERS, bought.tenders)] == [
        (1, "cash", 600, 100, 1),
        (2, "card", 500, 0, 1),
    ]
    assert [{row.direction for row in whole(RECEIPT_TENDERS, facts.tenders)} for facts in (back, void)] == [{-1}, {-1}]
    [of_line] = whole(SALES_LINES, bought.lines)
    assert (of_line.promotion_id, of_line.period_id, of_line.tender_count) == ("2PLUS1", "P1", 2)


def test_a_sale_without_a_business_date_is_refused() -> None:
    """It could not be told where it counts, so it is a dead letter rather than a guess."""
    event = sale("R1", at(9))
    lost = type(event)(event.envelope.model_copy(update={"business_date": None}), event.data)

    with pytest.raises(UnreadableRecord, match="business"):
        mapped(lost)


def test_corrections_of_other_families_do_not_concern_sales() -> None:
    """A correction concerns the model of what it corrects."""
    wrong = sale("R1", at(9))
    correction = corrected("C1", wrong)
    other = type(correction)(correction.envelope, correction.data.model_copy(update={"corrects_type": "clock.in.v1"}))

    assert [concerns_sales(event) for event in (wrong, correction, other)] == [True, True, False]


def test_the_archive_keeps_every_byte_of_a_record_that_nobody_can_read() -> None:
    """Unreadable records are exactly those that somebody will want to look at."""
    [record] = on_log([sale("R1", at(9))])
    broken = type(record)(record.topic, 1, 7, record.timestamp, None, b"\xff\x00{", [("ce_id", b"\xfe"), ("x", b"")])
    row = map_record("log", broken)

    assert (row.key, row.value, row.header_names, row.header_values) == (None, b"\xff\x00{", ["ce_id", "x"], [b"\xfe", b""])
    assert EVENT_LOG.arrow([row]).num_rows == 1


def test_a_missing_value_is_refused_before_the_engine_makes_a_zero_of_it() -> None:
    """Arrow nulls in columns that are not nullable become zeros, silently."""
    [facts] = mapped(sale("R1", at(9)))
    [row] = whole(SALES_LINES, facts.lines)

    with pytest.raises(UnfitRows, match="gross"):
        SALES_LINES.arrow([row._replace(gross=None)])
    with pytest.raises(UnfitRows, match="sales_lines"):
        SALES_LINES.arrow([row._replace(quantity=Decimal("0.000001"))])
    with pytest.raises(UnfitRows, match="store_id"):
        SALES_LINES.arrow_of([EventRows((None, *facts.lines.head[1:]), facts.lines.own)])
