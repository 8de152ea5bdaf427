"""Clients for ClickHouse, the same for a server and for the embedded owner process, with every setting pinned that matters."""

from typing import Final

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

WRITER_SETTINGS: Final[dict[str, str | int]] = {
    "insert_deduplicate": 0,
    "async_insert": 0,
    "optimize_on_insert": 0,
    "do_not_merge_across_partitions_select_final": 0,
    "max_execution_time": 120,
}
"""Defaults differ between servers and versions: identity does the deduplication. Durability is a setting of each table.

Rows of one insert replace each other like those of several, when they are read with FINAL or merged; `optimize_on_insert` would do it once
more before they are written, and takes two fifths of what an insert of sales costs.
"""

READER_SETTINGS: Final[dict[str, str | int]] = {"readonly": 2, "max_execution_time": 30, "do_not_merge_across_partitions_select_final": 0}


def writer(url: str) -> Client:
    """Make a synchronous client that may write."""
    return clickhouse_connect.get_client(dsn=url, settings=dict(WRITER_SETTINGS), autogenerate_session_id=False, tz_mode="aware")


_SERVER_FIRST_SECONDS: Final = 5.0
"""How much longer than the server's own limit a client waits, so that a server that answers at all is the one to say why not."""


async def async_writer(url: str, answer_seconds: float | None = None) -> AsyncClient:
    """Make an asynchronous client that may write; where `answer_seconds` are given, no statement takes longer, and silence is an error."""
    if answer_seconds is None:
        return await clickhouse_connect.get_async_client(
            dsn=url, settings=dict(WRITER_SETTINGS), autogenerate_session_id=False, tz_mode="aware"
        )
    return await clickhouse_connect.get_async_client(
        dsn=url,
        settings={**WRITER_SETTINGS, "max_execution_time": answer_seconds},
        send_receive_timeout=answer_seconds + _SERVER_FIRST_SECONDS,
        connect_timeout=answer_seconds,
        autogenerate_session_id=False,
        tz_mode="aware",
    )


async def async_reader(url: str) -> AsyncClient:
    """Make an asynchronous client that can only read; never used for anything else afterwards."""
    return await clickhouse_connect.get_async_client(
        dsn=url, settings=dict(READER_SETTINGS), autogenerate_session_id=False, tz_mode="aware"
    )
