"""Fact rows under their identity: the first position wins, and corrections decide which events count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.corrections import Link, not_counting
from projections.facts import FactEvent, FactKey
from projections.sinks.postgres_rows import insert_missing, query

_COLUMNS = (
    "store_id",
    "event_id",
    "event_type",
    "business_date",
    "event_hash",
    "position",
    "recorded_at",
    "corrects_event_id",
    "corrects_type",
)
_row_of = attrgetter(*_COLUMNS)
_TYPES = ("text", "uuid", "text", "date", "bigint", "bigint", "timestamptz", "uuid", "text")


@dataclass(frozen=True, slots=True)
class FactTables:
    """Names of a read model's events table and of the tables with rows of those events (all have `counts`)."""

    events: str
    lines: tuple[str, ...]


async def insert_events(conn: AsyncConnection, tables: FactTables, events: Iterable[FactEvent]) -> set[FactKey]:
    """Insert the events that are new, each at its first position, and return their keys."""
    first: dict[FactKey, FactEvent] = {}
    for event in events:
        first.setdefault(event.key, event)
    rows = list(map(_row_of, first.values()))
    inserted = await insert_missing(conn, tables.events, _COLUMNS, _TYPES, rows, ("store_id", "event_id"))
    return {FactKey(*key) for key in inserted}


async def judge_corrections(conn: AsyncConnection, tables: FactTables, stores: Iterable[str]) -> list[FactKey]:
    """Let corrections take effect in these stores, on events and rows alike; return the events that began or ceased to count."""
    links: dict[str, list[Link]] = {}
    for store_id, event_id, corrects, position in await query(
        conn,
        f"SELECT store_id, event_id, corrects_event_id, position FROM {tables.events} "  # noqa: S608 - a table of ours
        "WHERE corrects_event_id IS NOT NULL AND store_id = ANY(%s)",
        [sorted(set(stores))],
    ):
        links.setdefault(store_id, []).append(Link(event_id, corrects, position))
    changed: list[FactKey] = []
    for store_id, of_store in sorted(links.items()):
        changed += await _judge_store(conn, tables, store_id, sorted(not_counting(of_store)))
    return changed


async def _judge_store(conn: AsyncConnection, tables: FactTables, store_id: str, out: Sequence[UUID]) -> list[FactKey]:
    found = await query(
        conn,
        f"UPDATE {tables.events} SET counts = NOT counts WHERE store_id = %s "  # noqa: S608 - a table of ours
        "AND ((counts AND event_id = ANY(%s)) OR (NOT counts AND event_id <> ALL(%s))) RETURNING event_id, counts",
        [store_id, list(out), list(out)],
    )
    for table in tables.lines:
        for counts in (True, False):
            ids = [event_id for event_id, now in found if now is counts]
            await query(
                conn,
                f"UPDATE {table} SET counts = %s WHERE store_id = %s AND event_id = ANY(%s)",  # noqa: S608 - a table of ours
                [counts, store_id, ids],
            )
    return [FactKey(store_id, event_id) for event_id, _ in found]


async def forget(conn: AsyncConnection, tables: FactTables, keys: Sequence[FactKey]) -> None:
    """Delete events and their rows, as if they had never come: what a negative control does before it lets the last content win."""
    for table in (tables.events, *tables.lines):
        await query(
            conn,
            f"DELETE FROM {table} WHERE (store_id, event_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",  # noqa: S608 - ours
            [[key.store_id for key in keys], [key.event_id for key in keys]],
        )
