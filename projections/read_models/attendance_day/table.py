"""Tables of attendance: the facts (events, punches, shifts) and the days folded from them."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ARRAY, BigInteger, Column, Date, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from projections.sinks.fact_columns import events_table, table_of_events_rows
from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("attendance_day_events", ("attendance_punches", "attendance_shifts"))


@dataclass(frozen=True, slots=True)
class AttendanceTables:
    """The tables of one generation."""

    events: Table
    punches: Table
    shifts: Table
    days: Table


@lru_cache(maxsize=8)
def attendance_tables(generation: int) -> AttendanceTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    return AttendanceTables(events_table(FACTS.events, metadata), _punches(metadata), _shifts(metadata), _days(metadata))


def _punches(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "attendance_punches",
        metadata,
        Column("employee_id", Text, nullable=False),
        Column("direction", Text, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("business_date", Date, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("verdict", Text),
    )


def _shifts(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "attendance_shifts",
        metadata,
        Column("shift_id", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("employee_id", Text, nullable=False),
        Column("starts_at", DateTime(timezone=True), nullable=False),
        Column("ends_at", DateTime(timezone=True), nullable=False),
        Column("business_date", Date, nullable=False),
        Column("status", Text, nullable=False),
        Column("position", BigInteger, nullable=False),
    )


def _days(metadata: MetaData) -> Table:
    return Table(
        "attendance_day",
        metadata,
        Column("store_id", Text, primary_key=True),
        Column("employee_id", Text, primary_key=True),
        Column("business_date", Date, primary_key=True),
        Column("first_in", DateTime(timezone=True)),
        Column("last_out", DateTime(timezone=True)),
        Column("worked_minutes", Integer, nullable=False),
        Column("late_minutes", Integer, nullable=False),
        Column("early_minutes", Integer, nullable=False),
        Column("flags", ARRAY(Text), nullable=False),
        Column("sessions", JSONB, nullable=False),
        Column("shifts", JSONB, nullable=False),
    )
