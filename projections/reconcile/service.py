"""What is done on a schedule and when somebody asks: cheap while no event comes, and what was found is kept for a while."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.reconcile.days import RowScope
from projections.reconcile.keeping import reconcile_and_keep
from projections.reconcile.level1 import UNREACHABLE
from projections.reconcile.log_digest import KeptLog
from projections.reconcile.run import ReconcileOptions, serving_generations
from projections.reconciliation_schedule import Schedule
from projections.reconciliations import Reconciliation, confirm, last_run, prune

_log = structlog.get_logger(__name__)
SCHEDULE: Final = "schedule"


@dataclass(frozen=True, slots=True)
class ScheduledReconciler:
    """Makes the runs of a schedule; see its protocol. `options` are the usual ones."""

    addresses: Addresses
    schedule: Schedule
    options: ReconcileOptions

    async def answer(self, asked: Reconciliation) -> None:
        """Make a run that somebody asked for."""
        options = asked_options(self.options, asked.options)
        _, report = await reconcile_and_keep(self.addresses, options, asked.asked_by, asked.id)
        _log.info("reconciled", run=asked.id, verdict=report.verdict)

    async def turn(self) -> None:
        """Make a run unless the last one still holds."""
        try:
            async with self._engine() as engine:
                last = await last_run(engine)
                if last is not None and await self._still_holds(engine, last):
                    await confirm(engine, last.id)
                    return
        except UNREACHABLE as error:
            _log.warning("not_looked_at_the_log", error=repr(error)[:300])
        number, report = await reconcile_and_keep(self.addresses, self.options, SCHEDULE)
        _log.info("reconciled", run=number, verdict=report.verdict)
        async with self._engine() as engine:
            await prune(engine, self.schedule.keep_days)

    async def _still_holds(self, engine: AsyncEngine, last: Reconciliation) -> bool:
        """Tell whether a run would find the same: it passed not long ago, nothing waits to be compared, and no event came since."""
        report = last.report or {}
        if last.verdict != "PASS" or last.finished_at is None or utc_now() - last.finished_at > self.schedule.whole_every:
            return False
        if report.get("store_days", {}).get("not_yet_checked") or report.get("store_days", {}).get("moving"):
            return False
        ends = await end_offsets(self.addresses.kafka_bootstrap, TOPICS, self.addresses.topic_prefix)
        state = await KeptLog(self.addresses, engine).advance(ends)
        known = report.get("log", {})
        is_same = (state.events, state.repeats) == (known.get("events"), known.get("repeats")) and not state.holes
        return is_same and await serving_generations(engine) == report.get("generations")

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[AsyncEngine]:
        engine = async_engine(self.addresses.postgres_dsn, "tillstream-reconcile", pool_size=2)
        try:
            yield engine
        finally:
            await engine.dispose()


def asked_options(usual: ReconcileOptions, asked: Mapping[str, Any]) -> ReconcileOptions:
    """Return the options of a run that somebody asked for, with the usual ones where it does not say."""
    first, last = (date.fromisoformat(asked[name]) if asked.get(name) else None for name in ("from", "until"))
    rows = usual.rows or RowScope()
    rows = replace(rows, store_id=asked.get("store"), first=first, last=last)
    return replace(usual, fresh=bool(asked.get("fresh")), rows=rows, business=True)
