"""A bare aiokafka loop with the same fold, states and changelog, and nothing of the shell: no guard against anything but crashes."""

import asyncio
import json
import sys
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.topics import STORE_FACTS
from infra.garbage import WITH_RECORDS, collect_rarely
from processors.fold import Fold
from tests.benchmarks.rivals.rules import chosen


async def _run(given: dict[str, Any]) -> None:
    prefix, states = given["prefix"], dict[str, bytes]()
    fold = Fold(chosen(given["rules"]))
    consumer = AIOKafkaConsumer(
        f"{prefix}{STORE_FACTS}",
        bootstrap_servers=given["bootstrap"],
        group_id=given["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(bootstrap_servers=given["bootstrap"], acks="all", max_batch_size=262_144)
    await consumer.start()
    await producer.start()
    while True:
        for tp, records in (await consumer.getmany(timeout_ms=200, max_records=3_000)).items():
            folded = fold([_Record(tp, record) for record in records], states.get)
            sent = [
                await producer.send(f"{prefix}{out.topic}", out.value, key=out.key, partition=out.partition, headers=list(out.headers))
                for out in (*folded.derived, *folded.progress)
            ]
            for stage in folded.stages:
                sent += [await producer.send(given["changelog"], value, key=key.encode()) for key, value in stage.items()]
                states.update(stage)
            await asyncio.gather(*sent)
            folded.settle(True)
            await consumer.commit({tp: records[-1].offset + 1})


class _Record:
    """A record under the topic's own name."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, tp: Any, record: Any) -> None:
        self.topic, self.partition, self.offset, self.timestamp = STORE_FACTS, tp.partition, record.offset, record.timestamp
        self.key, self.value, self.headers = record.key, record.value, record.headers


if __name__ == "__main__":
    collect_rarely(WITH_RECORDS)
    uvloop.run(_run(json.loads(sys.argv[1])))
