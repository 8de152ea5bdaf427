"""How a worker writes: every record to its own topic and partition, in order, and never more than a batch holds; and how it cuts."""

import asyncio
from collections import defaultdict
from random import Random
from typing import Any

import pytest

from contracts.records import RawRecord
from infra.kafka.chunks import partition_of
from processors.outgoing import Outgoing
from processors.shell.consumer import cut
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
        self.open = self.most_open = 0

    def _ensure_producer(self) -> "_Log":
        return self

    def create_batch(self) -> _Batch:
        return _Batch()

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1, 2}

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> Any:
        self.held[topic, partition] += batch.values
        acknowledged = asyncio.get_running_loop().create_future()
        self.open += 1
        acknowledged.add_done_callback(lambda _: setattr(self, "open", self.open - 1))
        asyncio.get_running_loop().call_soon(acknowledged.set_result, None)
        self.most_open = max(self.most_open, self.open)
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


@pytest.mark.parametrize(("wait", "open_at_once"), [(True, 1), (False, 4)])
async def test_what_must_come_first_is_acknowledged_first_if_the_writer_waits(wait: bool, open_at_once: int) -> None:
    """States are written a batch after the other, each told of; without its guard the writer runs ahead of the broker."""
    log, told = _Log(), list[int]()

    async def acknowledged() -> None:
        told.append(len(log.held["states", 1]))

    rows = [(b"k", b"%d" % number) for number in range(10)]
    await Writer(log, Heartbeat(), 10.0, "", check_heartbeat=False, wait=wait).write_in_order(("states", 1), rows, acknowledged)
    assert log.held == {("states", 1): [b"%d" % number for number in range(10)]}
    assert (told, log.most_open) == ([3, 6, 9, 10], open_at_once)


@pytest.mark.parametrize(
    ("sizes", "expected"), [([1_000] * 8_300, [4_000, 4_000, 300]), ([300_000] * 5, [2, 2, 1]), ([900_000, 1], [1, 1]), ([], [])]
)
def test_a_batch_is_no_more_than_can_be_folded_in_a_moment(sizes: list[int], expected: list[int]) -> None:
    """Receipts by number, sheets of counts by bytes, in their order, nothing lost."""
    records = [RawRecord("t", 0, number, 0, None, bytes(size), []) for number, size in enumerate(sizes)]
    batches = cut(records)
    assert [len(batch) for batch in batches] == expected
    assert [record for batch in batches for record in batch] == records
