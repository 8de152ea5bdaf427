"""Compare the tables of two generations in ClickHouse, and put the rows of store-days from one into the other.

Nobody writes to either meanwhile: their runners are held. Sums are taken by store and month first, rows are compared only
where those differ, since a table may hold more rows than fit into memory.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from operator import add
from typing import Any, Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.generation_tables import CLICKHOUSE_TABLES
from projections.replay.comparison import MOST_DIFFERENCES, RowDifference, Side, TableComparison
from projections.replay.measures import EMPTIED, TOTALS, VERSIONED_BY_WORK
from projections.replay.postgres_tables import StoreDays
from projections.sinks.clickhouse_table import ClickHouseTable

_MODULUS: Final = 2**64
_MONTHS: Final = """
SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() AND table = {name:String} AND active ORDER BY partition_id
"""
"""Rows that replace each other lie in one of them."""


async def compare_tables(client: AsyncClient, projection: str, old: int, new: int, days: StoreDays) -> list[TableComparison]:
    """Compare every table."""
    return [await _compare(client, table, old, new, days) for table in CLICKHOUSE_TABLES[projection]]


async def replace_rows(
    client: AsyncClient, projection: str, old: int, new: int, days: StoreDays, version: int, extend: Callable[[], Awaitable[None]]
) -> int:
    """Let the serving generation have the rows of the other one for these store-days, and return how many were not the same.

    It may be done again after a crash anywhere: what is not the same is looked for anew. `version` is the number of this work, for
    sums that the newest wins. `extend` keeps the hold before anything is deleted, and raises when it has run out: then rows that
    only one side has may be newer ones. A delete concerns no row that is written after it began.
    """
    changed = 0
    for table in CLICKHOUSE_TABLES[projection]:
        bound = {**_bound(table, old, new), **days.bound()}
        columns, condition = _columns(table), _condition(table, days)
        wrong = f"({columns}) NOT IN (SELECT {columns} FROM {{new:Identifier}} FINAL WHERE {condition})"  # noqa: S608 - names of ours
        missing = f"({columns}) NOT IN (SELECT {columns} FROM {{old:Identifier}} FINAL WHERE {condition})"  # noqa: S608
        count = f"SELECT count() FROM {{old:Identifier}} FINAL WHERE {condition} AND {wrong}"  # noqa: S608
        extra = int((await client.query(count, parameters=bound)).result_rows[0][0])
        if extra:
            await extend()
            await client.command(f"DELETE FROM {{old:Identifier}} WHERE {condition} AND {wrong}", parameters=bound)  # noqa: S608
        lacking = int(
            (await client.query(f"SELECT count() FROM {{new:Identifier}} FINAL WHERE {condition} AND {missing}", parameters=bound))  # noqa: S608
            .result_rows[0][0]
        )
        if lacking:
            names = ", ".join(column.name for column in table.columns)
            values = ", ".join(
                "{work:UInt64}" if column.name == "version" and table.stem in VERSIONED_BY_WORK else column.name for column in table.columns
            )
            await client.command(
                f"INSERT INTO {{old:Identifier}} ({names}) SELECT {values} FROM {{new:Identifier}} FINAL "  # noqa: S608
                f"WHERE {condition} AND {missing}",
                parameters={**bound, "work": version},
            )
        changed += extra + lacking
    return changed


def _bound(table: ClickHouseTable, old: int, new: int) -> dict[str, Any]:
    return {"old": table.name(old), "new": table.name(new)}


def _columns(table: ClickHouseTable) -> str:
    left_out = {"version"} if table.stem in VERSIONED_BY_WORK else set()
    return ", ".join(_plain(column.name, column.is_nullable) for column in table.columns if column.name not in left_out)


def _plain(name: str, is_nullable: bool) -> str:
    """Name a column so that a null is compared like a value: to itself it is equal."""
    return f"ifNull(hex({name}), '-')" if is_nullable else name


def _condition(table: ClickHouseTable, days: StoreDays) -> str:
    names = {column.name for column in table.columns}
    parts = ["store_id = {store:String}"] if days.store_id is not None else []
    if "business_date" in names:
        parts += ["business_date >= {first:Date}"] if days.first is not None else []
        parts += ["business_date <= {last:Date}"] if days.last is not None else []
    parts += [EMPTIED[table.stem]] if table.stem in EMPTIED else []
    return " AND ".join(parts) or "1"


def _group(table: ClickHouseTable) -> tuple[str, str]:
    """Return by what sums are taken first, and its type."""
    if "business_date" in {column.name for column in table.columns}:
        return "concat(store_id, '/', toString(toYYYYMM(business_date)))", "String"
    return "concat(topic, '/', toString(partition), '/', toString(intDiv(offset, 100000)))", "String"


async def _compare(client: AsyncClient, table: ClickHouseTable, old: int, new: int, days: StoreDays) -> TableComparison:
    sums = {number: await _sums(client, table, number, days) for number in (old, new)}
    differing = sorted(group for group in sums[old].keys() | sums[new].keys() if sums[old].get(group) != sums[new].get(group))
    count = 0
    found: list[RowDifference] = []
    group, kind = _group(table)
    key = ", ".join(table.order_by)
    for number, other in ((old, new), (new, old)) if differing else ():
        condition = f"{_condition(table, days)} AND {group} IN {{groups:Array({kind})}}"
        statement = f"""
            SELECT {key}, count() OVER () FROM {{old:Identifier}} FINAL
            WHERE {condition} AND ({_columns(table)}) NOT IN (SELECT {_columns(table)} FROM {{new:Identifier}} FINAL WHERE {condition})
            ORDER BY {key} LIMIT {MOST_DIFFERENCES}
        """  # noqa: S608 - names of ours
        bound = {**_bound(table, number, other), **days.bound(), "groups": differing}
        rows = (await client.query(statement, parameters=bound)).result_rows
        count += int(rows[0][-1]) if rows else 0
        found += [RowDifference(table.stem, number, dict(zip(table.order_by, row, strict=False))) for row in rows]
    return TableComparison(table.stem, _side(table, sums[old]), _side(table, sums[new]), count, tuple(found[:MOST_DIFFERENCES]))


async def _sums(client: AsyncClient, table: ClickHouseTable, number: int, days: StoreDays) -> dict[str, tuple[Any, ...]]:
    """Return sums by group, month by month: no statement takes longer as a table holds more months."""
    measures = "".join(f", sum({name})" for name in TOTALS.get(table.stem, ()))
    statement = f"""
        SELECT {_group(table)[0]} AS of_group, count(), sum(cityHash64({_columns(table)})){measures}
        FROM {{table:Identifier}} FINAL WHERE _partition_id = {{month:String}} AND {_condition(table, days)} GROUP BY of_group
    """  # noqa: S608 - names of ours
    bound = {"table": table.name(number), **days.bound()}
    sums: dict[str, tuple[Any, ...]] = {}
    for (month,) in (await client.query(_MONTHS, parameters={"name": table.name(number)})).result_rows:
        for group, *found in (await client.query(statement, parameters={**bound, "month": month})).result_rows:
            sums[group] = tuple(map(add, sums[group], found)) if group in sums else tuple(found)
    return sums


def _side(table: ClickHouseTable, sums: dict[str, tuple[Any, ...]]) -> Side:
    measures = TOTALS.get(table.stem, ())
    totals = {name: sum((Decimal(row[2 + at]) for row in sums.values()), Decimal(0)) for at, name in enumerate(measures)}
    return Side(sum(row[0] for row in sums.values()), sum(int(row[1]) for row in sums.values()) % _MODULUS, totals)
