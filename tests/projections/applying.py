"""Bring read models level with the log without a runner: the real sinks, one owner of all partitions, no group and no waiting."""

import asyncio
from collections.abc import Sequence

from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, Record, end_offsets, read_range
from infra.postgres.engine import async_engine
from projections.batching import Part
from projections.catalogue import PROJECTIONS
from projections.options import Safeguards
from tests.projections.folding import Owner


def apply_log(addresses: Addresses, *names: str) -> None:
    """Apply what the topics of some read models hold now, from where each stands."""
    asyncio.run(_apply_log(addresses, names))


async def _apply_log(addresses: Addresses, names: Sequence[str]) -> None:
    topics = {topic for name in names for topic in PROJECTIONS[name].topics}
    ends = await end_offsets(addresses.kafka_bootstrap, topics, addresses.topic_prefix)
    log: list[RawRecord] = []

    def keep(tp: Partition, records: list[Record]) -> None:
        log.extend(RawRecord(tp.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records)

    await read_range(addresses.kafka_bootstrap, dict.fromkeys(ends, 0), ends, keep, addresses.topic_prefix)
    engine = async_engine(addresses.postgres_dsn, "tests")
    try:
        for name in names:
            owner = Owner(engine, addresses, name, Safeguards(), addresses.log_id)
            await owner.sink.start()
            await owner.take(Part(tp.topic, tp.partition) for tp in ends if tp.topic in PROJECTIONS[name].topics)
            unread = [r for r in log if (own := owner.claims.get(Part(r.topic, r.partition))) and r.offset >= own.next_offset]
            if unread:
                await owner.apply(unread)
            await owner.sink.close()
    finally:
        await engine.dispose()
