"""Tables of goods on their way: the facts, and their lines. What is still to come is worked out when read: the sets are small."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Column, Date, DateTime, Integer, MetaData, Numeric, Table, Text

from projections.sinks.fact_columns import events_table, table_of_events_rows
from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("incoming_goods_events", ("incoming_goods_lines",))


@dataclass(frozen=True, slots=True)
class IncomingTables:
    """The tables of one generation."""

    events: Table
    lines: Table


@lru_cache(maxsize=8)
def incoming_tables(generation: int) -> IncomingTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    lines = table_of_events_rows(
        "incoming_goods_lines",
        metadata,
        Column("line", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("side", Text, nullable=False),
        Column("to_store_id", Text, nullable=False),
        Column("reference", Text, nullable=False),
        Column("sku", Text, nullable=False),
        Column("quantity", Numeric, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("supplier_id", Text),
        Column("expected_on", Date),
        Column("currency", Text),
        Column("unit_cost", Numeric),
    )
    return IncomingTables(events_table(FACTS.events, metadata), lines)
