"""The start-up probe: insert a row twice, count once. A store that does not replace would double every repeat."""

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

_LEFT_BEHIND: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND metadata_modification_time < now() - INTERVAL 1 HOUR
"""
_ILLEGAL_FINAL: Final = 181


class StoreDoesNotReplace(Halted):
    """ClickHouse, or a table in it, does not do what our writes rely on; nothing may be written."""


async def probe(client: AsyncClient, tables: Sequence[ClickHouseTable], generation: int) -> None:
    """Try each table on an empty twin that is dropped again; StoreDoesNotReplace says what is wrong."""
    await attempt("clean-up of probes", lambda: _drop_left_behind(client))
    for table in tables:
        name = table.name(generation)
        await attempt(f"probe of {name}", lambda name=name: _probe_table(client, name))  # type: ignore[misc]


async def _drop_left_behind(client: AsyncClient) -> None:
    """Drop what probes left that were killed in the middle."""
    for (name,) in (await client.query(_LEFT_BEHIND, parameters={"prefix": PREFIX})).result_rows:
        await client.command("DROP TABLE IF EXISTS {twin:Identifier} SYNC", parameters={"twin": name})


async def _probe_table(client: AsyncClient, name: str) -> None:
    bound = {"table": name, "twin": f"{PREFIX}{name}_{new_event_id().hex}"}
    await client.command(f"CREATE TABLE {quote_identifier(bound['twin'])} AS {quote_identifier(name)}")  # binding does not reach here
    try:
        for _ in range(2):
            await client.command("INSERT INTO {twin:Identifier} (store_id) SELECT 'probe'", parameters=bound)
        once = await _count_once(client, bound)
    finally:
        await client.command("DROP TABLE IF EXISTS {twin:Identifier} SYNC", parameters=bound)
    if once != 1:
        raise StoreDoesNotReplace(
            f"a row inserted twice into a table like {name} counts {once} times: its engine must be a ReplacingMergeTree"
        )


async def _count_once(client: AsyncClient, bound: dict[str, str]) -> int:
    try:
        return int((await client.query("SELECT count() FROM {twin:Identifier} FINAL", parameters=bound)).result_rows[0][0])
    except Error as error:
        if error.code != _ILLEGAL_FINAL:
            raise
        raise StoreDoesNotReplace(f"{bound['table']} has an engine that knows no FINAL: it must be a ReplacingMergeTree") from error
