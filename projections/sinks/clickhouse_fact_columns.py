"""The columns that every table of facts in ClickHouse begins with, and the rows of an event under them.

One table holds a whole read model: an event has at least one row, its first (`line` 0) says that the event is there and what it
corrects, so that facts, corrections and their number are asked and proved in one place. Corrections whose target did not occur,
and events that say nothing to the model, have one row whose own columns are those of nothing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.facts import EventRows
from projections.sinks.clickhouse_table import ClickHouseTable, Column, day, identity, integer, moment, word

NONE: Final = UUID(int=0)
"""Stands in `corrects_event_id` where nothing is corrected."""

HEAD: Final[tuple[Column, ...]] = (
    word("store_id"),
    day("business_date"),
    identity("event_id"),
    integer("line", "UInt32"),
    word("event_type"),
    identity("corrects_event_id"),
    word("corrects_type"),
    integer("event_hash", "Int64"),
    integer("partition", "UInt32"),
    integer("position", "UInt64"),
    integer("version", "UInt64"),
    moment("recorded_at", 3),
    moment("occurred_at", 6),
    integer("line_count", "UInt32"),
)


class FactHead(NamedTuple):
    """What an event's rows have in common."""

    store_id: str
    business_date: date
    event_id: UUID
    event_type: str
    corrects_event_id: UUID
    corrects_type: str
    event_hash: int
    partition: int
    position: int
    version: int
    recorded_at: datetime
    occurred_at: datetime

    def rows(self, own: Sequence[tuple[Any, ...]]) -> EventRows:
        """Return the rows of a table for what an event says, line by line."""
        head = (*self[:2], self.event_id.bytes, self.event_type, self.corrects_event_id.bytes, *self[5:], len(own))
        return EventRows(head, [(line, *of_line) for line, of_line in enumerate(own)])


def facts_table(stem: str, *own: Column) -> ClickHouseTable:
    """Declare a table of facts; `own` is what its model adds."""
    return ClickHouseTable(
        stem=stem,
        columns=(*HEAD, *own),
        engine="ReplacingMergeTree(version)",
        partition_by="toYYYYMM(business_date)",
        order_by=("store_id", "business_date", "event_id", "line"),
        indexes=("by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1",),
        of_event=frozenset(column.name for column in HEAD) - {"line"},
    )
