"""Go back to the generation that served before, and drop generations that nobody needs any more: only when told to."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from infra.clock import utc_now
from projections.catalogue import PROJECTIONS
from projections.generation_tables import CLICKHOUSE_TABLES, REBUILDABLE, drop_in_clickhouse, drop_in_postgres
from projections.generations import Generation, NoSuchGeneration, list_generations, mark, switch

RETENTION: Final = timedelta(hours=48)
"""So long after it ceased to serve, a generation is kept for a rollback unless it is dropped by its number."""


async def roll_back(engine: AsyncEngine, projection: str) -> tuple[int, int]:
    """Let the generation serve again that served before; return the former and the present one. NoSuchGeneration if there is none."""
    async with engine.begin() as conn:
        known = await list_generations(conn, [projection], ("running",))
        serving = next((each for each in known if each.serving), None)
        retired = sorted((each for each in known if each.retired_at is not None), key=lambda each: (each.retired_at, each.number))
        if serving is None or not retired:
            raise NoSuchGeneration(f"no generation of {projection} has served before the present one and is still there")
        last = retired[-1]
        if last.mapping_version != PROJECTIONS[projection].mapping_version:
            raise NoSuchGeneration(
                f"generation {last.number} of {projection} was made by mapping version {last.mapping_version}, not by this one"
            )
        await switch(conn, projection, last.number)
    return serving.number, last.number


async def drop(addresses: Addresses, engine: AsyncEngine, projection: str, number: int) -> None:
    """Drop a generation that does not serve, with its tables, positions and accounts; it may be done again after a crash.

    Its runners cannot write any more from the first step on.
    """
    async with engine.begin() as conn:
        known = await list_generations(conn, [projection], ("building", "running", "dropping"))
        found = next((each for each in known if each.number == number), None)
        if found is None:
            raise NoSuchGeneration(f"{projection} has no generation {number}")
        await mark(conn, found, "dropping")
        place = {"projection": projection, "generation": number}
        await conn.execute(
            text("UPDATE delivery.positions SET epoch = epoch + 1 WHERE projection = :projection AND generation = :generation"), place
        )
    if projection in CLICKHOUSE_TABLES:
        client = await async_writer(addresses.clickhouse_url)
        try:
            await drop_in_clickhouse(client, projection, number)
        finally:
            await client.close()
    async with engine.begin() as conn:
        await drop_in_postgres(conn, projection, number)
        for table in ("positions", "ledger", "dead_letters", "consumers"):
            await conn.execute(
                text(f"DELETE FROM delivery.{table} WHERE projection = :projection AND generation = :generation"),  # noqa: S608 - ours
                place,
            )
        await mark(conn, found, "dropped")


async def outdated(engine: AsyncEngine, retention: timedelta = RETENTION) -> list[Generation]:
    """Return the generations that ceased to serve longer ago than the retention, and those whose drop did not end."""
    async with engine.connect() as conn:
        known = await list_generations(conn, REBUILDABLE, ("running", "dropping"))
    limit = utc_now() - retention
    return [each for each in known if each.state == "dropping" or (each.retired_at is not None and each.retired_at < limit)]
