"""Stock Faust as its manual shows it: an agent, one event after the other, a table with its changelog; the same fold and states."""

import json
import sys
from typing import Any

import faust

from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from infra.garbage import WITH_RECORDS, collect_rarely
from processors.fold import Fold
from processors.shell.process import quiet_engine, use_fast_loop
from tests.benchmarks.rivals.rules import chosen


def build(given: dict[str, Any]) -> faust.App:
    """Build the app."""
    prefix, fold = given["prefix"], Fold(chosen(given["rules"]))
    app = faust.App(
        given["group"],
        broker=f"kafka://{given['bootstrap']}",
        datadir=given["directory"],
        store="memory://",
        web_enabled=False,
        topic_partitions=given["partitions"],
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        producer_acks=-1,
        producer_linger=0.005,
        producer_max_batch_size=262_144,
    )
    source = app.topic(f"{prefix}{STORE_FACTS}", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    table = app.Table("states", key_type=str, value_type=bytes, partitions=given["partitions"])

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def rules(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            milliseconds = int(message.timestamp * 1000)
            headers = list((message.headers or {}).items()) if isinstance(message.headers, dict) else list(message.headers or ())
            record = RawRecord(STORE_FACTS, message.partition, message.offset, milliseconds, message.key, message.value, headers)
            folded = fold([record], table.get)
            for out in (*folded.derived, *folded.progress):
                await app.producer.send(f"{prefix}{out.topic}", out.key, out.value, out.partition, None, list(out.headers))
            for stage in folded.stages:
                for key, value in stage.items():
                    table[key] = value
            folded.settle(True)

    return app


if __name__ == "__main__":
    quiet_engine()
    collect_rarely(WITH_RECORDS)
    use_fast_loop()
    faust.Worker(build(json.loads(sys.argv[1])), loglevel="warning", quiet=True).execute_from_commandline()
