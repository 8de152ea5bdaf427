"""Tables of alerts: every transition, the newest per alert, what people answered, and how far the rules are."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from projections.sinks.fact_columns import events_table, table_of_events_rows
from projections.sinks.postgres_facts import FactTables

FACTS = FactTables("alert_answer_events", ("alert_answers",))


@dataclass(frozen=True, slots=True)
class AlertTables:
    """The tables of one generation."""

    transitions: Table
    alerts: Table
    progress: Table
    events: Table
    answers: Table


def _moment(name: str, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


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
        _moment("notify_at", nullable=True),
        _moment("occurred_at"),
        _moment("recorded_at"),
        Column("part", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
    ]


@lru_cache(maxsize=8)
def alert_tables(generation: int) -> AlertTables:
    """Return the tables of a generation."""
    metadata = MetaData(schema=f"read_g{generation}")
    return AlertTables(
        Table("alert_transitions", metadata, *_columns(transition_is_key=True)),
        Table("open_alerts", metadata, *_columns(transition_is_key=False), _moment("raised_at"), _moment("due_at")),
        _progress(metadata),
        events_table(FACTS.events, metadata),
        _answers(metadata),
    )


def _progress(metadata: MetaData) -> Table:
    return Table(
        "rule_progress",
        metadata,
        Column("stage", Text, primary_key=True),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("next_offset", BigInteger, nullable=False),
        _moment("clock"),
        _moment("recorded_at"),
    )


def _answers(metadata: MetaData) -> Table:
    return table_of_events_rows(
        "alert_answers",
        metadata,
        Column("alert_id", Uuid, nullable=False),
        Column("answer", Text, nullable=False),
        Column("answered_by", Text),
        Column("note", Text),
        Column("transition", Integer),
        _moment("occurred_at"),
        _moment("recorded_at"),
        Column("position", BigInteger, nullable=False),
    )
