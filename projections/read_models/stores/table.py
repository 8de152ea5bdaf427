"""Versions of stores, employees and SKUs: every version stays, each under the id of the event that defined it."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ARRAY, Column, Date, DateTime, Integer, MetaData, Numeric, Table, Text, Uuid


@dataclass(frozen=True, slots=True)
class ReferenceTables:
    """The tables of one generation."""

    stores: Table
    employees: Table
    skus: Table


def _version(*more: Column[object]) -> list[Column[object]]:
    return [
        Column("event_id", Uuid, primary_key=True),
        Column("tenant_id", Text, nullable=False),
        *more,
        Column("version", Integer, nullable=False),
        Column("effective_from", DateTime(timezone=True), nullable=False),
    ]


@lru_cache(maxsize=8)
def reference_tables(generation: int) -> ReferenceTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    stores = Table(
        "store_versions",
        metadata,
        *_version(Column("store_id", Text, nullable=False)),
        Column("name", Text, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("country", Text, nullable=False),
        Column("cut_off_hour", Integer, nullable=False),
        Column("region", Text),
        Column("opened_on", Date),
        Column("head_count", Integer),
        Column("tills", ARRAY(Text), nullable=False),
    )
    employees = Table(
        "employee_versions",
        metadata,
        *_version(Column("store_id", Text, nullable=False), Column("employee_id", Text, nullable=False)),
        Column("status", Text, nullable=False),
    )
    skus = Table(
        "sku_versions",
        metadata,
        *_version(Column("sku", Text, nullable=False)),
        Column("name", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("pack_size", Numeric, nullable=False),
        Column("category", Text),
        Column("gtin", Text),
    )
    return ReferenceTables(stores, employees, skus)
