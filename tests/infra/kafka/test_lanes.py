"""A lane sends one batch at a time, gathers what comes meanwhile, keeps the order, and drops what nobody waits for any more."""

import asyncio
from dataclasses import dataclass, field

import pytest

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.chunks import Chunk, NotDurable, Position
from infra.kafka.lanes import Lane
from infra.kafka.publisher import Publisher
from tests.projections.clickhouse.driving import read_all


@dataclass
class Batch:
    """Takes three records."""

    values: list[bytes] = field(default_factory=list)

    def append(self, *, value: bytes, **_: object) -> object:
        """Add a record, None when it is full."""
        if len(self.values) == 3:
            return None
        self.values.append(value)
        return self


@dataclass
class Road:
    """Where chunks go; each arrives when it is told to."""

    sent: list[list[bytes]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    may_arrive: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def send(self, chunk: Chunk) -> None:
        """Note what a chunk holds when it leaves, and settle it on arrival."""
        self.sent.append(list(chunk.batch.values))
        self.left.set()
        await self.may_arrive.acquire()
        chunk.acknowledged.set_result(Position("t", 0, 0, 0))


def put(lane: Lane, value: bytes) -> tuple[Chunk, int]:
    """Put a record that is waited for."""
    chunk, place = lane.put(b"k", value, [])
    chunk.awaited_by += 1
    return chunk, place


async def test_what_comes_while_a_batch_is_on_its_way_travels_in_the_next() -> None:
    """The first goes at once and alone; the others are gathered, in order, as far as a batch has room."""
    road = Road()
    lane = Lane(Batch, road.send)
    first = put(lane, b"1")
    await road.left.wait()
    later = [put(lane, value) for value in (b"2", b"3", b"4", b"5")]
    for _ in range(3):
        road.may_arrive.release()
    await asyncio.wait([chunk.acknowledged for chunk, _ in (first, *later)])

    assert road.sent == [[b"1"], [b"2", b"3", b"4"], [b"5"]]
    assert [place for _, place in later] == [0, 1, 2, 0]


async def test_single_records_that_come_within_a_tick_travel_together() -> None:
    """A few thousandths of a second spare a request each."""
    road = Road()
    road.may_arrive.release()
    lane = Lane(Batch, road.send, tick_seconds=0.05)
    first, _ = put(lane, b"1")
    asyncio.get_running_loop().call_soon(put, lane, b"2")
    await asyncio.wait([first.acknowledged])

    assert road.sent == [[b"1", b"2"]]


async def test_what_nobody_waits_for_any_more_is_not_sent() -> None:
    """A post that was told that its time is over has been told to send again: its records do not pile up here."""
    road = Road()
    lane = Lane(Batch, road.send)
    put(lane, b"1")
    await road.left.wait()
    for abandoned, _ in [put(lane, b"2") for _ in range(3)]:
        abandoned.awaited_by -= 1
    last, _ = put(lane, b"3")
    road.may_arrive.release()
    road.may_arrive.release()
    await asyncio.wait([last.acknowledged])

    assert road.sent == [[b"1"], [b"3"]]


@pytest.mark.stack
async def test_posts_at_the_same_time_share_batches_and_each_learns_its_own_positions(place: Addresses) -> None:
    """Fifty publish at once to two stores: every record is where its publisher was told, in the order of its publisher."""
    posts = [[OutboundRecord(STORE_FACTS, f"S{n % 2}".encode(), f"{n}/{m}".encode(), []) for m in range(3)] for n in range(50)]
    async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
        outcomes = await asyncio.gather(*(publisher.publish(records) for records in posts))

    log = {(row.partition, row.offset): row.value for rows in (await read_all(place)).values() for row in rows}
    for records, positions in zip(posts, outcomes, strict=True):
        places = [(at.partition, at.offset) for at in positions if isinstance(at, Position)]
        assert [log[at] for at in places] == [record.value for record in records]
        assert places == sorted(places)
    assert len(log) == 150


@pytest.mark.stack
async def test_a_stopped_publisher_leaves_nobody_waiting(place: Addresses) -> None:
    """What was not acknowledged by then is not durable, for all that its publisher knows."""
    publisher = await Publisher(place.kafka_bootstrap, "tests", place.topic_prefix).__aenter__()
    waiting = asyncio.create_task(publisher.publish([OutboundRecord(STORE_FACTS, b"S", b"{}", [])], 20.0))
    await publisher.partitions_for(STORE_FACTS)
    await publisher.__aexit__()

    (outcome,) = await asyncio.wait_for(waiting, 30)
    assert isinstance(outcome, Position | NotDurable)
