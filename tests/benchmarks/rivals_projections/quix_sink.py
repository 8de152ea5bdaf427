"""Quix Streams 3 with a batching sink, as its manual shows one, that writes the same rows with clickhouse-connect.

Runs in a virtual environment of its own (`tests/benchmarks/rivals/quix.txt`), for its dependencies contradict ours.
"""

import json
import sys
from typing import Any

from clickhouse_connect import get_client
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from contracts.topics import STORE_FACTS
from tests.benchmarks.rivals_projections.meter import Meter
from tests.benchmarks.rivals_projections.rows import LINES_TABLE, TENDERS_TABLE, Rows, append_rows, column_names

_SETTINGS = {"insert_deduplicate": 0, "async_insert": 0}


class ClickHouseSink(BatchingSink):  # type: ignore[misc] # only where Quix Streams is installed
    """Writes each partition's batch; stops the application when nothing is left."""

    def __init__(self, given: dict[str, Any], meter: Meter) -> None:
        super().__init__()
        self._client, self._meter, self._left = get_client(dsn=given["clickhouse"], settings=_SETTINGS), meter, given["records"]
        self._names = {table: column_names(self._client, table) for table in (LINES_TABLE, TENDERS_TABLE)}
        self.app: Any = None

    def add(self, *given: Any, **named: Any) -> None:
        """Take a record."""
        self._meter.begin()
        super().add(*given, **named)

    def write(self, batch: SinkBatch) -> None:
        """Write one partition's records; the offsets are committed after all of them."""
        rows = Rows([], [])
        for item in batch:
            append_rows(rows, batch.partition, item.offset, item.timestamp, item.value, item.headers)
        self._client.insert(TENDERS_TABLE, rows.tenders, self._names[TENDERS_TABLE])
        self._client.insert(LINES_TABLE, rows.lines, self._names[LINES_TABLE])
        self._left -= len(rows.tenders)
        if not self._left:
            self.app.stop()


def main(given: dict[str, Any]) -> None:
    """Run until everything is committed."""
    meter = Meter()
    sink = ClickHouseSink(given, meter)
    app = sink.app = Application(
        broker_address=given["bootstrap"],
        consumer_group="speed-quix",
        auto_offset_reset="earliest",
        commit_every=given["records_at_once"],
        commit_interval=5.0,
        state_dir=given["directory"],
        loglevel="WARNING",
    )
    topic = app.topic(f"{given['prefix']}{STORE_FACTS}", key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(topic).sink(sink)
    app.run()
    meter.done()
    meter.tell()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
