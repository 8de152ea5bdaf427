"""The one agent: fold a batch, send what it derives, write the states it changes, acknowledge; in this order, each waited for.

Batches of one partition go one after the other; while the broker is waited for in one partition, another one is folded. What
comes to a partition meanwhile is gathered: a batch costs three questions to the broker, however little is in it.
Nothing leaves by an exception: Faust would acknowledge the batch and drop it.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import structlog

from infra.clock import monotonic_seconds
from processors.fold import Fold, Folded
from processors.safeguards import CrashPoints, Safeguards
from processors.shell.consumer import BYTES_PER_BATCH, RECORDS_PER_BATCH, Batch, excess_bytes
from processors.shell.exits import Exit, leave
from processors.shell.points import pass_point
from processors.shell.table import StateTable, written_key
from processors.shell.writer import Writer
from processors.state import LARGE_BYTES, LIMIT_BYTES, UnreadableState

_log = structlog.get_logger(__name__)
_TRIES = 20
_LONGEST_PAUSE_SECONDS = 2.0
_GATHER_SECONDS = 0.02
"""From the beginning of a batch until that of the next one of its partition, where both are small: a fifth of what an alert may take."""
_MOST_WAITING = 16


@dataclass(frozen=True)
class Work:
    """Fetches of one partition that follow each other, as one batch."""

    events: list[Any]
    records: Batch

    @property
    def place(self) -> Any:
        """Return topic and partition."""
        return self.events[0].message.tp

    @property
    def generation(self) -> int:
        """Return which assignment they were fetched in."""
        generation: int = self.events[0].message.generation_id
        return generation


def next_work(waiting: list[Any]) -> Work:
    """Take from what waits of one partition: what was fetched in the same assignment and goes on where the one before it ends.

    It takes no more records and bytes than a batch may have, but for those of the first fetch.
    """
    work = Work([waiting.pop(0)], Batch())
    work.records.extend(work.events[0].value)
    size = excess_bytes(work.records)
    while waiting:
        following = waiting[0]
        size += excess_bytes(following.value)
        is_next = following.message.generation_id == work.generation and following.value[0].offset == work.records[-1].offset + 1
        if not is_next or size > BYTES_PER_BATCH or len(work.records) + len(following.value) > RECORDS_PER_BATCH:
            break
        work.events.append(waiting.pop(0))
        work.records.extend(following.value)
    return work


@dataclass
class _Lane:
    """What waits of one partition, and what works it off."""

    waiting: list[Any] = field(default_factory=list)
    worked_off: asyncio.Task[None] | None = None


@dataclass
class RuleAgent:
    """Everything that one worker needs to fold its partitions."""

    app: Any
    table: StateTable
    fold: Fold
    writer: Writer
    safeguards: Safeguards
    points: CrashPoints
    writing: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """By partition: who writes its states."""

    def signs_of_life(self) -> object:
        """Return something that differs whenever a write or a batch has come to its end since."""
        return self.writer.writes, dict(self.app.consumer.progress.done)

    async def run(self, stream: Any) -> None:
        """Fold batches until the stream ends."""
        lanes = defaultdict[int, _Lane](_Lane)
        async with asyncio.TaskGroup() as group:
            async for event in stream.noack().events():
                lane = lanes[event.message.partition]
                lane.waiting.append(event)
                if lane.worked_off is None or lane.worked_off.done():
                    lane.worked_off = group.create_task(self._work_off(lane.waiting))
                if len(lane.waiting) >= _MOST_WAITING:
                    await lane.worked_off

    async def _work_off(self, waiting: list[Any]) -> None:
        while waiting:
            began = monotonic_seconds()
            await self._batch(next_work(waiting))
            await asyncio.sleep(began + _GATHER_SECONDS - monotonic_seconds())

    def _is_ours(self, work: Work) -> bool:
        """Return whether the partition still belongs to this worker, in the same generation."""
        return work.generation == self.app.consumer_generation_id and work.place in self.app.consumer.progress.expected

    async def _batch(self, work: Work) -> None:
        progress = self.app.consumer.progress
        if not self._is_ours(work) or not progress.take(work.place, work.records, self.safeguards.contiguity):
            return
        for tries in range(1, _TRIES + 1):
            progress.busy += 1
            try:
                if not self._is_ours(work) or await self._tried(work, tries):
                    return
            finally:
                progress.busy -= 1
            await asyncio.sleep(min(0.1 * 2**tries, _LONGEST_PAUSE_SECONDS))
        leave(Exit.INFRASTRUCTURE, f"a batch of partition {work.place.partition} failed {_TRIES} times")

    async def _tried(self, work: Work, tries: int) -> bool:
        """Return whether the attempt came to an end; data errors were the fold's business, cancellation passes."""
        try:
            await self._attempt(work)
        except UnreadableState as error:
            leave(Exit.UNREADABLE_STATE, str(error))
        except Exception as error:  # noqa: BLE001 - the outermost loop: tried again, or the process ends
            _log.warning("batch_failed", tries=tries, error=repr(error), exc_info=tries == 1)
            return False
        return True

    async def _attempt(self, work: Work) -> None:
        await pass_point(self.points, "batch_received")
        folded = self.fold(work.records, self.table.data.data.get)
        held = False
        try:
            async with self.writing[work.place.partition]:
                held = await self._write(work, folded)
        finally:
            folded.settle(held)  # once the table has the states, whatever becomes of the rest
        if held:
            await self._acknowledge(work, folded)

    async def _write(self, work: Work, folded: Folded) -> bool:
        """Put events and states on the log in order, then in the table; return False where the partition went away meanwhile."""
        partition = work.place.partition
        if folded.derived:
            await self.writer.send(folded.derived)
        await pass_point(self.points, "derived_acknowledged")
        if not self._is_ours(work):
            return False
        for stage in folded.stages:
            _report_sizes(stage)
        rows = ((written_key(key), value) for stage in folded.stages for key, value in stage.items())
        changelog = self.table.changelog_topic_name, partition
        await self.writer.write_in_order(changelog, rows, lambda: pass_point(self.points, "states_written"))
        for stage in folded.stages:
            self.table.put(stage, partition)
        return True

    async def _acknowledge(self, work: Work, folded: Folded) -> None:
        """Say how far the rules are, and let the offset be committed."""
        partition = work.place.partition
        await pass_point(self.points, "states_acknowledged")
        if folded.progress:
            await self.writer.send(folded.progress)
        if not self._is_ours(work):
            return
        await pass_point(self.points, "before_acknowledge")
        self.app.consumer.progress.done[work.place] = work.records[-1].offset + 1
        for event in work.events:
            event.ack()
        if folded.dead:
            _log.warning("records_refused", records=folded.dead, partition=partition, until=work.records[-1].offset)


def _report_sizes(stage: dict[str, bytes]) -> None:
    for key, value in stage.items():
        if len(value) > LARGE_BYTES:
            _log.warning("state_grew_large", key=key, size_bytes=len(value), limit_bytes=LIMIT_BYTES)
