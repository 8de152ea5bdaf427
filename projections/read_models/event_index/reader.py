"""Which events does the log have, and with what content? Best effort: the index may be a moment behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

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
    found = await known(engine, [(store_id, str(event_id)) for event_id in ids])
    return {UUID(event_id): event.content_hash for (_, event_id), event in found.items()}


async def known(engine: AsyncEngine, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], KnownEvent]:
    """Return those of the (store, event id) pairs that are known; ids in their canonical form."""
    if not pairs:
        return {}
    async with engine.connect() as conn:
        return await known_in(conn, await serving_generation(conn, "event_index"), pairs)


async def known_in(conn: AsyncConnection, generation: int, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], KnownEvent]:
    """Return those of the pairs that a generation knows; asked of the driver itself, for this is asked for every post."""
    stores, ids = _SEPARATOR.join(store_id for store_id, _ in pairs), _SEPARATOR.join(event_id for _, event_id in pairs)
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    try:
        rows = await (await driver.execute(_statement(generation), (stores, ids))).fetchall()
    except psycopg.Error as error:
        raise EventIndexUnavailable(repr(error)) from error
    return {(row[0], row[1]): KnownEvent(row[2], row[3], row[4], row[5]) for row in rows}


class EventIndexUnavailable(RuntimeError):
    """The index does not answer, or no longer has the generation."""


_SEPARATOR = "|"
"""It occurs in no code and no id. Two texts are sent at a fraction of the cost of two arrays of many."""


@lru_cache(maxsize=8)
def _statement(generation: int) -> str:
    table = event_index(generation).fullname
    return (
        "SELECT i.store_id, i.event_id::text, i.event_hash, i.topic, i.part, i.position"  # noqa: S608 - the name of the table is ours
        f" FROM unnest(string_to_array(%s, '{_SEPARATOR}'), string_to_array(%s, '{_SEPARATOR}')::uuid[]) AS given (store_id, event_id)"
        f" JOIN {table} AS i ON i.store_id = given.store_id AND i.event_id = given.event_id"
    )
