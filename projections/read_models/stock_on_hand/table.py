"""Tables of stock on hand: the facts (events, movements, counts) and the totals folded from them."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Numeric, Table, Text

from projections.sinks.fact_columns import events_table, table_of_events_rows
from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("stock_on_hand_events", ("stock_movements", "stock_counts"))


@dataclass(frozen=True, slots=True)
class StockTables:
    """The tables of one generation."""

    events: Table
    movements: Table
    counts: Table
    on_hand: Table


def _lines(metadata: MetaData, name: str, moment: str, *more: Column[int]) -> Table:
    return table_of_events_rows(
        name,
        metadata,
        Column("line", Integer, primary_key=True),
        Column("sku", Text, nullable=False),
        Column("quantity", Numeric, nullable=False),
        Column(moment, DateTime(timezone=True), nullable=False),
        *more,
    )


@lru_cache(maxsize=8)
def stock_tables(generation: int) -> StockTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    on_hand = Table(
        "stock_on_hand",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("sku", Text, primary_key=True),
        Column("on_hand", Numeric, nullable=False),
        Column("counted_quantity", Numeric),
        Column("counted_at", DateTime(timezone=True)),
        Column("moved_since_count", Numeric, nullable=False),
        Column("last_movement_at", DateTime(timezone=True)),
    )
    return StockTables(
        events_table(FACTS.events, metadata),
        _lines(metadata, "stock_movements", "occurred_at"),
        _lines(metadata, "stock_counts", "counted_at", Column("position", BigInteger, nullable=False)),
        on_hand,
    )
