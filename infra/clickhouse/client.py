"""Clients for ClickHouse, the same for a server and for the embedded owner process, with every setting pinned that matters."""

from typing import Final

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

WRITER_SETTINGS: Final[dict[str, str | int]] = {
    "insert_deduplicate": 0,
    "async_insert": 0,
    "do_not_merge_across_partitions_select_final": 0,
    "max_execution_time": 120,
}
"""Defaults differ between servers and versions: identity does the deduplication. Durability is a setting of each table."""

READER_SETTINGS: Final[dict[str, str | int]] = {"readonly": 2, "max_execution_time": 30, "do_not_merge_across_partitions_select_final": 0}


def writer(url: str) -> Client:
    """Make a synchronous client that may write."""
    return clickhouse_connect.get_client(dsn=url, settings=dict(WRITER_SETTINGS), autogenerate_session_id=False, tz_mode="aware")


async def async_writer(url: str) -> AsyncClient:
    """Make an asynchronous client that may write."""
    return await clickhouse_connect.get_async_client(
        dsn=url, settings=dict(WRITER_SETTINGS), autogenerate_session_id=False, tz_mode="aware"
    )


async def async_reader(url: str) -> AsyncClient:
    """Make an asynchronous client that can only read; never used for anything else afterwards."""
    return await clickhouse_connect.get_async_client(
        dsn=url, settings=dict(READER_SETTINGS), autogenerate_session_id=False, tz_mode="aware"
    )
