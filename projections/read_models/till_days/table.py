"""Tables of what was heard of tills, of the numbers that devices gave their events, and of the numbers that are missing.

Beside each stands when the broker recorded the first event that showed it, so that what was known at a moment can be told.
"""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, MetaData, Table, Text


@dataclass(frozen=True, slots=True)
class TillDayTables:
    """The tables of one generation; `gaps` follows from `numbers`."""

    stores: Table
    tills: Table
    numbers: Table
    gaps: Table


@lru_cache(maxsize=8)
def till_day_tables(generation: int) -> TillDayTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    return TillDayTables(_stores(metadata), _tills(metadata), _numbers(metadata), _gaps(metadata))


def _stores(metadata: MetaData) -> Table:
    return Table(
        "store_days",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("business_date", Date, primary_key=True),
        Column("last_heard_at", DateTime(timezone=True), nullable=False),
        Column("is_certain", Boolean, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("certain_at", DateTime(timezone=True)),
    )


def _tills(metadata: MetaData) -> Table:
    return Table(
        "till_days",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("till_id", Text, primary_key=True),
        Column("business_date", Date, primary_key=True),
        Column("last_heard_at", DateTime(timezone=True), nullable=False),
        Column("has_heartbeat", Boolean, nullable=False),
        Column("is_closed", Boolean, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )


def _numbers(metadata: MetaData) -> Table:
    return Table(
        "device_numbers",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("device_id", Text, primary_key=True),
        Column("device_seq", BigInteger, primary_key=True, autoincrement=False),
        Column("received_on", Date),
        Column("announced_on", Date),
        Column("received_at", DateTime(timezone=True)),
        Column("announced_at", DateTime(timezone=True)),
    )


def _gaps(metadata: MetaData) -> Table:
    return Table(
        "number_gaps",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("device_id", Text, primary_key=True),
        Column("next_seq", BigInteger, primary_key=True, autoincrement=False),
        Column("business_date", Date, nullable=False),
        Column("first_missing", BigInteger, nullable=False),
        Column("last_missing", BigInteger, nullable=False),
    )
