"""When to reconcile: after each interval, and when somebody asks. Until then this needs little memory, and no log."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from infra.clock import utc_now
from infra.postgres.engine import async_engine
from projections.reconciliations import Reconciliation, take

_log = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every`: between two looks; `whole_every`: at least so often everything is compared even where nothing was added to the log."""

    every: timedelta
    whole_every: timedelta = timedelta(days=1)
    keep_days: int = 90


class Reconciler(Protocol):
    """Whoever does the work."""

    async def answer(self, asked: Reconciliation) -> None:
        """Make a run that somebody asked for."""
        ...

    async def turn(self) -> None:
        """Look after an interval, and make a run where there is something new."""
        ...


async def keep_schedule(dsn: str, schedule: Schedule, reconciler: Callable[[], Reconciler], stop: asyncio.Event) -> None:
    """Work until stopped; `reconciler` is asked for when there is first something to do.

    An interval goes by first, so that a stack that begins is not looked at before it has begun.
    """
    engine = async_engine(dsn, "tillstream-reconcile", pool_size=1)
    due = utc_now() + schedule.every
    try:
        while not stop.is_set():
            try:
                while (asked := await take(engine)) is not None:
                    await reconciler().answer(asked)
                if utc_now() >= due:
                    due = utc_now() + schedule.every
                    await reconciler().turn()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                _log.warning("not_reconciled", error=repr(error)[:300])
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(_LOOK_SECONDS, schedule.every.total_seconds()))
    finally:
        await engine.dispose()
