"""One lane to each partition: a batch is on its way, and what comes meanwhile from anybody is gathered into the next one.

The client has one request to a broker under way at a time, so that batches of one post each would only wait behind each other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from contracts.records import Headers
from infra.kafka.chunks import Chunk

_ENOUGH_RECORDS = 8
"""From here on a batch is worth a request of its own."""

SendChunk = Callable[[Chunk], Awaitable[None]]
"""Hand a chunk to the client; its `acknowledged` is then settled, whatever happens."""


class Lane:
    """Records of one partition in the order in which they were put.

    Few records wait for the next tick, which is the same in all lanes: then one request carries those of several partitions.
    """

    def __init__(self, new_batch: Callable[[], Any], send: SendChunk, tick_seconds: float = 0.0) -> None:
        self._tick_seconds = tick_seconds
        self._new_batch = new_batch
        self._send = send
        self._queue: deque[Chunk] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, key: bytes, value: bytes, headers: Headers) -> tuple[Chunk, int]:
        """Add a record and return where it will be: the chunk, and the place within it."""
        place = self._queue[-1].append(key, value, headers) if self._queue else None
        if place is None:
            self._queue.append(Chunk(self._new_batch()))
            place = self._queue[-1].append(key, value, headers)
            assert place is not None, "a new batch takes a record of any size"
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all(), name="kafka-lane")
        return self._queue[-1], place

    async def _send_all(self) -> None:
        while self._queue:
            if self._queue[0].records < _ENOUGH_RECORDS and self._tick_seconds:
                await asyncio.sleep(self._tick_seconds - asyncio.get_running_loop().time() % self._tick_seconds)
            chunk = self._queue.popleft()
            if not chunk.awaited_by:
                continue  # everybody has given up: sent now, it would only come as a surprise
            await self._send(chunk)
            await asyncio.wait([chunk.acknowledged])

    async def close(self) -> None:
        """Send nothing more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
