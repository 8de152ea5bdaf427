"""Reconcile: read what the log has gained, wait until the models are there, and compare what they hold below that.

What could not be looked at (a store that does not answer, a model that is behind, a log whose beginning is gone) makes the
verdict UNVERIFIED; it never counts as equal.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.clock import monotonic_seconds
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.reconcile.business.catalogue import run_checks
from projections.reconcile.business.clock import business_clock
from projections.reconcile.checks import CheckOutcome, Connections, Scope
from projections.reconcile.days import RowScope
from projections.reconcile.level1 import UNREACHABLE, FirstLevel, Surroundings, guarded
from projections.reconcile.level2 import SecondLevel
from projections.reconcile.log_digest import KeptLog, LogState
from projections.reconcile.report import Report, StoreDay

_NEWEST: Final = timedelta(days=30)
"""The business is looked at over so many days up to the newest."""


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """How long to wait for models that are behind, and how long to read the log.

    `fresh`: read the whole log again instead of what it has gained since the last time. `rows`: which store-days are folded again
    and compared row by row; None for none. `business`: look at the business as well, of the dates of `rows` or else the newest
    ones; `time`: whether the stack's time is the broker's or that of its ticks, by which lateness is judged.
    """

    wait_seconds: float = 30.0
    read_seconds: float = 600.0
    fresh: bool = False
    rows: RowScope | None = None
    business: bool = False
    time: Literal["live", "simulated"] = "live"


async def reconcile(addresses: Addresses, options: ReconcileOptions | None = None, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Compare the log with every model and return the report; it raises nothing but cancellation. `tell`: of each part as it begins."""
    began = monotonic_seconds()
    report = Report()
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=3)
    try:
        await _everything(addresses, engine, options or ReconcileOptions(), report, tell)
    except UNREACHABLE as error:
        report.unverified.append(f"the log: {error!r}")
    except Exception as error:  # noqa: BLE001 - the outermost loop of the check: a fault of its own is a verdict of its own
        report.error = repr(error)
    finally:
        await engine.dispose()
    report.seconds = monotonic_seconds() - began
    return report


async def _everything(
    addresses: Addresses, engine: AsyncEngine, options: ReconcileOptions, report: Report, tell: Callable[[str], None]
) -> None:
    deadline = monotonic_seconds() + options.wait_seconds
    ends = await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix)
    log = KeptLog(addresses, engine)
    tell("reading the log")
    async with asyncio.timeout(options.read_seconds):
        state = await log.advance(ends, options.fresh)
    _tell_log(state, report)
    report.generations = await serving_generations(engine)
    around = Surroundings(addresses, engine, log, report.generations, deadline, tell)
    await FirstLevel(around, state, report).judge_all()
    if options.rows is not None:
        await guarded(report, "rows", partial(SecondLevel(around, state, report).compare, options.rows))
    if options.business:
        scope = business_scope(state.days, options.rows or RowScope())
        if scope is not None:
            tell("looking at the business")
            report.business = await _look_at_business(around, scope, options.time)


def business_scope(days: Iterable[StoreDay], rows: RowScope) -> Scope | None:
    """Return the dates at which the business is looked: those asked for, else the newest of those that there are; None without any."""
    known = sorted(day for day in map(_date, days) if day is not None)
    if not known:
        return None
    first = rows.first or (known[0] if rows.last else max(known[0], known[-1] - _NEWEST))
    return Scope(first, rows.last or known[-1], store_ids=None if rows.store_id is None else (rows.store_id,))


def _date(day: StoreDay) -> date | None:
    try:
        return date.fromisoformat(day.business_date)
    except ValueError:
        return None


async def _look_at_business(around: Surroundings, scope: Scope, time: Literal["live", "simulated"]) -> list[CheckOutcome]:
    try:
        clock = await business_clock(around.engine, time)
        client = await around.clickhouse()
    except UNREACHABLE as error:
        return [CheckOutcome("business", "The checks of the business", "UNVERIFIED", 0, reasons=(repr(error)[:500],))]
    try:
        return await run_checks(Connections(around.engine, client, clock), scope)
    finally:
        await client.close()


def _tell_log(state: LogState, report: Report) -> None:
    report.read, report.records, report.events, report.repeats = state.read, state.records, state.events, state.repeats
    report.conflicts = list(state.conflicts)
    report.unverified += state.holes


async def serving_generations(engine: AsyncEngine) -> dict[str, int]:
    """Return which generation of each read model readers read."""
    async with engine.connect() as conn:
        rows = (await conn.execute(text("SELECT projection, generation FROM delivery.generations WHERE serving"))).all()
    return {row.projection: row.generation for row in rows}
