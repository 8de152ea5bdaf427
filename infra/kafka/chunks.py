"""Records that are written together: whole batches of one partition, filled here rather than by the client record by record."""

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiokafka.partitioner import DefaultPartitioner

from contracts.records import OutboundRecord

_PARTITIONER = DefaultPartitioner()


@dataclass(slots=True)
class Chunk:
    """Records of one partition that become durable together; `indexes` say where they stood in what was to be written."""

    topic: str
    partition: int
    batch: Any
    indexes: list[int] = field(default_factory=list)
    acknowledged: "asyncio.Future[object]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def append(self, index: int, record: OutboundRecord) -> bool:
        """Add a record; false when the batch is full."""
        added = self.batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
        if added is not None:
            self.indexes.append(index)
        return added is not None


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as every Kafka client would; remembered, for the client computes it in plain Python."""
    numbers = list(range(partitions))
    return int(_PARTITIONER(key, numbers, numbers))
