"""Write many rows into Postgres by the cheapest way for their number: pipelined inserts for few, COPY for many."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection as DriverConnection
from psycopg import AsyncCursor, sql
from psycopg.types.json import Json
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
    async with (await driver(conn)).cursor() as cursor:
        if len(rows) >= COPY_FROM_ROWS:
            await _copy(cursor, sql.Identifier(table), _listed(columns), rows)
            return
        places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), _listed(columns), places)
        await cursor.executemany(statement, rows)


async def insert_missing(
    conn: AsyncConnection, table: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[object]], key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """Insert rows whose keys are missing, in the order of their keys, and return the keys really inserted."""
    if not rows:
        return set()
    parts = {"table": sql.Identifier(table), "names": _listed(columns), "keys": _listed(key), "given": _GIVEN}
    async with (await driver(conn)).cursor() as cursor:
        if len(rows) >= COPY_FROM_ROWS:
            await cursor.execute(_TEMPORARY.format(**parts))
            await _copy(cursor, _GIVEN, _listed(columns), rows)
            await cursor.execute(_INSERT_COPIED.format(**parts))
        else:
            arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in types)
            await cursor.execute(_INSERT_ARRAYS.format(**parts, arrays=arrays), [list(column) for column in zip(*rows, strict=True)])
        inserted = {tuple(row) for row in await cursor.fetchall()}
        if len(rows) >= COPY_FROM_ROWS:
            await cursor.execute(sql.SQL("DROP TABLE {}").format(_GIVEN))
        return inserted


_GIVEN: Final = sql.Identifier("pg_temp", "given_rows")
_TEMPORARY: Final = sql.SQL("CREATE TEMPORARY TABLE given_rows ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA")
_INSERT_COPIED: Final = sql.SQL(
    "INSERT INTO {table} ({names}) SELECT {names} FROM {given} ORDER BY {keys} ON CONFLICT DO NOTHING RETURNING {keys}"
)
_INSERT_ARRAYS: Final = sql.SQL(
    "INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) AS given_rows ({names}) ORDER BY {keys} "
    "ON CONFLICT DO NOTHING RETURNING {keys}"
)


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


async def _copy(cursor: AsyncCursor[Any], table: sql.Identifier, names: sql.Composed, rows: Sequence[Sequence[object]]) -> None:
    async with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy:
        for row in rows:
            await copy.write_row(row)


def as_json(*columns: Sequence[object]) -> list[Json]:
    """Return columns of text, decimals or times as JSON arrays of text: they cost a fiftieth of arrays of Postgres."""
    return [Json(column, dumps=msgspec.json.encode) for column in columns]


async def query(conn: AsyncConnection, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run one literal statement with positional parameters and return its rows, if it has any."""
    async with (await driver(conn)).cursor() as cursor:
        await cursor.execute(statement.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []
