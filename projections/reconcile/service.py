"""Reconcile on a schedule and when somebody asks for it: cheap while no event comes, and what was found is kept for a while."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
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
from projections.reconciliations import Reconciliation, confirm, last_run, prune, take

_log = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 5.0
SCHEDULE: Final = "schedule"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every`: between two looks; `whole_every`: at least so often everything is compared even where nothing was added to the log."""

    every: timedelta
    whole_every: timedelta = timedelta(days=1)
    keep_days: int = 90


async def run_schedule(addresses: Addresses, schedule: Schedule, options: ReconcileOptions, stop: asyncio.Event) -> None:
    """Work until stopped; an interval goes by first, so that a stack that begins is not looked at before it has begun."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=2)
    due = utc_now() + schedule.every
    try:
        while not stop.is_set():
            try:
                await _answer(addresses, engine, options)
                if utc_now() >= due:
                    due = utc_now() + schedule.every
                    await _turn(addresses, engine, schedule, options)
            except UNREACHABLE as error:
                _log.warning("not_reconciled", error=repr(error)[:300])
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(_LOOK_SECONDS, schedule.every.total_seconds()))
    finally:
        await engine.dispose()


async def _answer(addresses: Addresses, engine: AsyncEngine, options: ReconcileOptions) -> None:
    """Make every run that was asked for."""
    while (asked := await take(engine)) is not None:
        _, report = await reconcile_and_keep(addresses, asked_options(options, asked.options), asked.asked_by, asked.id)
        _log.info("reconciled", run=asked.id, verdict=report.verdict)


async def _turn(addresses: Addresses, engine: AsyncEngine, schedule: Schedule, options: ReconcileOptions) -> None:
    last = await last_run(engine)
    if last is not None and await _still_holds(addresses, engine, schedule, last):
        await confirm(engine, last.id)
        return
    number, report = await reconcile_and_keep(addresses, options, SCHEDULE)
    _log.info("reconciled", run=number, verdict=report.verdict)
    await prune(engine, schedule.keep_days)


async def _still_holds(addresses: Addresses, engine: AsyncEngine, schedule: Schedule, last: Reconciliation) -> bool:
    """Tell whether a run would find the same: it passed not long ago, nothing waits to be compared, and nothing was added since."""
    report = last.report or {}
    if last.verdict != "PASS" or last.finished_at is None or utc_now() - last.finished_at > schedule.whole_every:
        return False
    if report.get("store_days", {}).get("not_yet_checked") or report.get("store_days", {}).get("moving"):
        return False
    ends = await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix)
    state = await KeptLog(addresses, engine).advance(ends)
    known = report.get("log", {})
    is_same = (state.events, state.repeats) == (known.get("events"), known.get("repeats")) and not state.holes
    return is_same and await serving_generations(engine) == report.get("generations")


def asked_options(usual: ReconcileOptions, asked: Mapping[str, Any]) -> ReconcileOptions:
    """Return the options of a run that somebody asked for, with the usual ones where it does not say."""
    first, last = (date.fromisoformat(asked[name]) if asked.get(name) else None for name in ("from", "until"))
    rows = usual.rows or RowScope()
    rows = replace(rows, store_id=asked.get("store"), first=first, last=last)
    return replace(usual, fresh=bool(asked.get("fresh")), rows=rows, business=True)
