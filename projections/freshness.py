"""How far a read model is: its positions, and the broker's time up to which it has applied everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation


@dataclass(frozen=True, slots=True)
class Freshness:
    """`as_of`: the broker's time of the last applied record, the minimum over partitions that have any; None where none has.

    `positions`: (topic, partition) to the next offset to apply.
    """

    as_of: datetime | None
    positions: Mapping[tuple[str, int], int]
    generation: int


async def read_freshness(engine: AsyncEngine, projection: str) -> Freshness:
    """Return the freshness of the serving generation; no positions before its first start."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, projection)
        rows = (
            await conn.execute(
                text(
                    """
                    SELECT topic, part, next_offset, recorded_at FROM delivery.positions
                    WHERE projection = :projection AND generation = :generation
                    """
                ),
                {"projection": projection, "generation": generation},
            )
        ).all()
    recorded = [row.recorded_at for row in rows if row.recorded_at is not None]
    return Freshness(min(recorded, default=None), {(row.topic, row.part): row.next_offset for row in rows}, generation)
