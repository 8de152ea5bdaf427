"""Ends a worker that stands still: nothing of it comes to the log although there is work, or a rebalance without end.

A slow worker must live, or a loaded machine would start workers again and again: a worker that still writes is not standing
still, nor is one that still reads its states back, and time in which its event loop was busy counts only as one look.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from faust.types import TP

from infra.clock import monotonic_seconds
from processors.shell.exits import Exit, leave
from processors.shell.recovering import records_left

STILL_SECONDS = 6.0
"""With the second that a supervisor waits and the start of the next worker, a partition stands still for less than 15 s."""
RECOVERY_SECONDS = 300.0
"""Without a record read back, or in a rebalance."""
_PARTITION_FACTOR = 5
"""One partition may wait for the others while much is read at once: it is given five times as long as the worker."""
_LOOK_SECONDS = 1.0
_BROKER_SECONDS = 5.0


class Watchdog:
    """Compares committed offsets with the ends of the log, once a second. `signs` differs whenever something was done meanwhile."""

    def __init__(
        self,
        app: Any,
        topics: frozenset[str],
        signs: Callable[[], object],
        still: float = STILL_SECONDS,
        recovery: float = RECOVERY_SECONDS,
    ) -> None:
        self._app = app
        self._topics = topics
        self._signs = signs
        self._still_seconds = still
        self._recovery_seconds = recovery
        self._settled_at = self._looked_at = monotonic_seconds()
        self._left: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._committed: dict[TP, tuple[int, float]] = {}
        self._last_signs: object = None
        self._idle_seconds = 0.0

    async def run(self) -> None:
        """Look until the app stops."""
        while not self._app.should_stop:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        consumer, now = self._app.consumer, monotonic_seconds()
        passed, self._looked_at = min(now - self._looked_at, 2 * _LOOK_SECONDS), now
        partitions = [tp for tp in consumer.assignment() if tp.topic in self._topics]
        moving = self._app.rebalancing or self._app.in_recovery or not all(tp in consumer.progress.expected for tp in partitions)
        left, before = records_left(self._app), self._left
        self._left = left
        if moving:
            self._forget()
            if left != before:
                self._settled_at = now
            if now - self._settled_at > self._recovery_seconds:
                leave(Exit.NO_PROGRESS, "recovery or rebalance does not end")
            return
        self._settled_at = now
        try:
            ends = await asyncio.wait_for(consumer.highwaters(*partitions), _BROKER_SECONDS) if partitions else {}
        except Exception:  # noqa: BLE001 - no broker, nobody makes progress: that is not this worker's fault
            return
        self._judge({tp: committed for tp, end in ends.items() if (committed := consumer.committed(tp)) < end}, passed)

    def _judge(self, behind: Mapping[TP, int], passed: float) -> None:
        """Add up how long the worker has done nothing, and how long each partition has stood where it is, with work to do."""
        signs = self._signs()
        self._idle_seconds = self._idle_seconds + passed if behind and signs == self._last_signs else 0.0
        self._last_signs = signs
        before, self._committed = self._committed, {}
        for tp, committed in behind.items():
            at, still = before.get(tp, (committed, -passed))
            self._committed[tp] = committed, still + passed if at == committed else 0.0
        if self._idle_seconds > self._still_seconds:
            leave(Exit.NO_PROGRESS, f"nothing was done for {self._idle_seconds:.0f} s; behind the log: {dict(behind)}")
        for tp, (committed, still) in self._committed.items():
            if still > self._still_seconds * _PARTITION_FACTOR:
                leave(Exit.NO_PROGRESS, f"{tp.topic}/{tp.partition}: committed {committed} for {still:.0f} s")
