"""The archive: every record of the log with its headers, repeats and unreadable ones included, under its place on the log."""

from typing import Final

import pyarrow as pa

from projections.sinks.clickhouse_table import ClickHouseTable, Column, integer, moment, octets, text, word

EVENT_LOG: Final = ClickHouseTable(
    stem="event_log",
    columns=(
        word("log_id"),
        word("topic"),
        integer("partition", "UInt32"),
        integer("offset", "UInt64"),
        moment("recorded_at", 3),
        octets("key", is_nullable=True),
        octets("value", is_nullable=True),
        Column("header_names", "Array(String)", pa.list_(pa.string())),
        Column("header_values", "Array(String)", pa.list_(pa.binary())),
        word("ce_type"),
        word("store_id"),
        text("ce_id"),
        text("ce_businessdate"),
        integer("event_hash", "Int64"),
    ),
    engine="ReplacingMergeTree",
    partition_by="toYYYYMM(recorded_at)",
    order_by=("log_id", "topic", "partition", "offset"),
)
