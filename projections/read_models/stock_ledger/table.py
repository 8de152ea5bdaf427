"""Every movement of stock and every counted line, as it was recorded."""

from typing import Final

from projections.sinks.clickhouse_fact_columns import facts_table
from projections.sinks.clickhouse_table import decimal, moment, text, word

STOCK_LEDGER: Final = facts_table(
    "stock_ledger",
    word("kind"),
    text("sku"),
    decimal("quantity", 18, 5),
    moment("moved_at", 6),
    word("reason"),
    text("reference"),
    text("employee_id"),
)
"""`quantity` is a signed change, or what was there for `kind` count; `moved_at` is the time of the line."""
