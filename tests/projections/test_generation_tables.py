"""Read models share the schema of a generation's number: it goes with the last of its tables, and not before."""

import asyncio

import pytest
from sqlalchemy import text

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.generation_tables import create_in_postgres, drop_in_postgres

pytestmark = pytest.mark.stack

_TABLES = text("SELECT nspname, array_agg(relname::text) AS names FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid "
               "AND relkind = 'r' WHERE nspname LIKE 'read\\_g%' AND nspname <> 'read_g1' GROUP BY nspname")  # fmt: skip


async def _left_after(place: Addresses, dropped: tuple[str, ...]) -> dict[str, list[str]]:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        async with engine.begin() as conn:
            for name in ("event_index", "reference_data"):
                await create_in_postgres(conn, name, 2)
            for name in dropped:
                await drop_in_postgres(conn, name, 2)
            return {row.nspname: row.names for row in await conn.execute(_TABLES)}
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("dropped", "left"),
    [(("event_index",), {"read_g2": ["reference_data"]}), (("event_index", "reference_data"), {})],
)
def test_a_schema_goes_with_its_last_table(place: Addresses, dropped: tuple[str, ...], left: dict[str, list[str]]) -> None:
    """Dropped once more, nothing is wrong."""
    assert asyncio.run(_left_after(place, (*dropped, dropped[0]))) == left
