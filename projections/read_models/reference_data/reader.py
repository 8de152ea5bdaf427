"""Stores, SKUs, people, suppliers, promotions and policies: every version, or the one in force at a moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation

_VERSIONS: Final = """
    SELECT kind, name, version, event_id, of_store, effective_from, recorded_at, data FROM (
        SELECT *, coalesce(store_id, data ->> 'scope_store_id') AS of_store,
               row_number() OVER (PARTITION BY kind, name ORDER BY effective_from DESC, version DESC, event_id) AS place
        FROM read_g{generation}.reference_data
        WHERE tenant_id = :tenant AND kind = :kind AND (CAST(:at AS timestamptz) IS NULL OR effective_from <= :at)
          AND (CAST(:known_at AS timestamptz) IS NULL OR recorded_at <= :known_at)
    ) AS known
    WHERE (of_store IS NULL OR of_store = ANY (:stores)) AND (CAST(:at AS timestamptz) IS NULL OR place = 1)
      AND (name, version, event_id) > (:name, :version, :event_id)
    ORDER BY name, version, event_id LIMIT :limit
"""
"""What is in force is decided before what may be seen: a person who has gone to another store is no longer one of this store."""


class ReferenceCursor(NamedTuple):
    """The last row of a page."""

    name: str
    version: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class ReferenceAsked:
    """A chain, the stores whose own things may be seen, a kind; `at`: only what is in force then, None for every version.

    `known_at`: only versions recorded by then (broker time), None for all.
    """

    tenant_id: str
    store_ids: tuple[str, ...]
    kind: str
    at: datetime | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReferenceVersion:
    """One version of one thing; `data` is its event's content. `store_id`: the store that it holds for, None for the whole chain."""

    kind: str
    name: str
    version: int
    event_id: UUID
    store_id: str | None
    effective_from: datetime
    recorded_at: datetime
    data: dict[str, Any]

    @property
    def cursor(self) -> ReferenceCursor:
        """Where the next page begins."""
        return ReferenceCursor(self.name, self.version, self.event_id)


async def read_reference_data(
    engine: AsyncEngine, asked: ReferenceAsked, cursor: ReferenceCursor | None = None, limit: int = 100
) -> list[ReferenceVersion]:
    """Return a page by name and version."""
    place = cursor or ReferenceCursor("", 0, UUID(int=0))
    async with engine.connect() as conn:
        statement = text(_VERSIONS.format(generation=await serving_generation(conn, "reference_data")))
        bound = {"tenant": asked.tenant_id, "stores": list(asked.store_ids), "kind": asked.kind, "at": asked.at, "limit": limit}
        bound["known_at"] = asked.known_at
        rows = (await conn.execute(statement, bound | place._asdict())).all()
    return [ReferenceVersion(*row) for row in rows]
