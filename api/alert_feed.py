"""One reader of the end of `alerts-v1` for all open streams, and places in it that a listener can come back to.

A place in the stream is the vector of next offsets of all partitions. How it is written to a client is not decided here.
Beside the alerts the topic says where the clocks of the rules stand, which is what time it is where time is simulated.
"""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from api.config import ApiConfig
from api.errors import ApiError
from api.log_connection import LogConnection, LogUnavailable
from contracts.codec import decode, peek_type
from contracts.envelope import Event
from contracts.errors import UnreadableRecord
from contracts.events.control import RuleProgressed
from contracts.events.registry import ALERT_CHANGED, RULE_PROGRESSED
from contracts.fields import Model
from contracts.topics import ALERTS
from infra.clock import utc_now
from infra.kafka.consumer import Partition, Record, consumer, read_range

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 0.5
_POLL_MS = 250
_CHUNK_OFFSETS = 2_000
_CHUNK_SECONDS = 30.0
_VECTOR = re.compile(r"1\.([0-9a-f]{12})\.(\d{1,18}(?:,\d{1,18})*)")

Vector = tuple[int, ...]
"""Next offset of each partition, by partition number."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record's place in the stream, and its alert where it is one (progress of rule workers is not)."""

    partition: int
    offset: int
    event: Event[Model] | None


class Listener:
    """One open stream: what arrived since `begins`, bounded; who does not keep up is cut off and may resume."""

    def __init__(self, begins: Vector, limit: int) -> None:
        self.begins = begins
        self.queue: asyncio.Queue[Place | None] = asyncio.Queue(limit + 1)
        self._limit = limit
        self._is_over = False

    def offer(self, place: Place) -> None:
        """Hand over a place, or end the stream of a listener that is too slow."""
        if self._is_over:
            return
        if self.queue.qsize() >= self._limit:
            self.end()
        else:
            self.queue.put_nowait(place)

    def end(self) -> None:
        """Let the stream end after what is queued."""
        if not self._is_over:
            self._is_over = True
            self.queue.put_nowait(None)


class AlertFeed:
    """Reads the end of `alerts-v1` once and hands it to all listeners."""

    def __init__(self, config: ApiConfig, log: LogConnection) -> None:
        self._bootstrap = config.addresses.kafka_bootstrap
        self._prefix = config.addresses.topic_prefix
        self._limit = config.limits.stream_queue_events
        self._log = log
        mark = f"{config.addresses.log_id}/{self._prefix}{ALERTS}"
        self._mark = hashlib.sha256(mark.encode()).hexdigest()[:12]
        self._next: list[int] | None = None
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._time = config.time
        self._clocks: dict[int, datetime] = {}

    async def start(self) -> None:
        """Begin to read; returns at once."""
        self._task = asyncio.create_task(self._run(), name="alert-feed")

    def end_streams(self) -> None:
        """Let every open stream end, as before a shutdown."""
        self._is_closing = True
        for listener in self._listeners:
            listener.end()

    async def close(self) -> None:
        """Stop reading."""
        self.end_streams()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def is_reading(self) -> bool:
        """Tell whether the feed knows its place in the log."""
        return self._next is not None

    @property
    def open_streams(self) -> int:
        """Return how many listeners there are."""
        return len(self._listeners)

    def now(self) -> datetime | None:
        """Return what time it is for people: that of the slowest rules where time is simulated, None before they were heard."""
        return utc_now() if self._time == "live" else min(self._clocks.values(), default=None)

    def listen(self) -> Listener:
        """Register a listener; it gets everything from its `begins` on, without a gap."""
        if self._next is None or self._is_closing:
            raise ApiError("log_unavailable", "the alert stream has no connection to the log")
        listener = Listener(tuple(self._next), self._limit)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except LogUnavailable:
                await asyncio.sleep(_RETRY_SECONDS / 5)
            except Exception as error:  # noqa: BLE001 - outermost loop: reads again from the place it had reached
                _log.warning("alert_feed_interrupted", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self) -> None:
        partitions = await self._log.partitions(ALERTS)
        client = consumer(self._bootstrap, "tillstream-api-alerts")
        try:
            await client.start()
            if self._next is None:
                ends = await client.end_offsets(partitions)
                self._next = [ends[tp] for tp in partitions]
            client.assign(partitions)
            for tp in partitions:
                client.seek(tp, self._next[tp.partition])
            while True:
                for tp, records in (await client.getmany(*partitions, timeout_ms=_POLL_MS, max_records=_CHUNK_OFFSETS)).items():
                    self._hand_over(tp.partition, records, self._next)
        finally:
            await client.stop()

    def _hand_over(self, partition: int, records: Sequence[Record], next_offsets: list[int]) -> None:
        for record in records:
            place = _place(record)
            next_offsets[partition] = place.offset + 1
            self._note_clock(record)
            for listener in self._listeners:
                listener.offer(place)

    def _note_clock(self, record: Record) -> None:
        """Move the clock of a partition of the stores' rules."""
        if self._time == "live" or peek_type(record.headers) != RULE_PROGRESSED:
            return
        with suppress(UnreadableRecord):
            data = decode(record).data
            if isinstance(data, RuleProgressed) and data.stage == "stores":
                self._clocks[data.partition] = max(data.clock, self._clocks.get(data.partition, data.clock))

    def id_of(self, vector: Vector) -> str:
        """Write a vector as an opaque event id."""
        text = f"1.{self._mark}.{','.join(map(str, vector))}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def vector_of(self, event_id: str) -> Vector:
        """Read an event id back; 400 when it is none of ours, 410 when it is one of another log."""
        try:
            text = base64.urlsafe_b64decode(event_id + "=" * (-len(event_id) % 4)).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise ApiError("invalid_event_id", "start without a Last-Event-ID") from error
        match = _VECTOR.fullmatch(text)
        if match is None:
            raise ApiError("invalid_event_id", "start without a Last-Event-ID")
        if match[1] != self._mark:
            raise ApiError("positions_gone", "the Last-Event-ID is of another log: start without one, and read the open alerts first")
        return tuple(int(offset) for offset in match[2].split(","))

    async def bounds(self) -> tuple[Vector, Vector]:
        """Return the first offset still kept, and the end, of each partition; 503 when the log does not say."""
        client: Any = consumer(self._bootstrap, "tillstream-api-bounds", request_timeout_ms=3_000)
        try:
            partitions = await self._log.partitions(ALERTS)
            await client.start()
            first, ends = await client.beginning_offsets(partitions), await client.end_offsets(partitions)
        except (RuntimeError, TimeoutError, OSError) as error:  # errors of the Kafka client are RuntimeErrors
            raise ApiError("log_unavailable", "the log does not say where the alerts begin and end") from error
        finally:
            await client.stop()
        return tuple(first[tp] for tp in partitions), tuple(ends[tp] for tp in partitions)

    async def between(self, begin: Vector, until: Vector) -> AsyncIterator[Place]:
        """Read what lies between two vectors, some thousand records at a time, in order per partition.

        TimeoutError when the log stands still.
        """
        at = list(begin)
        while any(at[number] < until[number] for number in range(len(until))):
            stop = [min(until[number], at[number] + _CHUNK_OFFSETS) for number in range(len(until))]
            found: list[Record] = []
            async with asyncio.timeout(_CHUNK_SECONDS):
                await read_range(
                    self._bootstrap,
                    {Partition(ALERTS, number): offset for number, offset in enumerate(at)},
                    {Partition(ALERTS, number): offset for number, offset in enumerate(stop)},
                    lambda _, records, found=found: found.extend(records),  # type: ignore[misc]
                    self._prefix,
                )
            for record in found:
                yield _place(record)
            at = [max(at[number], stop[number]) for number in range(len(until))]


def _place(record: Record) -> Place:
    event: Event[Model] | None = None
    if peek_type(record.headers) == ALERT_CHANGED:
        try:
            event = decode(record)
        except UnreadableRecord as error:
            _log.warning("alert_unreadable", partition=record.partition, offset=record.offset, error=str(error))
    return Place(record.partition, record.offset, event)
