"""Records that are written together: whole batches of one partition, filled here rather than by the client record by record."""

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from aiokafka.partitioner import DefaultPartitioner

from contracts.records import Headers

_PARTITIONER = DefaultPartitioner()


class NotDurable(RuntimeError):
    """The broker has not acknowledged: the record may or may not be on the log; sending it again is harmless."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where a record landed, and the broker's clock there in Unix milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int


@dataclass(slots=True, eq=False)
class Chunk:
    """Records of one partition that become durable together; `awaited_by` counts those who still want to know."""

    batch: Any
    records: int = 0
    awaited_by: int = 0
    acknowledged: "asyncio.Future[Position | NotDurable]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def append(self, key: bytes, value: bytes, headers: Headers) -> int | None:
        """Add a record and return its place; None when the batch is full."""
        if self.batch.append(timestamp=None, key=key, value=value, headers=headers if isinstance(headers, list) else list(headers)) is None:
            return None
        self.records += 1
        return self.records - 1


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as every Kafka client would; remembered, for the client computes it in plain Python."""
    numbers = list(range(partitions))
    return int(_PARTITIONER(key, numbers, numbers))
