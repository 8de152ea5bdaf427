"""Tables of alerts: every transition, the newest per alert, and how far the rules are."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB


@dataclass(frozen=True, slots=True)
class AlertTables:
    """The tables of one generation."""

    transitions: Table
    alerts: Table
    progress: Table


def _moment(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _columns(transition_is_key: bool) -> list[Column[object]]:
    return [
        Column("alert_id", Uuid, primary_key=True),
        Column("transition", Integer, primary_key=transition_is_key, nullable=False, autoincrement=False),
        Column("store_id", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("rule", Text, nullable=False),
        Column("rule_version", Integer, nullable=False),
        Column("policy_version", Integer, nullable=False),
        Column("status", Text, nullable=False),
        Column("stage", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("subject", Text, nullable=False),
        _moment("window_start"),
        _moment("window_end"),
        Column("summary", Text, nullable=False),
        Column("evidence", JSONB, nullable=False),
        _moment("occurred_at"),
        _moment("recorded_at"),
        Column("part", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
    ]


@lru_cache(maxsize=8)
def alert_tables(generation: int) -> AlertTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    progress = Table(
        "rule_progress",
        metadata,
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("next_offset", BigInteger, nullable=False),
        _moment("clock"),
        _moment("recorded_at"),
    )
    return AlertTables(
        Table("alert_transitions", metadata, *_columns(transition_is_key=True)),
        Table("open_alerts", metadata, *_columns(transition_is_key=False), _moment("raised_at")),
        progress,
    )
