"""Tables of reorder recommendations: every revision, and the newest of each."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB


@dataclass(frozen=True, slots=True)
class ReorderTables:
    """The tables of one generation."""

    revisions: Table
    recommendations: Table


def _columns(revision_is_key: bool) -> list[Column[object]]:
    return [
        Column("recommendation_id", Uuid, primary_key=True),
        Column("revision", Integer, primary_key=revision_is_key, nullable=False, autoincrement=False),
        Column("store_id", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("sku", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("position", Numeric, nullable=False),
        Column("reorder_point", Numeric, nullable=False),
        Column("order_quantity", Numeric, nullable=False),
        Column("rule_version", Integer, nullable=False),
        Column("policy_version", Integer, nullable=False),
        Column("evidence", JSONB, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    ]


@lru_cache(maxsize=8)
def reorder_tables(generation: int) -> ReorderTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    return ReorderTables(
        Table("reorder_revisions", metadata, *_columns(revision_is_key=True)),
        Table("reorder_recommendations", metadata, *_columns(revision_is_key=False)),
    )
