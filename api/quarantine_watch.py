"""Watches the quarantine from within the API: counts what waits, warns of what is about to expire, ends what has, once a day."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.metrics import Metrics
from infra.clock import utc_now
from producers.quarantine_expiry import count_expiring, count_open, expire

_log = structlog.get_logger(__name__)
_DAY = timedelta(days=1)
_TURN_SECONDS = 60.0


class QuarantineWatch:
    """One turn a minute; every process of the API takes its own, and they end entries one after the other."""

    def __init__(self, engine: AsyncEngine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics
        self._ended_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch; returns at once."""
        self._task = asyncio.create_task(self._run(), name="quarantine-watch")

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def turn(self, now: datetime) -> None:
        """End what has expired when a day has passed since the last time, then count; a Postgres that is away is asked again."""
        try:
            if self._ended_at is None or now - self._ended_at >= _DAY:
                await self._end(now)
                self._ended_at = now
            await self._count(now)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("quarantine_not_watched", error=repr(error))

    async def _end(self, now: datetime) -> None:
        for source, entries in (await expire(self._engine, now)).items():
            _log.warning("quarantine_expired", source=source, entries=entries)
        for source, entries in (await count_expiring(self._engine, now)).items():
            _log.warning("quarantine_about_to_expire", source=source, entries=entries, within_days=14)

    async def _count(self, now: datetime) -> None:
        waiting, expiring = await count_open(self._engine), await count_expiring(self._engine, now)
        self._metrics.quarantine_open.clear()
        for group in waiting:
            self._metrics.quarantine_open.labels(group.origin, group.code).set(group.entries)
        self._metrics.quarantine_expiring.clear()
        for source, entries in expiring.most_common(500):
            self._metrics.quarantine_expiring.labels(source).set(entries)

    async def _run(self) -> None:
        while True:
            await self.turn(utc_now())
            await asyncio.sleep(_TURN_SECONDS)
