"""How a worker writes: every record to its own topic and partition, in order, and never more than a batch holds."""

import asyncio
from collections import defaultdict
from random import Random
from typing import Any

from infra.kafka.chunks import partition_of
from processors.outgoing import Outgoing
from processors.shell.heartbeat import Heartbeat
from processors.shell.writer import Writer

_FULL = 3


class _Batch:
    """Holds three records."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, **record: Any) -> int | None:
        if len(self.values) == _FULL:
            return None
        self.values.append(record["value"])
        return len(self.values)

    def close(self) -> None:
        """Take no more."""


class _Log:
    """A producer's client, and the app around it, that keeps what it is sent by topic and partition."""

    def __init__(self) -> None:
        self.producer = self
        self.held: dict[tuple[str, int], list[bytes]] = defaultdict(list)

    def _ensure_producer(self) -> "_Log":
        return self

    def create_batch(self) -> _Batch:
        return _Batch()

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1, 2}

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> Any:
        self.held[topic, partition] += batch.values
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


async def test_records_land_where_they_belong_in_their_order_whatever_comes_between() -> None:
    """Of several topics and partitions in turn, named or by key, and of more than one batch each."""
    log, expected = _Log(), defaultdict[tuple[str, int], list[bytes]](list)
    records, random = [], Random(5)
    for number in range(200):
        topic, key, named = random.choice("ab"), b"S%d" % random.randrange(9), random.choice((None, 0, 1, 2))
        records.append(Outgoing(topic, key, b"%d" % number, [], named))
        expected[topic, partition_of(key, 3) if named is None else named].append(b"%d" % number)
    await Writer(log, Heartbeat(), 10.0, "", check_heartbeat=False, wait=True).send(records)
    assert len(expected) == 6
    assert log.held == expected
