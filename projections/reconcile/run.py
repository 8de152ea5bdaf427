"""Reconcile: read what the log has gained, wait until the models are there, and compare what they hold below that.

What could not be looked at (a store that does not answer, a model that is behind, a log whose beginning is gone) makes the
verdict UNVERIFIED; it never counts as equal.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.clock import monotonic_seconds
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.reconcile.level1 import UNREACHABLE, FirstLevel, Surroundings
from projections.reconcile.log_digest import KeptLog, LogState
from projections.reconcile.report import Report


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """How long to wait for models that are behind, and how long to read the log.

    `fresh`: read the whole log again instead of what it has gained since the last time.
    """

    wait_seconds: float = 30.0
    read_seconds: float = 600.0
    fresh: bool = False


async def reconcile(addresses: Addresses, options: ReconcileOptions | None = None) -> Report:
    """Compare the log with every model and return the report; it raises nothing but cancellation."""
    began = monotonic_seconds()
    report = Report()
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=3)
    try:
        await _everything(addresses, engine, options or ReconcileOptions(), report)
    except UNREACHABLE as error:
        report.unverified.append(f"the log: {error!r}")
    except Exception as error:  # noqa: BLE001 - the outermost loop of the check: a fault of its own is a verdict of its own
        report.error = repr(error)
    finally:
        await engine.dispose()
    report.seconds = monotonic_seconds() - began
    return report


async def _everything(addresses: Addresses, engine: AsyncEngine, options: ReconcileOptions, report: Report) -> None:
    deadline = monotonic_seconds() + options.wait_seconds
    ends = await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix)
    log = KeptLog(addresses, engine)
    async with asyncio.timeout(options.read_seconds):
        state = await log.advance(ends, options.fresh)
    _tell_log(state, report)
    around = Surroundings(addresses, engine, log, await _which_serve(engine), deadline)
    await FirstLevel(around, state, report).judge_all()


def _tell_log(state: LogState, report: Report) -> None:
    report.read, report.records, report.events, report.repeats = state.read, state.records, state.events, state.repeats
    report.conflicts = list(state.conflicts)
    report.unverified += state.holes


async def _which_serve(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as conn:
        rows = (await conn.execute(text("SELECT projection, generation FROM delivery.generations WHERE serving"))).all()
    return {row.projection: row.generation for row in rows}
