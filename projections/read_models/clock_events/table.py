"""Every press of a time clock, with what is known of the place."""

from typing import Final

from projections.sinks.clickhouse_fact_columns import facts_table
from projections.sinks.clickhouse_table import integer, text, word

CLOCK_EVENTS: Final = facts_table(
    "clock_events",
    word("kind"),
    text("employee_id"),
    word("punch_source"),
    integer("offline", "UInt8"),
    word("auto_reason"),
    word("verdict"),
    integer("distance_m", "Int64"),
    integer("accuracy_m", "Int64"),
    integer("mock_location", "UInt8"),
    text("fence_id"),
)
"""Distance and accuracy are −1 where there is none; `verdict` is empty where nothing is known of the place."""
