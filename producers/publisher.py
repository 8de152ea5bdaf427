"""Put events on the log: facts by their store, versions where rules and projections look for them, ticks to each partition.

A thin front over the Kafka publisher; it keeps many records in flight, and per partition the order of sending.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from contracts.codec import encode
from contracts.envelope import Event
from contracts.fields import Model
from contracts.records import OutboundRecord
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.kafka.publisher import NotDurable, Publisher


class EventPublisher:
    """Sends without waiting for each acknowledgement; `settle` waits for all. NotDurable stops the sender.

    After NotDurable anything sent may or may not be on the log: sending the same events again is harmless.
    """

    def __init__(self, publisher: Publisher, partitions: int, max_in_flight: int = 5_000, timeout_seconds: float = 60.0) -> None:
        self._publisher = publisher
        self.partitions = partitions
        self._max_in_flight = max_in_flight
        self._timeout_seconds = timeout_seconds
        self._in_flight: deque[asyncio.Future[object]] = deque()

    @classmethod
    async def over(cls, publisher: Publisher, max_in_flight: int = 5_000) -> "EventPublisher":
        """Make one for a started publisher, asking the broker how many partitions stores are spread over."""
        return cls(publisher, await publisher.partitions_for(STORE_FACTS), max_in_flight)

    async def send(self, record: OutboundRecord) -> None:
        """Queue one record; waits for the oldest acknowledgement where too many are outstanding."""
        self._in_flight.append(await self._publisher.send(record))
        while len(self._in_flight) > self._max_in_flight or (self._in_flight and self._in_flight[0].done()):
            await self._acknowledged(self._in_flight.popleft())

    async def settle(self) -> None:
        """Wait until everything sent is durable."""
        while self._in_flight:
            await self._acknowledged(self._in_flight.popleft())

    async def publish_events(self, events: Iterable[Event[Model]]) -> None:
        """Send facts and corrections, each to the partition of its store."""
        for event in events:
            await self.send(encode(event, STORE_FACTS))

    async def publish_store_version(self, event: Event[Model]) -> None:
        """Send a version that concerns one store: to the reference data, and into the order of that store."""
        await self.send(encode(event, REFERENCE_DATA))
        await self.send(encode(event, STORE_FACTS))

    async def publish_chain_wide(self, event: Event[Model]) -> None:
        """Send a version that concerns every store: to the reference data, and to each partition of the facts."""
        await self.send(encode(event, REFERENCE_DATA))
        for partition in range(self.partitions):
            await self.send(encode(event, STORE_FACTS, partition))

    async def publish_reference_only(self, event: Event[Model]) -> None:
        """Send a version that tells rules nothing, such as a SKU of which only the name is known."""
        await self.send(encode(event, REFERENCE_DATA))

    async def publish_ticks(self, ticks: Iterable[Event[Model]]) -> None:
        """Send ticks, each to the partition that it names, behind everything sent there before."""
        for tick in ticks:
            await self.send(tick_record(tick))

    async def _acknowledged(self, future: "asyncio.Future[object]") -> None:
        if not future.done():
            await asyncio.wait([future], timeout=self._timeout_seconds)
        if not future.done():
            raise NotDurable("no acknowledgement in time")
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or error is not None:
            raise NotDurable(repr(error)) from error


def tick_record(tick: Event[Model]) -> OutboundRecord:
    """Write a tick as a record for its own partition."""
    partition = getattr(tick.data, "partition", None)
    if not isinstance(partition, int):
        raise TypeError("not a tick")
    return encode(tick, STORE_FACTS, partition)
