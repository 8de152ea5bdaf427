"""Sales summed per store, business date, local hour and currency.

Rows are recomputed, never added to: the version is the number of the batch in the ledger, so the newest recompute stays.
"""

from typing import Final

from projections.sinks.clickhouse_table import ClickHouseTable, day, decimal, integer, moment, word

MEASURES: Final = ("gross", "discounts", "returns", "voids", "net", "transactions", "sale_net", "units", "service_amount", "counted_lines")
"""`counted_lines` is the number of lines behind a row; a row of zero lines is an hour that was emptied."""

SALES_BY_HOUR: Final = ClickHouseTable(
    stem="sales_by_hour",
    columns=(
        word("store_id"),
        day("business_date"),
        moment("hour_start", 0),
        word("currency"),
        integer("utc_offset_minutes", "Int16"),
        integer("gross", "Int64"),
        integer("discounts", "Int64"),
        integer("returns", "Int64"),
        integer("voids", "Int64"),
        integer("net", "Int64"),
        integer("transactions", "Int64"),
        integer("sale_net", "Int64"),
        decimal("units", 38, 5),
        integer("service_amount", "Int64"),
        integer("counted_lines", "Int64"),
        integer("version", "UInt64"),
    ),
    engine="ReplacingMergeTree(version)",
    partition_by="toYYYYMM(business_date)",
    order_by=("store_id", "business_date", "hour_start", "currency"),
)
