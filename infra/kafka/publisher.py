"""Write records durably: idempotent, acknowledged by all in-sync replicas, in order per key.

It knows records and topics, nothing of events.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.records import OutboundRecord
from infra.kafka.chunks import Chunk, partition_of
from infra.kafka.names import plain, qualified

_BATCH_FROM = 8


class NotDurable(RuntimeError):
    """The broker has not acknowledged: the record may or may not be on the log; sending it again is harmless."""


class Position(NamedTuple):
    """Where a record landed, and the broker's clock there in Unix milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int


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

    async def __aenter__(self) -> "Publisher":
        self._producer = AIOKafkaProducer(**self._options)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
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
        """Write records and wait; each gets its position or, where the broker did not acknowledge, the error."""
        if len(records) >= _BATCH_FROM:
            return await self._publish_batches(records, timeout_seconds)
        queued: list[asyncio.Future[object] | NotDurable] = []
        try:
            async with asyncio.timeout(timeout_seconds):
                for record in records:
                    try:
                        queued.append(await self.send(record))
                    except NotDurable as error:
                        queued.append(error)
                await asyncio.wait([f for f in queued if isinstance(f, asyncio.Future)]) if _futures(queued) else None
        except TimeoutError:
            pass
        return [_outcome(item, self._prefix) for item in queued] + [NotDurable("not sent in time")] * (len(records) - len(queued))

    async def _publish_batches(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Write many records as whole batches of their partitions: a tenth of the work of queueing each by itself."""
        chunks: list[Chunk] = []
        try:
            async with asyncio.timeout(timeout_seconds):
                for chunk in await self._chunks(records):
                    chunks.append(chunk)
                    await self._send_chunk(chunk)
                await asyncio.wait([chunk.acknowledged for chunk in chunks])
        except TimeoutError:
            pass
        outcomes: list[Position | NotDurable] = [NotDurable("not sent in time")] * len(records)
        for chunk in chunks:
            first = _outcome(chunk.acknowledged, self._prefix)
            for place, index in enumerate(chunk.indexes):
                outcomes[index] = _placed(first, place)
        return outcomes

    async def _chunks(self, records: Sequence[OutboundRecord]) -> list[Chunk]:
        counts = {topic: await self.partitions_for(topic) for topic in {record.topic for record in records}}
        open_chunks: dict[tuple[str, int], Chunk] = {}
        found: list[Chunk] = []
        for index, record in enumerate(records):
            partition = partition_of(record.key, counts[record.topic]) if record.partition is None else record.partition
            chunk = open_chunks.get((record.topic, partition))
            if chunk is None or not chunk.append(index, record):
                chunk = open_chunks[record.topic, partition] = Chunk(record.topic, partition, self._client().create_batch())
                chunk.append(index, record)
                found.append(chunk)
        return found

    async def _send_chunk(self, chunk: Chunk) -> None:
        chunk.batch.close()
        try:
            chunk.acknowledged = await self._client().send_batch(
                chunk.batch, qualified(self._prefix, chunk.topic), partition=chunk.partition
            )
        except KafkaError as error:
            chunk.acknowledged.set_exception(error)

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


def _placed(first: Position | NotDurable, place: int) -> Position | NotDurable:
    """Return the position of a record of a batch from that of the batch."""
    return first if isinstance(first, NotDurable) else Position(first.topic, first.partition, first.offset + place, first.timestamp)


def _futures(queued: Iterable[object]) -> bool:
    return any(isinstance(item, asyncio.Future) for item in queued)


def _outcome(item: "asyncio.Future[object] | NotDurable", prefix: str) -> Position | NotDurable:
    if isinstance(item, NotDurable):
        return item
    if not item.done():
        return NotDurable("no acknowledgement in time")
    if item.cancelled() or item.exception() is not None:
        return NotDurable(repr(None if item.cancelled() else item.exception()))
    meta: object = item.result()
    return Position(plain(prefix, meta.topic), meta.partition, meta.offset, meta.timestamp)  # type: ignore[attr-defined]
