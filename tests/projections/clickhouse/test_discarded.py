"""A letter is discarded while its retry is on its way to ClickHouse: whoever dies or sleeps in between, nothing of the record stays."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from contracts.identifiers import derived_id
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.dead_letters import LetterKey
from projections.generation_runners import run_generations
from projections.letter_decisions import Decision, discard_letter, retry_letter
from projections.options import RunnerOptions
from projections.positions import Displaced
from projections.reconcile.plan import Repair, plan_repairs
from projections.reconcile.repair import Repaired, carry_out
from projections.reconcile.report import Report
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.projections.applying import apply_log
from tests.projections.clickhouse.driving import clickhouse, consumed, drive, publish, sums
from tests.projections.clickhouse.sales_events import at, line, sale

pytestmark = pytest.mark.stack


def retried_letter(place: Addresses) -> LetterKey:
    """Leave one sale that counts and a letter about another, whose fault is mended, and which was sent again."""
    with clickhouse(place) as client:
        client.command("ALTER TABLE sales_lines_g1 ADD CONSTRAINT no_bad CHECK sku != 'SKU-9'")
    publish(place, [sale("R1", at(9), line(1, 500)), sale("R2", at(9), line(9, 700))])
    drive(place)
    with clickhouse(place) as client:
        client.command("ALTER TABLE sales_lines_g1 DROP CONSTRAINT no_bad")
    with psycopg.connect(place.postgres_dsn) as connection:
        row = connection.execute("SELECT topic, part, record_offset FROM delivery.dead_letters WHERE projection = 'sales'").fetchone()
    assert row is not None
    key = LetterKey("sales", *row)

    async def retry() -> None:
        engine = async_engine(place.postgres_dsn, "tests")
        async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
            await retry_letter(engine, publisher, key)
        await engine.dispose()

    asyncio.run(retry())
    return key


def discard(place: Addresses, key: LetterKey) -> None:
    """Decide that a letter is never to be applied."""

    async def run() -> None:
        engine = async_engine(place.postgres_dsn, "tests")
        await discard_letter(engine, key, Decision("a test receipt", "kim", utc_now()))
        await engine.dispose()

    asyncio.run(run())


class Dead:
    """Dies when everything but the positions is written."""

    def reach(self, name: str) -> None:
        """Die."""
        if name == "recomputed":
            raise InterruptedError


class Frozen:
    """Does not move at a point while something else happens."""

    def __init__(self, point: str, meanwhile: Callable[[], None]) -> None:
        self._point, self._meanwhile = point, meanwhile

    def reach(self, name: str) -> None:
        """Freeze, and wake."""
        if name == self._point:
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(self._meanwhile).result()


def test_what_is_discarded_while_its_retry_is_half_written_is_taken_out_again(place: Addresses) -> None:
    """The consumer died when the facts of the retry were there, its position was not: who goes on leaves neither facts nor sums of it."""
    key = retried_letter(place)
    with pytest.raises(InterruptedError):
        drive(place, crash_points=Dead())
    discard(place, key)
    drive(place)

    with clickhouse(place) as client:
        assert [row["gross"] for row in sums(client).values()] == [500]
    assert consumed(place) == [(1, 0, 0, 0, 2, 3)]


def test_a_consumer_that_wakes_with_a_retry_that_was_discarded_takes_out_what_it_wrote(place: Addresses) -> None:
    """It was frozen before it wrote the facts; its letter was discarded, and another consumer passed the record."""
    key = retried_letter(place)

    def meanwhile() -> None:
        discard(place, key)
        drive(place)

    with pytest.raises(Displaced):
        drive(place, crash_points=Frozen("before_insert", meanwhile))

    with clickhouse(place) as client:
        assert [row["gross"] for row in sums(client).values()] == [500]
        assert [tuple(row) for row in client.query("SELECT gross FROM sales_lines_g1 FINAL").result_rows] == [(500,)]
    assert consumed(place) == [(1, 0, 0, 0, 2, 3)]


def test_facts_of_a_record_that_was_put_aside_are_found_and_removed(place: Addresses) -> None:
    """The consumer woke, wrote them and was killed: its record is a letter, so nobody expects them, and a repair takes them out."""
    key = retried_letter(place)

    def meanwhile() -> None:
        discard(place, key)
        drive(place)

    def die() -> None:
        raise InterruptedError

    class Killed(Frozen):
        def reach(self, name: str) -> None:
            super().reach(name)
            if name == "inserted":
                die()

    with pytest.raises(InterruptedError):
        drive(place, crash_points=Killed("before_insert", meanwhile))
    apply_log(place, "sales")
    found = [each for each in asyncio.run(reconcile(place, ReconcileOptions(wait_seconds=0))).differences if each.model == "sales"]

    extra = [each for each in found if each.kind == "extra"]
    assert [each.event_id for each in extra] == [str(derived_id("test", "S1", "R2"))]
    assert f"{key.topic}/{key.part}/2 is a dead letter" in extra[0].detail
    (step,) = plan_repairs(found, [])
    repaired, again = asyncio.run(_repaired(place, step))
    assert [each.error for each in repaired] == [None]
    assert [each for each in again.differences if each.model == "sales"] == []
    with clickhouse(place) as client:
        assert [row["gross"] for row in sums(client).values()] == [500]


async def _repaired(place: Addresses, step: Repair) -> tuple[list[Repaired], Report]:
    stop = asyncio.Event()
    running = asyncio.create_task(run_generations(["sales"], RunnerOptions(place), stop))
    try:
        return await carry_out(place, [step]), await reconcile(place, ReconcileOptions(wait_seconds=0))
    finally:
        stop.set()
        await running
