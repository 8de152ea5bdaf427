"""Tables of till periods: the facts (events, entries with their tenders, openings, closings) and the periods that they name.

Beside them what follows from the same receipts: numbers that stand on several of them, and facts that came late.
"""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from projections.sinks.fact_columns import events_table, table_of_events_rows
from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("till_period_events", ("till_entries", "till_tenders", "till_openings", "till_closings"))


@dataclass(frozen=True, slots=True)
class TillPeriodTables:
    """The tables of one generation."""

    events: Table
    entries: Table
    tenders: Table
    openings: Table
    closings: Table
    periods: Table
    twice: Table
    late: Table
    clocks: Table


@lru_cache(maxsize=8)
def till_period_tables(generation: int) -> TillPeriodTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    return TillPeriodTables(
        events_table(FACTS.events, metadata),
        _entries(metadata),
        _tenders(metadata),
        _openings(metadata),
        _closings(metadata),
        _periods(metadata),
        _twice(metadata),
        _late(metadata),
        _clocks(metadata),
    )


def _entries(metadata: MetaData) -> Table:
    amounts = ("gross", "discounts", "returns", "voids", "tax", "tips")
    return table_of_events_rows(
        "till_entries",
        metadata,
        Column("till_id", Text, nullable=False),
        Column("period_id", Text),
        Column("kind", Text, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in amounts),
        Column("business_date", Date),
        Column("receipt_id", Text),
        Column("is_tendered", Boolean, nullable=False),
        Column("moved", BigInteger, nullable=False),
    )


def _tenders(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "till_tenders",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("tenders", Integer, nullable=False),
        Column("amount", BigInteger, nullable=False),
    )


def _openings(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "till_openings",
        metadata,
        Column("till_id", Text, nullable=False),
        Column("period_id", Text, nullable=False),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        Column("float_amount", BigInteger, nullable=False),
    )


def _closings(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "till_closings",
        metadata,
        Column("till_id", Text, nullable=False),
        Column("period_id", Text, nullable=False),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        Column("closed_at", DateTime(timezone=True), nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("report", JSONB, nullable=False),
    )


def _periods(metadata: MetaData) -> Table:
    return Table(
        "till_periods",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("till_id", Text, primary_key=True),
        Column("period_id", Text, primary_key=True),
        Column("business_date", Date, nullable=False),
    )


def _twice(metadata: MetaData) -> Table:
    """Declare the numbers that ever stood on several receipts; which of those count is asked of the entries."""
    return Table(
        "receipts_twice",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("business_date", Date, primary_key=True),
        Column("receipt_id", Text, primary_key=True),
        Column("till_id", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
    )


def _late(metadata: MetaData) -> Table:
    """Declare how many facts of sales came in each quarter of an hour that may be after the lateness window of their business date."""
    return Table(
        "late_sales",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("business_date", Date, primary_key=True),
        Column("simulated", Boolean, primary_key=True),
        Column("quarter", DateTime(timezone=True), primary_key=True),
        Column("facts", BigInteger, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )


def _clocks(metadata: MetaData) -> Table:
    """Declare where the ticks of each partition stand at the model's position: what time it was for the facts that follow."""
    return Table(
        "tick_clocks",
        metadata,
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("simulated", Boolean, nullable=False),
    )
