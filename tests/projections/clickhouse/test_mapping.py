"""From events to rows, without any server."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from contracts.codec import content_hash, decode
from contracts.errors import UnreadableRecord
from projections.read_models.event_log.mapping import EventLogRow, map_record, recorded_at
from projections.read_models.event_log.table import EVENT_LOG
from projections.read_models.sales_lines.mapping import (
    Origin,
    ReceiptTenderRow,
    SaleCorrectionRow,
    SaleFacts,
    SaleLineRow,
    concerns_sales,
    local_hour,
    map_event,
    version_of,
)
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_LINES
from projections.sinks.clickhouse_table import ClickHouseTable, UnfitRows
from tests.projections.clickhouse.sales_events import DAY, at, corrected, line, on_log, returned, sale, voided


def mapped(*events: object) -> list[SaleFacts]:
    """Map events as if they stood on the log."""
    records = on_log(list(events))  # type: ignore[arg-type]
    return [
        map_event(decode(r), Origin(r.partition, r.offset, recorded_at(r), content_hash(r.headers, r.value), version_of(r.offset)))
        for r in records
    ]


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (SaleLineRow, SALES_LINES),
        (ReceiptTenderRow, RECEIPT_TENDERS),
        (SaleCorrectionRow, SALE_CORRECTIONS),
        (EventLogRow, EVENT_LOG),
    ],
    ids=["lines", "tenders", "corrections", "archive"],
)
def test_a_row_has_the_columns_of_its_table_in_their_order(row: Any, table: ClickHouseTable) -> None:
    """Rows are sent by position: one swapped pair would put discounts into taxes."""
    assert row._fields == tuple(column.name for column in table.columns)


def test_each_line_of_a_receipt_is_a_row_that_knows_how_many_there_are() -> None:
    """Nothing is folded away in the mapping, and a lost line can be seen."""
    [facts] = mapped(sale("R1", at(9, 59), line(1, 250, "2", discount=30), line(2, 900, kind="service")))

    assert [(r.line, r.kind, r.quantity, r.gross, r.discount, r.line_count) for r in facts.lines] == [
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

    [row] = facts.lines
    assert (row.event_id, row.event_type, row.is_correction, row.gross) == (correction.id.bytes, wrong.type, 1, 700)
    assert (row.business_date, row.hour_start) == (DAY, local_hour(at(9))[0])
    [link] = facts.corrections
    assert (link.event_id, link.corrects_event_id, link.event_hash) == (correction.id.bytes, wrong.id.bytes, row.event_hash)


def test_an_event_that_did_not_occur_leaves_a_correction_and_no_line() -> None:
    """There is no content to count."""
    wrong = sale("R1", at(9))
    [_, facts] = mapped(wrong, corrected("C1", wrong))

    assert (facts.lines, [row.kind for row in facts.corrections]) == ((), ["did_not_occur"])


def test_a_void_says_in_which_phase_it_was() -> None:
    """Only a void after completion takes anything back."""
    facts = mapped(voided("V1", at(9)), voided("V2", at(9), phase="before_completion"), returned("T1", at(9)))

    assert [row.phase for each in facts for row in each.lines] == ["after_completion", "before_completion", ""]


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

    assert [(row.tender, row.kind, row.amount, row.change, row.direction) for row in bought.tenders] == [
        (1, "cash", 600, 100, 1),
        (2, "card", 500, 0, 1),
    ]
    assert [{row.direction for row in facts.tenders} for facts in (back, void)] == [{-1}, {-1}]
    [of_line] = bought.lines
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
    [row] = facts.lines

    with pytest.raises(UnfitRows, match="gross"):
        SALES_LINES.arrow([row._replace(gross=None)])  # type: ignore[arg-type]
    with pytest.raises(UnfitRows, match="sales_lines"):
        SALES_LINES.arrow([row._replace(quantity=Decimal("0.000001"))])
