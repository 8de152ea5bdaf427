"""The columns that every fact-folding read model has in common: its table of events, and tables with rows of those events."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, MetaData, Table, Text, Uuid, true


def _identity() -> tuple[Column[Any], Column[Any]]:
    return Column("store_id", Text, primary_key=True), Column("event_id", Uuid, primary_key=True)


def _counts() -> Column[bool]:
    return Column("counts", Boolean, nullable=False, server_default=true())


def events_table(name: str, metadata: MetaData) -> Table:
    """Declare a model's table of events, as `insert_events` writes it."""
    return Table(
        name,
        metadata,
        *_identity(),
        Column("event_type", Text, nullable=False),
        Column("business_date", Date),
        Column("event_hash", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("corrects_event_id", Uuid),
        Column("corrects_type", Text),
        _counts(),
    )


def table_of_events_rows(name: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """Declare a table with rows of events; `counts` follows that of the event."""
    return Table(name, metadata, *_identity(), *columns, _counts())
