"""Write many rows into Postgres by the cheapest way for their number: pipelined inserts for few, COPY for many."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import AsyncConnection as DriverConnection
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

COPY_FROM_ROWS: Final = 500


async def driver(conn: AsyncConnection) -> DriverConnection[Any]:
    """Return the driver's connection, in the same transaction."""
    raw = await conn.get_raw_connection()
    found: DriverConnection[Any] = raw.driver_connection  # type: ignore[assignment]
    return found


async def insert_new(conn: AsyncConnection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows whose keys are known to be new; the table is found on the search path."""
    if not rows:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    async with (await driver(conn)).cursor() as cursor:
        if len(rows) < COPY_FROM_ROWS:
            places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
            await cursor.executemany(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, places), rows)
            return
        async with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
            for row in rows:
                await copy.write_row(row)


async def insert_missing(
    conn: AsyncConnection, table: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[object]], key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """Insert rows whose keys are missing, in the order of their keys, and return the keys really inserted."""
    if not rows:
        return set()
    arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in types)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    keys = sql.SQL(", ").join(map(sql.Identifier, key))
    statement = sql.SQL(
        "INSERT INTO {} ({}) SELECT * FROM unnest({}) AS given ({}) ORDER BY {} ON CONFLICT DO NOTHING RETURNING {}"
    ).format(sql.Identifier(table), names, arrays, names, keys, keys)
    async with (await driver(conn)).cursor() as cursor:
        await cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        return {tuple(row) for row in await cursor.fetchall()}


async def query(conn: AsyncConnection, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run one literal statement with positional parameters and return its rows, if it has any."""
    async with (await driver(conn)).cursor() as cursor:
        await cursor.execute(statement.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []
