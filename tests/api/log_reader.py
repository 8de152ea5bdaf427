"""Read everything that a topic holds, with no code of the edge in between."""

import asyncio

from contracts.codec import decode
from contracts.envelope import Event
from contracts.fields import Model
from infra.addresses import Addresses
from infra.kafka.consumer import Record, end_offsets, read_range


async def _records(addresses: Addresses, topic: str) -> list[Record]:
    found: list[Record] = []
    ends = await end_offsets(addresses.kafka_bootstrap, [topic], addresses.topic_prefix)
    begin = dict.fromkeys(ends, 0)
    await read_range(addresses.kafka_bootstrap, begin, ends, lambda _, records: found.extend(records), addresses.topic_prefix)
    return found


def events_on(addresses: Addresses, topic: str) -> dict[tuple[int, int], Event[Model]]:
    """Return every event of a topic by partition and offset."""
    return {(record.partition, record.offset): decode(record) for record in asyncio.run(_records(addresses, topic))}
