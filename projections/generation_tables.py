"""The physical tables of each read model's generations: which there are, how those of a new generation are made, and dropped.

The migrations describe generation 1, and every other generation is made in its image. Generation 1 itself is therefore
emptied where another one would be dropped: later migrations change its tables, and find them.
"""

from typing import Any, Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.read_models.attendance_day.table import attendance_tables
from projections.read_models.event_index.table import event_index
from projections.read_models.incoming_goods.table import incoming_tables
from projections.read_models.open_alerts.table import alert_tables
from projections.read_models.reference_data.table import reference_data
from projections.read_models.reorder_recommendations.table import reorder_tables
from projections.read_models.stock_on_hand.table import stock_tables
from projections.read_models.stores.table import reference_tables
from projections.read_models.till_days.table import till_day_tables
from projections.read_models.till_periods.table import till_period_tables
from projections.sinks.clickhouse_archive import ArchiveModel
from projections.sinks.clickhouse_facts_declared import FACTS
from projections.sinks.clickhouse_sales import SalesModel
from projections.sinks.clickhouse_table import ClickHouseTable


def _of(bundle: Any) -> tuple[Table, ...]:
    return tuple(getattr(bundle, name) for name in bundle.__dataclass_fields__)


POSTGRES_TABLES: Final[dict[str, tuple[Table, ...]]] = {
    "event_index": (event_index(1),),
    "stores": _of(reference_tables(1)),
    "stock_on_hand": _of(stock_tables(1)),
    "incoming_goods": _of(incoming_tables(1)),
    "reference_data": (reference_data(1),),
    "attendance_day": _of(attendance_tables(1)),
    "till_days": _of(till_day_tables(1)),
    "till_periods": _of(till_period_tables(1)),
    "open_alerts": _of(alert_tables(1)),
    "reorder_recommendations": _of(reorder_tables(1)),
}
CLICKHOUSE_TABLES: Final[dict[str, tuple[ClickHouseTable, ...]]] = {
    "sales": SalesModel.tables,
    **{name: (declared.table,) for name, declared in FACTS.items()},
    "event_log": ArchiveModel.tables,
}

REBUILDABLE: Final = (*POSTGRES_TABLES, *CLICKHOUSE_TABLES)
"""The read models that can be built beside themselves. `dead_letters` is no generation's: its rows are the letters themselves."""


_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))")
"""Two that make the same schema at once would both find it missing, and one may fill what another finds empty."""
_HOLDS_SOMETHING: Final = text("SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(:schema))")


async def create_in_postgres(conn: AsyncConnection, projection: str, generation: int) -> None:
    """Make the tables of a generation, with indexes, defaults and checks; harmless when they are there."""
    schema = f"read_g{generation}"
    await conn.execute(_ONE_AT_A_TIME, {"lock": schema})
    await conn.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    for table in POSTGRES_TABLES.get(projection, ()):
        await conn.execute(text(f"CREATE TABLE IF NOT EXISTS {schema}.{table.name} (LIKE read_g1.{table.name} INCLUDING ALL)"))


async def create_in_clickhouse(client: AsyncClient, projection: str, generation: int) -> None:
    """Make the tables of a generation; harmless when they are there."""
    for table in CLICKHOUSE_TABLES.get(projection, ()):
        await client.command(table.create_statement(generation))


async def drop_in_postgres(conn: AsyncConnection, projection: str, generation: int) -> None:
    """Drop the tables of a generation and its schema with the last of them, or empty those that migrations describe."""
    tables, schema = POSTGRES_TABLES.get(projection, ()), f"read_g{generation}"
    if generation == 1:
        for table in tables:
            await conn.execute(text(f"TRUNCATE {schema}.{table.name}"))
        return
    await conn.execute(_ONE_AT_A_TIME, {"lock": schema})
    for table in tables:
        await conn.execute(text(f"DROP TABLE IF EXISTS {schema}.{table.name}"))
    if not (await conn.execute(_HOLDS_SOMETHING, {"schema": schema})).scalar_one():
        await conn.execute(text(f"DROP SCHEMA IF EXISTS {schema}"))


async def drop_in_clickhouse(client: AsyncClient, projection: str, generation: int) -> None:
    """Drop the tables of a generation, or empty them where they are those that migrations describe."""
    for table in CLICKHOUSE_TABLES.get(projection, ()):
        verb = "TRUNCATE TABLE IF EXISTS" if generation == 1 else "DROP TABLE IF EXISTS"
        await client.command(f"{verb} {table.name(generation)} SYNC")
