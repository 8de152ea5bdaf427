"""Ends a worker that stands still: a committed offset that does not move while the log is ahead, or a rebalance without end."""

import asyncio
from typing import Any

from faust.types import TP

from infra.clock import monotonic_seconds
from processors.shell.exits import Exit, leave

STILL_SECONDS = 30.0
RECOVERY_SECONDS = 300.0
_LOOK_SECONDS = 1.0
_BROKER_SECONDS = 5.0


class Watchdog:
    """Compares committed offsets with the ends of the log, once a second."""

    def __init__(self, app: Any, topics: frozenset[str], still: float = STILL_SECONDS, recovery: float = RECOVERY_SECONDS) -> None:
        self._app = app
        self._topics = topics
        self._still_seconds = still
        self._recovery_seconds = recovery
        self._seen: dict[TP, tuple[int, float]] = {}
        self._settled_at = monotonic_seconds()

    async def run(self) -> None:
        """Look until the app stops."""
        while not self._app.should_stop:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        consumer, now = self._app.consumer, monotonic_seconds()
        partitions = [tp for tp in consumer.assignment() if tp.topic in self._topics]
        moving = self._app.rebalancing or self._app.in_recovery or not all(tp in consumer.progress.expected for tp in partitions)
        if moving:
            self._seen.clear()
            if now - self._settled_at > self._recovery_seconds:
                leave(Exit.NO_PROGRESS, "recovery or rebalance does not end")
            return
        self._settled_at = now
        try:
            ends = await asyncio.wait_for(consumer.highwaters(*partitions), _BROKER_SECONDS) if partitions else {}
        except Exception:  # noqa: BLE001 - no broker, nobody makes progress: that is not this worker's fault
            return
        for tp, end in ends.items():
            self._judge(tp, consumer.committed(tp), end, now)

    def _judge(self, tp: TP, committed: int, end: int, now: float) -> None:
        seen = self._seen.get(tp)
        if committed >= end or seen is None or seen[0] != committed:
            self._seen[tp] = (committed, now)
        elif now - seen[1] > self._still_seconds:
            leave(Exit.NO_PROGRESS, f"{tp.topic}/{tp.partition}: committed {committed} of {end} for {now - seen[1]:.0f} s")
