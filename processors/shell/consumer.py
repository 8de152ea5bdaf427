"""Faust's consumer, with one fetch of one partition as one message, late reading of the sources, and no holes.

Changelogs are handed over in the same way: record by record Faust reads eight thousand states back a second. Stock Faust
resumes the sources before it seeks and then empties its queues, so records fetched in between are gone, and the next commit
passes over them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from infra.clock import monotonic_seconds
from processors.safeguards import CrashPoints, Safeguards
from processors.shell.exits import Exit, leave
from processors.shell.heartbeat import Heartbeat
from processors.shell.points import pass_point

FETCH_WAIT_MILLISECONDS = 50
RECORDS_PER_BATCH, BYTES_PER_BATCH = 4_000, 512 * 1024
"""A batch is at most so many records, and ends with the one that makes it so large: a sheet that counts every shelf is a lot of work.

The more sales are folded together the more of them touch the same states, each of which is written once: a tenth less for each line with
2,000 instead of 1,000, and again 7 in 100 with 4,000. A second of folding is what the other partitions, and whoever takes partitions
away, wait for.
"""
_USUAL_BYTES = 1024
"""What of each record does not make a batch large: most receipts are smaller, and limited by their number."""
_DRAIN_SECONDS = 3.0
_NOTHING_TO_READ_SECONDS = 0.02


class Batch(list[Any]):
    """Records of one partition, offsets ascending."""


def cut(records: Sequence[Any]) -> list[Batch]:
    """Cut records into batches, each little enough to be folded while nothing else goes on in the process."""
    if 0 < len(records) <= RECORDS_PER_BATCH and excess_bytes(records) < BYTES_PER_BATCH:
        return [Batch(records)]
    batches, size = list[Batch](), BYTES_PER_BATCH
    for record in records:
        if size >= BYTES_PER_BATCH or len(batches[-1]) >= RECORDS_PER_BATCH:
            batches.append(Batch())
            size = 0
        batches[-1].append(record)
        size += excess_bytes((record,))
    return batches


def excess_bytes(records: Iterable[Any]) -> int:
    """Return by how much records are larger than usual ones, in all; it is this that `BYTES_PER_BATCH` limits."""
    return sum([len(value) - _USUAL_BYTES for record in records if (value := record.value) is not None and len(value) > _USUAL_BYTES])


@dataclass
class Progress:
    """Where each source partition is: what must come next, and what may be committed."""

    expected: dict[TP, int] = field(default_factory=dict)
    done: dict[TP, int] = field(default_factory=dict)
    busy: int = 0
    """How many batches are being folded or written."""

    def forget(self) -> None:
        """Know nothing: until the next seek no batch is taken and nothing is committed."""
        self.expected.clear()
        self.done.clear()

    def take(self, tp: TP, batch: Batch, contiguity: bool) -> bool:
        """Return whether a batch is ours to fold; the process ends when records are missing before or in it.

        A batch from before the last seek is not: it comes again. A step back is a redelivery.
        """
        expected = self.expected.get(tp)
        if expected is None:
            return False
        offsets = [record.offset for record in batch]
        if contiguity:
            if offsets[0] > expected:
                leave(Exit.OFFSETS_JUMPED, f"{tp.topic}/{tp.partition}: expected {expected}, got {offsets[0]}")
            if offsets != list(range(offsets[0], offsets[0] + len(offsets))):
                leave(Exit.OFFSETS_JUMPED, f"{tp.topic}/{tp.partition}: a hole between {offsets[0]} and {offsets[-1]}")
        self.expected[tp] = max(expected, offsets[-1] + 1)
        return True


@dataclass(frozen=True)
class Sources:
    """What the consumer is told by the app."""

    topics: frozenset[str]
    heartbeat: Heartbeat
    safeguards: Safeguards
    points: CrashPoints


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Fetches without long waits, and lets the heartbeat be listened to."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MILLISECONDS  # Faust's 1,500 ms let one idle leader hold up every other fetch
        return consumer

    async def on_start(self) -> None:
        """Connect, and listen from before the first join."""
        await super().on_start()
        self.consumer.sources.heartbeat.listen(self._consumer._coordinator)


class Consumer(driver.Consumer):
    """The consumer of a rule worker; subclasses carry `sources`."""

    sources: Sources

    def __init__(self, *args: Any, **named: Any) -> None:
        self.progress = Progress()
        self._held_back: set[TP] = set()
        self._seeking = asyncio.Lock()
        super().__init__(*args, **named)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_source(self, tp: TP) -> bool:
        return tp.topic in self.sources.topics

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume changelogs at once, sources when flow resumes."""
        tps = set(tps)
        if self.sources.safeguards.late_reading:
            sources = {tp for tp in tps if self._is_source(tp)}
            self._held_back |= sources
            tps -= sources
        super().resume_partitions(tps)

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Pause partitions, also those that were to be resumed."""
        tps = set(tps)
        self._held_back -= tps
        super().pause_partitions(tps)

    def resume_flow(self) -> None:
        """Let records in; only now are sources fetched: after the seek, and after Faust emptied its queues."""
        sources, self._held_back = self._held_back, set()
        super().resume_partitions(sources)
        super().resume_flow()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109
        """Look again soon while nothing may be read yet; Faust would sleep a second."""
        if self.flow_active and not self._get_active_partitions():
            await self.sleep(_NOTHING_TO_READ_SECONDS)
            return {}, set()
        waited: tuple[Any, Any] = await super()._wait_next_records(timeout)
        return waited

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, Any]:  # noqa: ASYNC109
        """Fetch for a copy of the set: when the live one empties meanwhile, aiokafka reads that as all partitions."""
        active = frozenset(active_partitions or ())
        if not active:
            return {}
        fetched = await super()._getmany(active, timeout)
        if self.flow_active:  # else Faust seeks itself
            await self._seek_back({tp for tp in fetched if self._is_source(tp) and tp not in self._get_active_partitions()})
        return {tp: cut(records) for tp, records in fetched.items()}

    async def _seek_back(self, paused: set[TP]) -> None:
        """Read again what was fetched of sources that were paused meanwhile: Faust drops it, and would read on behind it.

        Where it is not known yet what must come next, or a partition is gone, the seek that decides is still to come.
        """
        if paused:
            async with self._seeking:
                expected = {tp: self.progress.expected[tp] for tp in paused & self.assignment() if tp in self.progress.expected}
                with suppress(driver.IllegalStateError):
                    await self._seek_to(expected)

    async def _seek_to(self, offsets: dict[TP, int]) -> None:
        if offsets:
            await self.seek_wait(offsets)

    def _to_message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        last = batch[-1]
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, None, None, batch, None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Keep no gaps for sources: every message spans many offsets there."""
        if not self._is_source(tp):
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        """Commit what the agent has declared done, nothing that Faust concludes."""
        if not self._is_source(tp):
            committable: int | None = super()._new_offset(tp)
            return committable
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.progress.done.get(tp)

    def on_buffer_full(self, tp: TP) -> None:
        """Leave sources readable: the queue's size holds back; with all paused Faust would sleep a second."""
        if not self._is_source(tp):
            super().on_buffer_full(tp)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, and expect exactly those next; where nothing is committed the client would stay where it is."""
        async with self._seeking:
            self.progress.forget()
            await super().perform_seek()
            self.progress.forget()
            sources = {tp: self.committed(tp) for tp in self.assignment() if self._is_source(tp)}
            await self._seek_to({tp: offset for tp, offset in sources.items() if not offset})
            await pass_point(self.sources.points, "sources_sought")
            self.progress.expected.update(sources)

    def committed(self, tp: TP) -> int:
        """Return the committed offset as this worker knows it."""
        return self._committed_offset[tp] or 0

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the batches in progress finish, and commit while the partitions are still ours."""
        self.stop_flow()
        self.app.flow_control.suspend()
        until = monotonic_seconds() + _DRAIN_SECONDS
        while self.progress.busy and monotonic_seconds() < until:  # noqa: ASYNC110 - a deadline, not an event
            await asyncio.sleep(0.01)
        await self.commit()
        self.progress.forget()
        await super().on_partitions_revoked(revoked)


def install(app: Any, sources: Sources) -> None:
    """Make an app use this consumer."""
    consumer = type("RuleConsumer", (Consumer,), {"sources": sources})
    transport = type("RuleTransport", (driver.Transport,), {"Consumer": consumer})
    app.transport = transport(app.conf.broker_consumer, app)
