"""The limit: the same rows with no log behind them, as Arrow tables into ClickHouse, one insert after the other.

`ready`: the tables are built before the clock runs; otherwise they are built from rows in memory.
"""

import asyncio
import json
import sys
from typing import Any

from clickhouse_connect import get_client

from contracts.topics import STORE_FACTS
from infra.clickhouse.client import WRITER_SETTINGS
from infra.garbage import collect_rarely
from infra.kafka.consumer import end_offsets, read_range
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALES_LINES
from tests.benchmarks.rivals_projections.meter import Meter
from tests.benchmarks.rivals_projections.rows import Rows, append_rows


async def _batches(given: dict[str, Any]) -> list[Rows]:
    found = [Rows([], [])]
    ends = await end_offsets(given["bootstrap"], [STORE_FACTS], given["prefix"])

    def take(_: Any, records: list[Any]) -> None:
        for record in records:
            if len(found[-1].tenders) >= given["records_at_once"]:
                found.append(Rows([], []))
            append_rows(found[-1], record.partition, record.offset, record.timestamp, record.value, record.headers)

    await read_range(given["bootstrap"], dict.fromkeys(ends, 0), ends, take, given["prefix"])
    return found


def main(given: dict[str, Any]) -> None:
    """Insert everything."""
    batches = [_as_sent(batch) for batch in asyncio.run(_batches(given))]
    client, meter = get_client(dsn=given["clickhouse"], settings=dict(WRITER_SETTINGS)), Meter()
    for table in (RECEIPT_TENDERS, SALES_LINES):
        table.arrow([])
    ready = [(RECEIPT_TENDERS.arrow(b.tenders), SALES_LINES.arrow(b.lines)) for b in batches] if given["ready"] else []
    collect_rarely()
    meter.begin()
    for number, batch in enumerate(batches):
        tenders, lines = ready[number] if ready else (RECEIPT_TENDERS.arrow(batch.tenders), SALES_LINES.arrow(batch.lines))
        client.insert_arrow(RECEIPT_TENDERS.name(1), tenders)
        client.insert_arrow(SALES_LINES.name(1), lines)
    meter.done()
    meter.tell()


def _as_sent(batch: Rows) -> Rows:
    """Give ids as their bytes, as Arrow takes them."""
    return Rows([(*row[:2], row[2].bytes, *row[3:]) for row in batch.lines], [(*row[:2], row[2].bytes, *row[3:]) for row in batch.tenders])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
