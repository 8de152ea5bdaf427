"""The usual hand-written loop: consume, `insert`, commit. What a crash or a repeat does to the figures is nobody's business."""

import asyncio
import json
import sys
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer
from clickhouse_connect import get_client

from contracts.topics import STORE_FACTS
from infra.clickhouse.client import WRITER_SETTINGS
from infra.garbage import collect_rarely
from tests.benchmarks.rivals_projections.meter import Meter
from tests.benchmarks.rivals_projections.rows import LINES_TABLE, TENDERS_TABLE, Rows, append_rows, column_names


async def main(given: dict[str, Any]) -> None:
    """Consume until every record is committed."""
    client, meter, left = get_client(dsn=given["clickhouse"], settings=dict(WRITER_SETTINGS)), Meter(), given["records"]
    names = {table: column_names(client, table) for table in (LINES_TABLE, TENDERS_TABLE)}
    consumer = AIOKafkaConsumer(
        f"{given['prefix']}{STORE_FACTS}",
        bootstrap_servers=given["bootstrap"],
        group_id="speed-loop",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    while left:
        rows = Rows([], [])
        for records in (await consumer.getmany(timeout_ms=500, max_records=given["records_at_once"])).values():
            meter.begin()
            for record in records:
                append_rows(rows, record.partition, record.offset, record.timestamp, record.value, record.headers)
        if rows.lines:
            await asyncio.to_thread(client.insert, TENDERS_TABLE, rows.tenders, names[TENDERS_TABLE])
            await asyncio.to_thread(client.insert, LINES_TABLE, rows.lines, names[LINES_TABLE])
            await consumer.commit()
            left -= len(rows.tenders)
    meter.done()
    await consumer.stop()
    meter.tell()


if __name__ == "__main__":
    collect_rarely()
    uvloop.run(main(json.loads(sys.argv[1])))
