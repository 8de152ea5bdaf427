"""Generations of read models: which mapping filled them, from which log, which one serves, and which ones are on their way.

A generation is `building` while a replay fills it, `running` from then on (it serves, waits to serve, or has served and can
serve again), and `dropped` at last. Its number is never used again. Readers take the serving one's number with every query, so
that a switch is one row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.errors import AnotherLog, GenerationGone, MappingChanged

State: TypeAlias = Literal["building", "running", "dropping", "dropped"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of one read model.

    `store_id`: the only store that it was built of. `is_scratch`: made for the repair of store-days, never to serve.
    `retired_at`: when it ceased to serve.
    """

    projection: str
    number: int
    mapping_version: int
    serving: bool
    state: State
    is_scratch: bool
    store_id: str | None
    created_at: datetime
    retired_at: datetime | None

    @property
    def has_served(self) -> bool:
        """Tell whether readers ever read it."""
        return self.serving or self.retired_at is not None


class NoSuchGeneration(Exception):
    """What was asked for does not exist, or cannot be done with it; the text says which."""


_COLUMNS = "projection, generation, mapping_version, serving, state, is_scratch, store_id, created_at, retired_at"


async def register(conn: AsyncConnection, projection: str, generation: int, mapping_version: int, log_id: str) -> None:
    """Note a generation at its first start; AnotherLog or MappingChanged when it was filled from or by something else.

    GenerationGone when it was dropped.
    """
    await conn.execute(text("INSERT INTO delivery.log (log_id) VALUES (:log_id) ON CONFLICT DO NOTHING"), {"log_id": log_id})
    await conn.execute(
        text(
            """
            INSERT INTO delivery.generations (projection, generation, mapping_version, log_id, serving)
            SELECT :projection, :generation, :mapping_version, :log_id,
                   NOT EXISTS (SELECT FROM delivery.generations WHERE projection = :projection AND serving)
            ON CONFLICT DO NOTHING
            """
        ),
        {"projection": projection, "generation": generation, "mapping_version": mapping_version, "log_id": log_id},
    )
    known = (
        await conn.execute(
            text(
                """
                SELECT mapping_version, log_id, state FROM delivery.generations
                WHERE projection = :projection AND generation = :generation
                """
            ),
            {"projection": projection, "generation": generation},
        )
    ).one()
    if known.state not in {"building", "running"}:
        raise GenerationGone(projection, generation)
    if known.log_id != log_id:
        raise AnotherLog(known.log_id, log_id)
    if known.mapping_version != mapping_version:
        raise MappingChanged(projection, generation, known.mapping_version, mapping_version)


async def serving_generation(conn: AsyncConnection, projection: str) -> int:
    """Return the generation that readers read; 1 before the projection's first start."""
    found = await conn.execute(
        text("SELECT generation FROM delivery.generations WHERE projection = :projection AND serving"), {"projection": projection}
    )
    return int(found.scalar_one_or_none() or 1)


async def list_generations(
    conn: AsyncConnection, projections: Sequence[str], states: Sequence[State] = ("building", "running")
) -> list[Generation]:
    """Return the generations of read models that are in one of these states, in the order of their numbers."""
    rows = await conn.execute(
        text(
            f"SELECT {_COLUMNS} FROM delivery.generations "  # noqa: S608 - the columns are ours
            "WHERE projection = ANY(:projections) AND state = ANY(:states) ORDER BY projection, generation"
        ),
        {"projections": list(projections), "states": list(states)},
    )
    return [_generation(row) for row in rows]


async def begin(
    conn: AsyncConnection, projection: str, mapping_version: int, log_id: str, is_scratch: bool = False, store_id: str | None = None
) -> Generation:
    """Take the next number for a generation that is about to be built."""
    row = await conn.execute(
        text(
            f"""
            INSERT INTO delivery.generations (projection, generation, mapping_version, log_id, serving, state, is_scratch, store_id)
            SELECT :projection, 1 + coalesce(max(generation), 0), :mapping_version, :log_id, false, 'building', :is_scratch, :store_id
            FROM delivery.generations WHERE projection = :projection
            RETURNING {_COLUMNS}
            """  # noqa: S608 - the columns are ours
        ),
        {
            "projection": projection,
            "mapping_version": mapping_version,
            "log_id": log_id,
            "is_scratch": is_scratch,
            "store_id": store_id,
        },
    )
    return _generation(row.one())


async def mark(conn: AsyncConnection, generation: Generation, state: State) -> None:
    """Say in which state a generation is now; NoSuchGeneration when it serves and is to go."""
    moved = await conn.execute(
        text(
            """
            UPDATE delivery.generations SET state = :state
            WHERE projection = :projection AND generation = :generation AND NOT (serving AND :state IN ('dropping', 'dropped'))
            """
        ),
        {"projection": generation.projection, "generation": generation.number, "state": state},
    )
    if moved.rowcount != 1:
        raise NoSuchGeneration(f"generation {generation.number} of {generation.projection} serves: it cannot be dropped")


async def forget_dropped(conn: AsyncConnection, projections: Sequence[str], store_id: str) -> None:
    """Delete the rows of dropped generations of one scratch use that no runner ever kept.

    The row with a model's highest number stays, whosever it is: so that no number is used again, by which a late writer would be let in.
    """
    await conn.execute(
        text(
            """
            DELETE FROM delivery.generations g WHERE projection = ANY(:projections) AND is_scratch AND store_id = :store_id
              AND state = 'dropped' AND generation < (SELECT max(generation) FROM delivery.generations WHERE projection = g.projection)
            """
        ),
        {"projections": list(projections), "store_id": store_id},
    )


async def switch(conn: AsyncConnection, projection: str, number: int) -> None:
    """Let readers read another generation from the end of this transaction on."""
    place = {"projection": projection, "generation": number}
    await conn.execute(
        text(
            "UPDATE delivery.generations SET serving = false, retired_at = now() "
            "WHERE projection = :projection AND serving AND generation <> :generation"
        ),
        place,
    )
    switched = await conn.execute(
        text(
            "UPDATE delivery.generations SET serving = true, retired_at = NULL "
            "WHERE projection = :projection AND generation = :generation AND state = 'running' AND NOT is_scratch"
        ),
        place,
    )
    if switched.rowcount != 1:
        raise NoSuchGeneration(f"generation {number} of {projection} cannot serve: it is not there, or not whole")


def _generation(row: Row[Any]) -> Generation:
    return Generation(
        row.projection,
        row.generation,
        row.mapping_version,
        row.serving,
        row.state,
        row.is_scratch,
        row.store_id,
        row.created_at,
        row.retired_at,
    )
