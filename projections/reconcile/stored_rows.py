"""Read the rows of store-days from the tables of a generation, with every column: what serves, or what was folded anew beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import CHAIN_WIDE
from contracts.topics import ALERTS, STORE_FACTS
from projections.batching import Part
from projections.generation_tables import POSTGRES_TABLES
from projections.reconcile.report import StoreDay
from projections.replay.measures import EMPTIED, VERSIONED_BY_WORK
from projections.sinks.clickhouse_table import ClickHouseTable

Rows: TypeAlias = list[dict[str, Any]]
_OF_PARTITIONS: Final = "part"
"""A table with this in its key tells of partitions, such as how far their clocks are, and of no store."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Store-days whose rows are read."""

    days: tuple[StoreDay, ...]

    @property
    def stores(self) -> list[str]:
        """Their stores."""
        return sorted({day.store_id for day in self.days})

    def bound(self) -> dict[str, list[str]]:
        """Return parameters: the stores, and the pairs that have a date."""
        dated = [day for day in self.days if day.business_date]
        return {
            "stores": self.stores,
            "day_stores": [day.store_id for day in dated],
            "days": [day.business_date for day in dated],
        }


def postgres_key(table: Table) -> list[str]:
    """Return the columns that name a row."""
    return [column.name for column in table.primary_key.columns]


async def postgres_rows(conn: AsyncConnection, model: str, table: Table, generation: int, wanted: Wanted) -> Rows | None:
    """Return the rows of a table; None for a table of which nothing belongs to these store-days."""
    condition = _condition(model, table, generation, wanted)
    if condition is None:
        return None
    statement = f"SELECT * FROM read_g{generation}.{table.name} WHERE {condition}"  # noqa: S608 - names of ours
    return [dict(row) for row in (await conn.execute(text(statement), wanted.bound())).mappings()]


_PAIRS: Final = "SELECT * FROM unnest(CAST(:day_stores AS text[]), CAST(:days AS text[]))"


def _condition(model: str, table: Table, generation: int, wanted: Wanted) -> str | None:
    """By business date where a row has one, else by that of its event, else all of the store."""
    columns = set(table.columns.keys())
    if "store_id" not in columns:
        return "true" if CHAIN_WIDE in wanted.stores and _OF_PARTITIONS not in postgres_key(table) else None
    if "business_date" in columns:
        return f"(store_id, business_date::text) IN ({_PAIRS})"
    events = next((each.name for each in POSTGRES_TABLES[model] if each.name.endswith("_events")), None)
    if events is not None and {"store_id", "event_id"} <= set(postgres_key(table)):
        of_days = f"SELECT event_id FROM read_g{generation}.{events} WHERE (store_id, business_date::text) IN ({_PAIRS})"  # noqa: S608 - ours
        return f"store_id = ANY(CAST(:stores AS text[])) AND event_id IN ({of_days})"
    if model == "reference_data":
        return "coalesce(store_id, '*') = ANY(CAST(:stores AS text[]))"
    return "store_id = ANY(CAST(:stores AS text[]))"


def clickhouse_key(table: ClickHouseTable) -> list[str]:
    """Return the columns that name a row."""
    return list(table.order_by)


def has_positions(table: ClickHouseTable) -> bool:
    """Tell whether its rows say from which place of the log they are."""
    return any(column.name == "position" for column in table.columns)


async def clickhouse_rows(
    client: AsyncClient, table: ClickHouseTable, generation: int, wanted: Wanted, positions: Mapping[Part, int]
) -> Rows:
    """Return the rows of a table; of facts those below the positions."""
    names = [column.name for column in table.columns if not (column.name == "version" and table.stem in VERSIONED_BY_WORK)]
    conditions = ["(store_id, toString(business_date)) IN (SELECT arrayJoin(arrayZip({day_stores:Array(String)}, {days:Array(String)})))"]
    conditions += [_below(table)] if has_positions(table) else []
    conditions += [EMPTIED[table.stem]] if table.stem in EMPTIED else []
    statement = f"SELECT {', '.join(names)} FROM {{table:Identifier}} FINAL WHERE {' AND '.join(conditions)}"  # noqa: S608 - names of ours
    bound = {**wanted.bound(), **_ends(positions), "table": table.name(generation)}
    rows = (await client.query(statement, parameters=bound)).result_rows
    return [dict(zip(names, row, strict=True)) for row in rows]


async def moved_days(
    client: AsyncClient, tables: Sequence[ClickHouseTable], generation: int, wanted: Wanted, positions: Mapping[Part, int]
) -> set[StoreDay]:
    """Return the store-days that have facts beyond the positions."""
    found: set[StoreDay] = set()
    for table in filter(has_positions, tables):
        statement = f"""
            SELECT DISTINCT store_id, toString(business_date) FROM {{table:Identifier}}
            WHERE store_id IN {{stores:Array(String)}} AND NOT ({_below(table)})
        """  # noqa: S608 - names of ours
        bound = {**wanted.bound(), **_ends(positions), "table": table.name(generation)}
        found |= {StoreDay(*row) for row in (await client.query(statement, parameters=bound)).result_rows}
    return found


def _below(table: ClickHouseTable) -> str:
    of_topic = "transform(partition, {{{name}parts:Array(UInt32)}}, {{{name}ends:Array(UInt64)}}, toUInt64(0))"
    facts, alerts = of_topic.format(name=""), of_topic.format(name="alert_")
    has_types = any(column.name == "event_type" for column in table.columns)
    end = f"if(event_type = 'alert.changed.v1', {alerts}, {facts})" if has_types else facts
    return f"position < {end}"


def _ends(positions: Mapping[Part, int]) -> dict[str, list[int]]:
    facts, alerts = ({part.number: end for part, end in positions.items() if part.topic == topic} for topic in (STORE_FACTS, ALERTS))
    return {"parts": list(facts), "ends": list(facts.values()), "alert_parts": list(alerts), "alert_ends": list(alerts.values())}
