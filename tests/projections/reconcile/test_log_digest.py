"""The digest of the log: cut at positions, read by one at a time, and what it says of the days whose rows it changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, end_offsets
from infra.postgres.engine import async_engine
from projections.reconcile.compare import Key
from projections.reconcile.log_digest import KeptLog, LogState
from tests.projections.clickhouse.driving import publish
from tests.projections.clickhouse.sales_events import DAY, at, corrected, sale
from tests.projections.reconcile.telling import event

pytestmark = pytest.mark.stack

KEY = Key("S1", DAY.isoformat(), SALE_COMPLETED)


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def told(place: Addresses, *events: Event[Any]) -> dict[Partition, int]:
    """Publish events, and return where the log ends."""
    await asyncio.to_thread(publish, place, events)
    return await end_offsets(place.kafka_bootstrap, [STORE_FACTS], place.topic_prefix)


def ids(state: LogState) -> dict[str, int]:
    """Return how many events each date of the store follows from."""
    return {day.business_date: found.ids for day, found in state.days.items() if day.store_id == "S1"}


async def test_what_lies_beyond_a_state_is_not_told_of_it(place: Addresses, engine: AsyncEngine) -> None:
    """Neither where one stops to read, nor where somebody has read further since."""
    log = KeptLog(place, engine)
    first = await told(place, sale("R1", at(9)))
    ends = await told(place, sale("R2", at(10)))

    before = await log.advance(first)
    assert (before.read, before.events, before.ends) == (1, 1, first)
    after = await log.advance(ends)
    assert (after.read, after.events) == (1, 2)
    assert set(await log.events([KEY], before)) == {event("R1")}
    assert set(await log.events([KEY], after)) == {event("R1"), event("R2")}


async def test_nobody_reads_the_log_beside_another(place: Addresses, engine: AsyncEngine) -> None:
    """Both would add the same records: whoever comes second waits, and finds nothing left to read."""
    ends = await told(place, sale("R1", at(9)))
    with psycopg.connect(place.postgres_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('tillstream log digest', 0))")
        waiting = asyncio.create_task(KeptLog(place, engine).advance(ends))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
    states = await asyncio.gather(waiting, *(KeptLog(place, engine).advance(ends) for _ in range(2)))

    assert sorted(state.read for state in states) == [0, 0, 1]
    assert {tuple(state.archive.values()) for state in states} == {tuple(states[0].archive.values())}
    assert sum(found.ids for found in states[0].archive.values()) == 1


async def test_the_day_that_a_correction_empties_has_changed_as_well(place: Addresses, engine: AsyncEngine) -> None:
    """A receipt of a wrong date is moved to the right one, and then to another: each of these days is compared again."""

    def moved(name: str, wrong: Event[Any], day: date) -> Event[Any]:
        correction = corrected(name, wrong, first)
        return replace(correction, envelope=correction.envelope.model_copy(update={"business_date": day}))

    log, first, within = KeptLog(place, engine), sale("R1", at(9)), sale("R2", at(9))
    right, other = DAY - timedelta(days=1), DAY - timedelta(days=2)
    once = moved("C1", first, right)

    ends = await told(place, first, within, corrected("C3", within))
    assert ids(await log.advance(ends)) == {DAY.isoformat(): 3}
    ends = await told(place, once)
    assert ids(await log.advance(ends)) == {DAY.isoformat(): 4, right.isoformat(): 1}
    ends = await told(place, moved("C2", once, other))
    assert ids(await log.advance(ends)) == {DAY.isoformat(): 5, right.isoformat(): 2, other.isoformat(): 1}
