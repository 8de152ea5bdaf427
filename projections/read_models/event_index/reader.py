"""Which events does the log have, and with what content? Best effort: the index may be a moment behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.event_index.table import event_index


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event's first position on the log and the hash of its content."""

    content_hash: int
    topic: str
    part: int
    record_offset: int


async def known_hashes(engine: AsyncEngine, store_id: str, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the content hash of those events of a store that are known."""
    found = await known(engine, [(store_id, event_id) for event_id in ids])
    return {event_id: event.content_hash for (_, event_id), event in found.items()}


async def known(engine: AsyncEngine, pairs: Iterable[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], KnownEvent]:
    """Return those of the (store, event id) pairs that are known."""
    wanted = list(pairs)
    if not wanted:
        return {}
    async with engine.connect() as conn:
        table = event_index(await serving_generation(conn, "event_index"))
        given = (
            func.unnest(
                literal([store_id for store_id, _ in wanted], ARRAY(Text)), literal([event_id for _, event_id in wanted], ARRAY(Uuid))
            )
            .table_valued(column("store_id", Text), column("event_id", Uuid), name="given")
            .render_derived()
        )
        rows = await conn.execute(
            select(table.c.store_id, table.c.event_id, table.c.event_hash, table.c.topic, table.c.part, table.c.position).join(
                given, (table.c.store_id == given.c.store_id) & (table.c.event_id == given.c.event_id)
            )
        )
        return {(row.store_id, row.event_id): KnownEvent(row.event_hash, row.topic, row.part, row.position) for row in rows}
