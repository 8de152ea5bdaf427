"""On a schedule: nothing is compared while no event comes, what comes is, and results are forgotten at last."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest

from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from projections.reconcile.days import RowScope
from projections.reconcile.keeping import reconcile_and_keep
from projections.reconcile.run import ReconcileOptions, reconcile
from projections.reconcile.service import ScheduledReconciler
from projections.reconciliation_schedule import Schedule, keep_schedule
from projections.reconciliations import (
    FindingRow,
    FindingSearch,
    Reconciliation,
    Result,
    ask,
    keep,
    list_findings,
    list_runs,
    prune,
    take,
)
from tests.projections.clickhouse.driving import publish, publish_records
from tests.projections.clickhouse.sales_events import at, sale
from tests.projections.reconcile.telling import MODELS, project
from tests.projections.story import START, outbound, tick
from tests.waiting import until

pytestmark = pytest.mark.stack

LEVEL_1 = ReconcileOptions(wait_seconds=0)


async def _runs(place: Addresses) -> list[Reconciliation]:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        return await list_runs(engine, 10)
    finally:
        await engine.dispose()


async def _serve_until(place: Addresses, is_done: Callable[[list[Reconciliation]], bool]) -> list[Reconciliation]:
    stop = asyncio.Event()
    schedule = Schedule(timedelta(milliseconds=200))
    reconciler = ScheduledReconciler(place, schedule, LEVEL_1)
    serving = asyncio.create_task(keep_schedule(place.postgres_dsn, schedule, lambda: reconciler, stop))
    try:
        await asyncio.to_thread(until, lambda: is_done(asyncio.run(_runs(place))), 60, "the schedule has done it")
        return await _runs(place)
    finally:
        stop.set()
        await serving


def test_what_passed_still_holds_until_an_event_comes(place: Addresses) -> None:
    """Ticks are no events: the last run is noted as holding still. A new event, or results that did not pass, make a new run."""
    publish(place, [sale("R1", at(9))])
    project(place)
    number, report = asyncio.run(reconcile_and_keep(place, LEVEL_1, "tests"))
    assert report.verdict == "PASS"

    publish_records(place, [outbound(tick(START), 0, STORE_FACTS)])
    project(place)
    (kept,) = asyncio.run(_serve_until(place, lambda runs: runs[0].confirmed_at is not None))
    assert (kept.id, kept.verdict, kept.holds_since) == (number, "PASS", kept.confirmed_at)

    publish(place, [sale("R2", at(10))])
    found = asyncio.run(_serve_until(place, lambda runs: len(runs) > 2))
    assert [(run.asked_by, run.verdict) for run in found[-2:]] == [("schedule", "UNVERIFIED"), ("tests", "PASS")]

    with psycopg.connect(place.postgres_dsn) as connection:
        connection.execute("UPDATE write.reconciliations SET finished_at = now() - interval '100 days'")
    kept_until_now = asyncio.run(_runs(place))  # the schedule may have begun one more before it ended
    assert asyncio.run(_prune(place)) == len(kept_until_now) - 1
    assert [run.id for run in asyncio.run(_runs(place))] == [kept_until_now[0].id]


async def test_a_turn_forgets_what_ended_longer_ago_than_results_are_kept(place: Addresses) -> None:
    """To the day; the last of them stays however old it is, for it says what is known."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        for _ in range(3):
            await keep(engine, "tests", {}, Result("MISMATCH", None, {}, [FindingRow("difference", "m", "S", "", "", {})], 1.0))
        async with engine.begin() as conn:
            for number, days in ((1, 31), (2, 29), (3, 200)):
                await conn.exec_driver_sql(
                    f"UPDATE write.reconciliations SET finished_at = now() - interval '{days} days' WHERE id = {number}"
                )
        assert await prune(engine, 30) == 1
        assert [run.id for run in await list_runs(engine, 10)] == [3, 2]

        await ScheduledReconciler(place, Schedule(timedelta(hours=1), keep_days=30), LEVEL_1).turn()
        assert [run.id for run in await list_runs(engine, 10)] == [4, 2]
        assert [len(await list_findings(engine, number, FindingSearch(), 0, 10)) for number in (1, 2, 3)] == [0, 1, 0]
    finally:
        await engine.dispose()


async def test_a_run_that_was_asked_for_is_taken_once(place: Addresses) -> None:
    """Who looks while another is about to take it goes on at once; it is taken again when its taker has said nothing for an hour."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        number = await ask(engine, "kim", {"store": "S1"})
        with psycopg.connect(place.postgres_dsn) as other:
            other.execute("SELECT FROM write.reconciliations FOR UPDATE")
            assert await asyncio.wait_for(take(engine), 30) is None
        taken = [await take(engine) for _ in range(2)]
        assert [run and run.id for run in taken] == [number, None]
        ages = []
        for minutes in (59, 61):
            async with engine.begin() as conn:
                await conn.exec_driver_sql(f"UPDATE write.reconciliations SET started_at = now() - interval '{minutes} minutes'")
            ages.append(await take(engine) is not None)
        assert ages == [False, True]
    finally:
        await engine.dispose()


async def _prune(place: Addresses) -> int:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        return await prune(engine, 90)
    finally:
        await engine.dispose()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_difference_is_told_of_a_stack_that_lives(place: Addresses) -> None:
    """Facts come all the while: rows and sums are compared at the positions that they are of, and nothing seems wrong that is not."""

    async def run() -> list[tuple[str, int, list[str]]]:
        stop = asyncio.Event()
        running = asyncio.create_task(run_generations(MODELS, RunnerOptions(place), stop))
        traffic = asyncio.create_task(_traffic(place, stop))
        said: list[tuple[str, int, list[str]]] = []
        try:
            for _ in range(5):
                report = await reconcile(place, ReconcileOptions(wait_seconds=60, rows=RowScope()))
                said.append((report.verdict, report.difference_count, report.unverified))
        finally:
            stop.set()
            await asyncio.gather(running, traffic)
        return said

    publish(place, [sale("R0", at(9))])
    assert asyncio.run(run()) == [("PASS", 0, [])] * 5


async def _traffic(place: Addresses, stop: asyncio.Event) -> None:
    """Sell at a rate, not as fast as the machine can: each run of the reconciliation would have more to compare than the one before."""
    number = 0
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.2)
        number += 1
        batch = [sale(f"R{number}-{each}", at(9 + each % 3), store=("S1", "S2")[each % 2]) for each in range(10)]
        await asyncio.to_thread(publish, place, batch)
