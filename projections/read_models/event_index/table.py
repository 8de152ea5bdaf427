"""The table of known events: identity to first position and content hash."""

from functools import lru_cache

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid

from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("event_index", ())


@lru_cache(maxsize=8)
def event_index(generation: int) -> Table:
    """Return the table of a generation."""
    return Table(
        "event_index",
        MetaData(schema=f"read_g{generation}"),
        Column("store_id", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("event_type", Text, nullable=False),
        Column("business_date", Date),
        Column("event_hash", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("part", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )
