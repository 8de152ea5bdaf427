"""Write records durably: idempotent, acknowledged by all in-sync replicas, in order per key.

It knows records and topics, nothing of events.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.records import OutboundRecord
from infra.kafka.chunks import Chunk, NotDurable, Position, partition_of
from infra.kafka.lanes import Lane
from infra.kafka.names import qualified

__all__ = ["NotDurable", "Position", "Publisher"]


_TICK_SECONDS = 0.004


class Publisher:
    """An idempotent producer (`acks=all`). Use as an async context manager."""

    def __init__(self, bootstrap: str, client_id: str, prefix: str = "", linger_ms: int = 2, request_timeout_ms: int = 15_000) -> None:
        self._prefix = prefix
        self._options = {
            "bootstrap_servers": bootstrap,
            "client_id": client_id,
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": linger_ms,
            "max_batch_size": 262_144,
            "request_timeout_ms": request_timeout_ms,
        }
        self._producer: AIOKafkaProducer | None = None
        self._lanes: dict[tuple[str, int], Lane] = {}

    async def __aenter__(self) -> "Publisher":
        self._producer = AIOKafkaProducer(**self._options)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for lane in self._lanes.values():
            await lane.close()
        if self._producer is not None:
            await self._producer.stop()

    def _client(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the publisher is not started")
        return self._producer

    async def send(self, record: OutboundRecord) -> "asyncio.Future[object]":
        """Queue one record, waiting while buffers are full; the future is its acknowledgement, NotDurable means not queued."""
        try:
            future: asyncio.Future[object] = await self._client().send(
                qualified(self._prefix, record.topic),
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
        except KafkaError as error:
            raise NotDurable(repr(error)) from error
        return future

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float = 15.0) -> list[Position | NotDurable]:
        """Write records and wait; each gets its position or, where the broker did not acknowledge, the error.

        They travel in whole batches, together with what others publish at the same time.
        """
        placed: list[tuple[Chunk, int]] = []
        awaited: set[Chunk] = set()
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._put_all(records, placed, awaited)
                if awaited:
                    await asyncio.wait([chunk.acknowledged for chunk in awaited])
        except TimeoutError:
            pass
        except KafkaError as error:
            return [NotDurable(repr(error))] * len(records)
        finally:
            for chunk in awaited:
                chunk.awaited_by -= 1
        bases = {chunk: _base(chunk) for chunk in awaited}
        outcomes = [_outcome(bases[chunk], place) for chunk, place in placed]
        return outcomes + [NotDurable("not sent in time")] * (len(records) - len(placed))

    async def _put_all(self, records: Sequence[OutboundRecord], placed: list[tuple[Chunk, int]], awaited: set[Chunk]) -> None:
        counts = {topic: await self.partitions_for(topic) for topic in {record.topic for record in records}}
        lanes: dict[tuple[str, bytes, int | None], Lane] = {}
        for record in records:
            place = (record.topic, record.key, record.partition)
            lane = lanes.get(place)
            if lane is None:
                lane = lanes[place] = self._lane(record, counts[record.topic])
            found = lane.put(record.key, record.value, record.headers)
            placed.append(found)
            if found[0] not in awaited:
                awaited.add(found[0])
                found[0].awaited_by += 1

    def _lane(self, record: OutboundRecord, partitions: int) -> Lane:
        partition = partition_of(record.key, partitions) if record.partition is None else record.partition
        lane = self._lanes.get((record.topic, partition))
        if lane is None:
            lane = Lane(self._client().create_batch, partial(self._send_chunk, record.topic, partition), _TICK_SECONDS)
            self._lanes[record.topic, partition] = lane
        return lane

    async def _send_chunk(self, topic: str, partition: int, chunk: Chunk) -> None:
        """Send a chunk and settle what became of it."""
        outcome: Position | NotDurable = NotDurable("the publisher was stopped")
        chunk.batch.close()
        try:
            meta = await (await self._client().send_batch(chunk.batch, qualified(self._prefix, topic), partition=partition))
            outcome = Position(topic, meta.partition, meta.offset, meta.timestamp)
        except KafkaError as error:
            outcome = NotDurable(repr(error))
        finally:
            chunk.acknowledged.set_result(outcome)

    async def publish_all(self, records: Sequence[OutboundRecord], timeout_seconds: float = 60.0) -> list[Position]:
        """Write all records or raise the first NotDurable."""
        positions = []
        for outcome in await self.publish(records, timeout_seconds):
            if isinstance(outcome, NotDurable):
                raise outcome
            positions.append(outcome)
        return positions

    async def partitions_for(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return len(await self._client().partitions_for(qualified(self._prefix, topic)))


def _base(chunk: Chunk) -> Position | NotDurable:
    """Return the position of a batch as far as it is known by now."""
    return chunk.acknowledged.result() if chunk.acknowledged.done() else NotDurable("no acknowledgement in time")


def _outcome(base: Position | NotDurable, place: int) -> Position | NotDurable:
    """Return the position of a record of a batch from that of the batch."""
    return Position(base.topic, base.partition, base.offset + place, base.timestamp) if isinstance(base, Position) else base
