"""Tell facts that are new from repeats: the first step of every read model that folds facts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from projections.batching import Source, source_of
from projections.sinks.postgres import Mapped
from projections.sinks.postgres_facts import FactTables, insert_events


async def insert_fresh(conn: AsyncConnection, tables: FactTables, mapped: Sequence[Mapped]) -> tuple[list[Any], tuple[Source, ...]]:
    """Insert the events that are new, each at its first position; return the rows of those, and where the repeats stand."""
    inserted = await insert_events(conn, tables, [item.rows.event for item in mapped])
    fresh: list[Any] = []
    repeats: list[Source] = []
    for item in mapped:
        if item.key in inserted:
            inserted.discard(item.key)
            fresh.append(item.rows)
        else:
            repeats.append(source_of(item.record))
    return fresh, tuple(repeats)
