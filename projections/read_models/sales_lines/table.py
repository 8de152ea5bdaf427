"""The facts of sales: one row a line of a receipt, one row a tender, and one row a correction of a sale.

The identity of a row is in its event's bytes alone. The version falls as the position rises, so of an
event that is on the log several times the first position stays.
"""

from typing import Final

from projections.sinks.clickhouse_table import ClickHouseTable, day, decimal, identity, integer, moment, text, word

_ORIGIN: Final = (
    integer("event_hash", "Int64"),
    integer("partition", "UInt32"),
    integer("position", "UInt64"),
    integer("version", "UInt64"),
    moment("recorded_at", 3),
    moment("occurred_at", 6),
)
_OF_RECEIPT: Final = frozenset(
    {"store_id", "business_date", "event_id", "event_type", "is_correction", *(column.name for column in _ORIGIN)}
    | {"currency", "phase", "till_id", "employee_id", "period_id"}
)

SALES_LINES: Final = ClickHouseTable(
    stem="sales_lines",
    columns=(
        word("store_id"),
        day("business_date"),
        identity("event_id"),
        integer("line", "UInt32"),
        word("event_type"),
        integer("is_correction", "UInt8"),
        *_ORIGIN,
        integer("line_count", "UInt32"),
        moment("hour_start", 0),
        integer("utc_offset_minutes", "Int16"),
        word("currency"),
        word("phase"),
        word("kind"),
        text("sku"),
        decimal("quantity", 18, 5),
        integer("gross", "Int64"),
        integer("discount", "Int64"),
        integer("tax", "Int64"),
        text("receipt_id"),
        text("till_id"),
        text("employee_id"),
        word("channel"),
        word("promotion_id"),
        text("period_id"),
        integer("tender_count", "UInt32"),
    ),
    engine="ReplacingMergeTree(version)",
    partition_by="toYYYYMM(business_date)",
    order_by=("store_id", "business_date", "event_id", "line"),
    indexes=("by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1",),
    of_event=_OF_RECEIPT | {"line_count", "hour_start", "utc_offset_minutes", "receipt_id", "channel", "tender_count"},
)

RECEIPT_TENDERS: Final = ClickHouseTable(
    stem="receipt_tenders",
    columns=(
        word("store_id"),
        day("business_date"),
        identity("event_id"),
        integer("tender", "UInt32"),
        word("event_type"),
        integer("is_correction", "UInt8"),
        *_ORIGIN,
        word("currency"),
        word("phase"),
        word("kind"),
        integer("direction", "Int16"),
        integer("amount", "Int64"),
        integer("change", "Int64"),
        integer("tip", "Int64"),
        text("till_id"),
        text("period_id"),
        text("employee_id"),
    ),
    engine="ReplacingMergeTree(version)",
    partition_by="toYYYYMM(business_date)",
    order_by=("store_id", "business_date", "event_id", "tender"),
    of_event=_OF_RECEIPT | {"direction"},
)
"""`direction` is −1 where the money was paid back; amounts are never negative. `sales_lines` says how many there are of a receipt."""

SALE_CORRECTIONS: Final = ClickHouseTable(
    stem="sale_corrections",
    columns=(
        word("store_id"),
        day("business_date"),
        identity("event_id"),
        identity("corrects_event_id"),
        word("corrects_type"),
        word("kind"),
        text("reason"),
        *_ORIGIN,
    ),
    engine="ReplacingMergeTree(version)",
    partition_by="toYYYYMM(business_date)",
    order_by=("store_id", "business_date", "event_id"),
    indexes=("by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1",),
)

KNOWN_EVENTS: Final = """
SELECT store_id, event_id, min(position)
FROM (
    SELECT store_id, event_id, position FROM {lines:Identifier}
    WHERE store_id IN {stores:Array(String)} AND event_id IN {ids:Array(UUID)}
    UNION ALL
    SELECT store_id, event_id, position FROM {corrections:Identifier}
    WHERE store_id IN {stores:Array(String)} AND event_id IN {ids:Array(UUID)}
)
GROUP BY store_id, event_id
"""
"""The lowest position at which each of some events is known, on whatever business date.

Identity by sort key alone would keep both contents of an id that came again with another date or with more lines.
"""
