"""Which tables of a read model its totals are taken from, and what in a table depends on the generation rather than on the log."""

from typing import Final

TOTALS: Final[dict[str, tuple[str, ...]]] = {
    "stock_on_hand": ("on_hand", "moved_since_count"),
    "attendance_day": ("worked_minutes", "late_minutes", "early_minutes"),
    "till_entries": ("gross", "discounts", "returns", "voids", "tax", "tips"),
    "late_sales": ("facts",),
    "reorder_recommendations": ("order_quantity",),
    "sales_lines": ("gross", "discount", "tax", "quantity"),
    "sales_by_hour": ("gross", "discounts", "returns", "voids", "net", "transactions", "units"),
}
"""Table to the columns that are summed up in a comparison. Amounts of several currencies are added: the sums tell sides apart."""

VERSIONED_BY_WORK: Final = frozenset({"sales_by_hour"})
"""ClickHouse tables whose `version` is the number of the work that wrote a row."""

EMPTIED: Final[dict[str, str]] = {"sales_by_hour": "counted_lines != 0"}
"""ClickHouse tables with rows that mean nothing is there, left where something was: whether there is one depends on the batches."""
