"""The one agent: fold a batch, send what it derives, write the states it changes, acknowledge; in this order, each waited for.

Nothing leaves by an exception: Faust would acknowledge the batch and drop it.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog

from processors.fold import Fold, Folded
from processors.safeguards import CrashPoints, Safeguards
from processors.shell.exits import Exit, leave
from processors.shell.points import pass_point
from processors.shell.table import StateTable, written_key
from processors.shell.writer import Writer
from processors.state import LARGE_BYTES, LIMIT_BYTES, UnreadableState

_log = structlog.get_logger(__name__)
_TRIES = 20
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass
class RuleAgent:
    """Everything that one worker needs to fold its partitions."""

    app: Any
    table: StateTable
    fold: Fold
    writer: Writer
    safeguards: Safeguards
    points: CrashPoints
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def signs_of_life(self) -> object:
        """Return something that differs whenever a write or a batch has come to its end since."""
        return self.writer.writes, dict(self.app.consumer.progress.done)

    async def run(self, stream: Any) -> None:
        """Fold batches until the stream ends."""
        async for event in stream.noack().events():
            await self._batch(event)

    def _is_ours(self, event: Any) -> bool:
        """Return whether the partition still belongs to this worker, in the same generation."""
        message = event.message
        return message.generation_id == self.app.consumer_generation_id and message.tp in self.app.consumer.progress.expected

    async def _batch(self, event: Any) -> None:
        progress = self.app.consumer.progress
        if not self._is_ours(event) or not progress.take(event.message.tp, event.value, self.safeguards.contiguity):
            return
        for tries in range(1, _TRIES + 1):
            progress.busy = True
            try:
                if not self._is_ours(event) or await self._tried(event, tries):
                    return
            finally:
                progress.busy = False
            await asyncio.sleep(min(0.1 * 2**tries, _LONGEST_PAUSE_SECONDS))
        leave(Exit.INFRASTRUCTURE, f"a batch of partition {event.message.partition} failed {_TRIES} times")

    async def _tried(self, event: Any, tries: int) -> bool:
        """Return whether the attempt came to an end; data errors were the fold's business, cancellation passes."""
        try:
            await self._attempt(event)
        except UnreadableState as error:
            leave(Exit.UNREADABLE_STATE, str(error))
        except Exception as error:  # noqa: BLE001 - the outermost loop: tried again, or the process ends
            _log.warning("batch_failed", tries=tries, error=repr(error), exc_info=tries == 1)
            return False
        return True

    async def _attempt(self, event: Any) -> None:
        await pass_point(self.points, "batch_received")
        folded = self.fold(event.value, self.table.data.data.get)
        held = False
        async with self.writing:
            try:
                held = await self._write(event, folded)
            finally:
                folded.settle(held)  # once the table has the states, whatever becomes of the rest
            if held:
                await self._acknowledge(event, folded)

    async def _write(self, event: Any, folded: Folded) -> bool:
        """Put events and states on the log in order, then in the table; return False where the partition went away meanwhile."""
        partition = event.message.partition
        if folded.derived:
            await self.writer.send(folded.derived)
        await pass_point(self.points, "derived_acknowledged")
        if not self._is_ours(event):
            return False
        for stage in folded.stages:
            _report_sizes(stage)
        rows = ((written_key(key), value) for stage in folded.stages for key, value in stage.items())
        changelog = self.table.changelog_topic_name, partition
        await self.writer.write_in_order(changelog, rows, lambda: pass_point(self.points, "states_written"))
        for stage in folded.stages:
            self.table.put(stage, partition)
        return True

    async def _acknowledge(self, event: Any, folded: Folded) -> None:
        """Say how far the rules are, and let the offset be committed."""
        partition = event.message.partition
        await pass_point(self.points, "states_acknowledged")
        if folded.progress:
            await self.writer.send(folded.progress)
        if not self._is_ours(event):
            return
        await pass_point(self.points, "before_acknowledge")
        self.app.consumer.progress.done[event.message.tp] = event.value[-1].offset + 1
        event.ack()
        if folded.dead:
            _log.warning("records_refused", records=folded.dead, partition=partition, until=event.value[-1].offset)


def _report_sizes(stage: dict[str, bytes]) -> None:
    for key, value in stage.items():
        if len(value) > LARGE_BYTES:
            _log.warning("state_grew_large", key=key, size_bytes=len(value), limit_bytes=LIMIT_BYTES)
