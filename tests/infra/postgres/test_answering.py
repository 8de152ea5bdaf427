"""Nobody waits for ever for Postgres who said for how long."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from infra.addresses import Addresses
from infra.logs import configure_logging
from infra.postgres.engine import async_engine
from projections import runner
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from tests.infra.postgres.hanging import way_to
from tests.projections.clickhouse.driving import publish
from tests.projections.clickhouse.sales_events import at, sale
from tests.projections.folding import rows_of
from tests.waiting import until

pytestmark = pytest.mark.stack

SECONDS = 0.4
_ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


async def one(engine: AsyncEngine, statement: str = "SELECT 1") -> int:
    """Ask for a number."""
    async with engine.begin() as conn:
        return int((await conn.execute(text(statement))).scalar_one())


async def test_a_server_that_hangs_is_an_error_and_found_again_when_it_answers(place: Addresses) -> None:
    """In the middle of a statement, and before one on a connection that was kept."""
    async with way_to(place.postgres_dsn) as way:
        engine = async_engine(way.dsn, "tests", pool_size=2, answer_seconds=SECONDS)
        try:
            assert await one(engine) == 1
            sleeping = asyncio.create_task(one(engine, "SELECT 1 FROM pg_sleep(1)"))
            await eventually(lambda: sleeping.done() or bool(rows_of(place, _ASLEEP)))
            way.open.clear()
            for waiting in (sleeping, one(engine)):
                with pytest.raises(OperationalError, match="did not answer within"):
                    await asyncio.wait_for(waiting, 30)
            way.open.set()
            assert await one(engine) == 1
        finally:
            await engine.dispose()


async def test_a_statement_that_takes_too_long_is_cancelled_and_leaves_no_lock(place: Addresses) -> None:
    """Whoever comes next need not wait for it; an error of the server stays what it is."""
    engine = async_engine(place.postgres_dsn, "tests", answer_seconds=SECONDS)
    patient = async_engine(place.postgres_dsn, "tests")
    try:
        with pytest.raises(OperationalError, match=r"did not answer within 0\.4 s"):
            await one(engine, "SELECT 1 FROM pg_advisory_xact_lock(7), pg_sleep(60)")
        assert await asyncio.wait_for(one(patient, "SELECT 1 FROM pg_advisory_xact_lock(7)"), 30) == 1
        assert await one(patient, "SELECT 1 FROM pg_sleep(0.6)") == 1
        with pytest.raises(ProgrammingError) as wrong:
            await one(engine, "SELECT nothing")
        assert isinstance(wrong.value, DBAPIError)
        assert await one(engine) == 1
    finally:
        await engine.dispose()
        await patient.dispose()


async def test_a_consumer_says_that_postgres_does_not_answer_and_goes_on_when_it_does(
    place: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither ends nor loses what came meanwhile; each event is applied once."""
    configure_logging("tests", "warning")
    monkeypatch.setattr(runner, "_log", structlog.get_logger())  # one used before keeps the processors of its first use
    stop = asyncio.Event()
    async with way_to(place.postgres_dsn) as way:
        options = RunnerOptions(replace(place, postgres_dsn=way.dsn), postgres_answer_seconds=SECONDS)
        with capture_logs() as said:
            running = asyncio.create_task(run_generations(["event_index"], options, stop))
            try:
                await applied(place, 0)
                await asyncio.to_thread(publish, place, [sale("R1", at(9))])
                await applied(place, 1)
                way.open.clear()
                await asyncio.to_thread(publish, place, [sale("R2", at(10))])
                await eventually(lambda: any("Postgres did not answer" in str(each.get("error")) for each in said))
                way.open.set()
                await applied(place, 2)
                assert not running.done()
            finally:
                way.open.set()
                stop.set()
                await running


async def applied(place: Addresses, count: int) -> None:
    """Wait until so many events are in the index."""

    def is_applied() -> bool:
        found = rows_of(place, "SELECT count(*) AS n, (SELECT count(*) FROM delivery.positions) AS owned FROM read_g1.event_index")
        return found[0]["n"] == count and found[0]["owned"] > 0

    await eventually(is_applied)


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for something, while the loop works on."""
    await asyncio.to_thread(until, is_so)
