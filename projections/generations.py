"""Generations of read models: which mapping filled them, from which log, and which one serves."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.errors import AnotherLog, MappingChanged


async def register(conn: AsyncConnection, projection: str, generation: int, mapping_version: int, log_id: str) -> None:
    """Note a generation at its first start; AnotherLog or MappingChanged when it was filled from or by something else."""
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
            text("SELECT mapping_version, log_id FROM delivery.generations WHERE projection = :projection AND generation = :generation"),
            {"projection": projection, "generation": generation},
        )
    ).one()
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
