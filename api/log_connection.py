"""The API's two ways to the log: one publisher for the edge, one client that asks where the log ends.

Both connect by themselves, and again when the broker was away; meanwhile posts are not durable and ends are unknown.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from api.config import ApiConfig
from contracts.records import OutboundRecord
from contracts.topics import TOPICS
from infra.clock import monotonic_seconds
from infra.kafka.consumer import Partition, consumer
from infra.kafka.names import plain, qualified
from infra.kafka.publisher import NotDurable, Position, Publisher

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 0.5
_ASK_TIMEOUT_MS = 3_000
WATCHED_TOPICS = tuple(TOPICS)

Ends = Mapping[tuple[str, int], int]
"""Topic and partition to the next offset to be written there."""


class LogConnection:
    """Use `start` and `close`; every other method works, or says no, at any time in between."""

    def __init__(self, config: ApiConfig) -> None:
        self._bootstrap = config.addresses.kafka_bootstrap
        self._prefix = config.addresses.topic_prefix
        self._fresh_seconds = config.limits.log_ends_seconds
        self._publisher: Publisher | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Ends | None] | None = None
        self._client: Any = None
        self._ends: Ends | None = None
        self._asked_at = float("-inf")

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._connect(), name="log-connection")

    async def close(self) -> None:
        """Stop everything; what was sent and not acknowledged stays undecided."""
        for task in (self._task, self._asking):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._client is not None:
            await self._client.stop()
        if self._publisher is not None:
            await self._publisher.__aexit__()

    @property
    def is_connected(self) -> bool:
        """Tell whether the publisher has found its broker."""
        return self._publisher is not None

    async def _connect(self) -> None:
        while self._publisher is None:
            publisher = Publisher(self._bootstrap, "tillstream-api", self._prefix, linger_ms=2)
            try:
                await publisher.__aenter__()
            except Exception as error:  # noqa: BLE001 - outermost loop: whatever it was, the broker is asked again
                _log.warning("broker_not_reached", error=repr(error))
                with suppress(Exception):
                    await publisher.__aexit__()
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._publisher = publisher
                _log.info("publisher_connected")

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Write records and wait; without a connection none of them is durable."""
        if self._publisher is None:
            return [NotDurable("no connection to the log")] * len(records)
        return await self._publisher.publish(records, timeout_seconds)

    async def partitions(self, topic: str) -> list[Partition]:
        """Return the partitions of a topic by their names on the cluster; LogUnavailable without a connection."""
        if self._publisher is None:
            raise LogUnavailable("no connection to the log")
        return [Partition(qualified(self._prefix, topic), number) for number in range(await self._publisher.partitions_for(topic))]

    async def ends(self, fresh: bool = False) -> Ends | None:
        """Return the ends of all watched topics, at most half a second old; None when the log does not say.

        `fresh` asks now, or shares an answer that was asked for after this call began.
        """
        if not fresh and monotonic_seconds() - self._asked_at < self._fresh_seconds:
            return self._ends
        if fresh and self._asking is not None and not self._asking.done():
            await asyncio.shield(self._asking)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="log-ends")
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Ends | None:
        try:
            async with asyncio.timeout(_ASK_TIMEOUT_MS / 1000):
                self._ends = await self._read_ends()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises here, the ends are unknown and the query goes on
            _log.warning("log_ends_unknown", error=repr(error))
            self._ends = None
        self._asked_at = monotonic_seconds()
        return self._ends

    async def _read_ends(self) -> Ends:
        if self._client is None:
            client = consumer(self._bootstrap, "tillstream-api-ends", request_timeout_ms=_ASK_TIMEOUT_MS)
            try:
                await client.start()
            except BaseException:
                await client.stop()
                raise
            self._client = client
        wanted = [partition for topic in WATCHED_TOPICS for partition in await self.partitions(topic)]
        ends = await self._client.end_offsets(wanted)
        return {(plain(self._prefix, tp.topic), tp.partition): int(end) for tp, end in ends.items()}


class LogUnavailable(RuntimeError):
    """The log cannot be asked now."""
