"""Every version of every reference thing and policy, whole, under the id of the event that defined it."""

from functools import lru_cache

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB


@lru_cache(maxsize=8)
def reference_data(generation: int) -> Table:
    """Return the table of a generation; `store_id` is null for what holds for the whole chain."""
    return Table(
        "reference_data",
        MetaData(schema=f"read_g{generation}"),
        Column("event_id", Uuid, primary_key=True),
        Column("tenant_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("store_id", Text),
        Column("version", Integer, nullable=False),
        Column("effective_from", DateTime(timezone=True), nullable=False),
        Column("data", JSONB, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )
