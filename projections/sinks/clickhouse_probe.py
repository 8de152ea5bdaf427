"""The start-up probe: insert a row twice, count once; of two versions the higher one stays; the identity is the declared one.

A store that does not replace would double every repeat; one that replaces by another identity would lose rows.
"""

from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.exceptions import Error

from infra.clock import new_event_id
from projections.errors import Halted
from projections.sinks.clickhouse_insert import attempt
from projections.sinks.clickhouse_table import ClickHouseTable

PREFIX: Final = "probe_"
_HIGHER: Final = 2

_LEFT_BEHIND: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND metadata_modification_time < now() - INTERVAL 1 HOUR
"""
_ILLEGAL_FINAL: Final = 181
_SHAPE: Final = """
SELECT engine, sorting_key, partition_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}
"""


_ONCE: Final = "INSERT INTO {twin:Identifier} (store_id) VALUES ('probe')"
"""As VALUES: a server that inserts asynchronously does so with these, not with what it selects."""
_TWICE: Final = f"{_ONCE}, ('probe')"
"""Rows of one insert are written as they came, and replace each other all the same when they are read."""


class StoreDoesNotReplace(Halted):
    """ClickHouse, or a table in it, does not do what our writes rely on; nothing may be written."""


async def probe(client: AsyncClient, tables: Sequence[ClickHouseTable], generation: int) -> None:
    """Try each table on an empty twin that is dropped again; StoreDoesNotReplace says what is wrong."""
    await attempt("clean-up of probes", lambda: _drop_left_behind(client))
    for table in tables:
        name = table.name(generation)
        await attempt(f"look at {name}", lambda table=table: _check_shape(client, table, generation))  # type: ignore[misc]
        has_versions = "(" in table.engine
        await attempt(f"probe of {name}", lambda name=name, has_versions=has_versions: _probe_table(client, name, has_versions))  # type: ignore[misc]


async def _drop_left_behind(client: AsyncClient) -> None:
    """Drop what probes left that were killed in the middle."""
    for (name,) in (await client.query(_LEFT_BEHIND, parameters={"prefix": PREFIX})).result_rows:
        await client.command("DROP TABLE IF EXISTS {twin:Identifier} SYNC", parameters={"twin": name})


async def _check_shape(client: AsyncClient, table: ClickHouseTable, generation: int) -> None:
    name = table.name(generation)
    rows = (await client.query(_SHAPE, parameters={"table": name})).result_rows
    if not rows:
        raise StoreDoesNotReplace(f"there is no table {name}: run `tillstream migrate`")
    engine, sorting_key, partition_key = rows[0]
    if not engine.endswith("ReplacingMergeTree"):
        raise StoreDoesNotReplace(f"{name} is a {engine}: a row that comes twice would count twice; it must be a ReplacingMergeTree")
    wanted = ", ".join(table.order_by)
    if sorting_key != wanted:
        raise StoreDoesNotReplace(f"{name} is sorted by ({sorting_key}): rows replace each other by ({wanted}), and by nothing else")
    if partition_key != table.partition_by:
        raise StoreDoesNotReplace(f"{name} is partitioned by {partition_key}: rows replace only within {table.partition_by}")


async def _probe_table(client: AsyncClient, name: str, has_versions: bool) -> None:
    bound = {"table": name, "twin": f"{PREFIX}{name}_{new_event_id().hex}"}
    await client.command(f"CREATE TABLE {quote_identifier(bound['twin'])} AS {quote_identifier(name)}")  # binding does not reach here
    try:
        for insert in _TWICE, _ONCE:
            await client.command(insert, parameters=bound)
            _check_count(name, await _count_once(client, bound))
        if has_versions and await _version_that_stays(client, bound) != _HIGHER:
            raise StoreDoesNotReplace(f"of two versions of a row in a table like {name} the later insert stays: the higher version must")
    finally:
        await client.command("DROP TABLE IF EXISTS {twin:Identifier} SYNC", parameters=bound)


def _check_count(name: str, once: int) -> None:
    if once == 0:
        raise StoreDoesNotReplace(
            f"a row inserted into a table like {name} is not there afterwards: the server acknowledges before it writes (async_insert), "
            "or drops rows"
        )
    if once != 1:
        raise StoreDoesNotReplace(f"a row inserted twice into a table like {name} counts {once} times: it must replace rows")


async def _version_that_stays(client: AsyncClient, bound: dict[str, str]) -> int:
    for version in (_HIGHER, _HIGHER - 1):
        row = {**bound, "version": str(version)}
        await client.command("INSERT INTO {twin:Identifier} (store_id, version) SELECT 'probe', {version:UInt64}", parameters=row)
    return int((await client.query("SELECT version FROM {twin:Identifier} FINAL", parameters=bound)).result_rows[0][0])


async def _count_once(client: AsyncClient, bound: dict[str, str]) -> int:
    try:
        return int((await client.query("SELECT count() FROM {twin:Identifier} FINAL", parameters=bound)).result_rows[0][0])
    except Error as error:
        if error.code != _ILLEGAL_FINAL:
            raise
        raise StoreDoesNotReplace(f"{bound['table']} has an engine that knows no FINAL: it must be a ReplacingMergeTree") from error
