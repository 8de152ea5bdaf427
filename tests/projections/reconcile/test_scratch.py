"""What is folded anew has tables of its own: never those that serve, and whatever ends it, only its own are dropped."""

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.batching import Part
from projections.generation_tables import create_in_postgres
from projections.generations import begin, list_generations
from projections.positions import read_positions
from projections.reconcile.scratch import scratch_models
from projections.replay.run import CannotReplay, alone
from tests.projections.applying import apply_log
from tests.projections.clickhouse.driving import clickhouse, publish, read_all
from tests.projections.clickhouse.sales_events import at, sale
from tests.projections.reconcile.damages import in_postgres

pytestmark = pytest.mark.stack

BOTH = ("event_index", "sales")
SERVES = {("event_index", 1): "running", ("sales", 1): "running"}


class Killed(Exception):
    """What ends a run in its midst."""


@pytest.fixture
def told(place: Addresses) -> Addresses:
    """Let one read model of each store hold something."""
    publish(place, [sale("R1", at(9)), sale("R2", at(10), store="S2")])
    apply_log(place, *BOTH)
    return place


def serving_rows(place: Addresses) -> list[Any]:
    """Return all that readers can see."""
    with psycopg.connect(place.postgres_dsn) as connection, clickhouse(place) as client:
        index = connection.execute("SELECT * FROM read_g1.event_index ORDER BY event_id").fetchall()
        lines, hours = (
            client.query(f"SELECT * FROM {table} FINAL ORDER BY ALL").result_rows for table in ("sales_lines_g1", "sales_by_hour_g1")
        )
    assert all([index, lines, hours])
    return [index, lines, hours]


def schemas(place: Addresses) -> set[str]:
    """Return the schemas of read models."""
    with psycopg.connect(place.postgres_dsn) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read\\_g%'").fetchall()
    return {name for (name,) in found}


def tables(place: Addresses) -> set[str]:
    """Return the tables of both models that are not those of the first generation."""
    of_index = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename = 'event_index' AND schemaname <> 'read_g1'"
    of_sales = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '_g[0-9]+$') AND NOT endsWith(name, '_g1')"
    )
    with psycopg.connect(place.postgres_dsn) as connection, clickhouse(place) as client:
        found = [*connection.execute(of_index).fetchall(), *client.query(of_sales).result_rows]
    return {name for (name,) in found}


async def _fold(place: Addresses, begun_before: Sequence[str]) -> tuple[set[tuple[str, int]], dict[tuple[str, int], str]]:
    """Begin a generation of each name, be killed within a fold, and return what it had made and how all of them stand afterwards."""
    engine, made = async_engine(place.postgres_dsn, "tests"), set[tuple[str, int]]()
    try:
        for store_id in begun_before:
            async with engine.begin() as conn:
                other = await begin(conn, "event_index", 1, place.log_id, is_scratch=True, store_id=store_id)
                await create_in_postgres(conn, "event_index", other.number)
        try:
            async with engine.connect() as conn:
                until = {name: await read_positions(conn, name, 1) for name in BOTH}
            async with scratch_models(place, engine, until) as models:
                made = {(model.name, model.generation) for model in models}
                raise Killed
        except Killed:
            pass
        return made, await _states(engine)
    finally:
        await engine.dispose()


async def _states(engine: AsyncEngine) -> dict[tuple[str, int], str]:
    async with engine.connect() as conn:
        known = await list_generations(conn, BOTH, ("building", "running", "dropping", "dropped"))
    return {(each.projection, each.number): each.state for each in known}


def test_only_its_own_tables_are_dropped_however_it_ends(told: Addresses) -> None:
    """Its own, and what an earlier run has left that was killed; not what serves, and not what a repair is about to fill."""
    before = serving_rows(told)

    made, states = asyncio.run(_fold(told, ("(reconciliation)", "S1")))

    assert made == {("event_index", 4), ("sales", 2)}
    assert states == SERVES | {("event_index", 3): "building"} | dict.fromkeys(made, "dropped")
    assert tables(told) == {"read_g3.event_index"}
    assert schemas(told) == {"read_g1", "read_g3"}
    assert serving_rows(told) == before


def test_runs_leave_no_growing_list_of_generations_and_use_no_number_twice(told: Addresses) -> None:
    """What was dropped is forgotten with the next run, but for the highest number; a repair's generation is not theirs to forget."""
    asyncio.run(_fold(told, ("S1",)))
    in_postgres("UPDATE delivery.generations SET state = 'dropped' WHERE store_id = 'S1'")(told)

    made, states = asyncio.run(_fold(told, ("S1",)))

    assert made == {("event_index", 5), ("sales", 3)}
    kept = {("event_index", 2): "dropped", ("event_index", 4): "building", ("sales", 2): "dropped"}
    assert states == SERVES | kept | dict.fromkeys(made, "dropped")


async def test_nothing_is_folded_beside_a_replay_of_the_same_model(told: Addresses) -> None:
    """Both would take numbers and drop what the other has begun: whoever comes second does nothing."""
    engine = async_engine(told.postgres_dsn, "tests")
    try:
        async with alone(engine, "event_index"):
            with pytest.raises(CannotReplay):
                async with scratch_models(told, engine, {"event_index": {}}):
                    pytest.fail("it has begun")
        assert await _states(engine) == SERVES
    finally:
        await engine.dispose()


async def test_no_record_is_folded_that_the_serving_one_has_not_applied(told: Addresses) -> None:
    """The log has grown since: what is compared is what both have read."""
    await asyncio.to_thread(publish, told, [sale("R3", at(11)), sale("R4", at(12), store="S2")])
    log = await read_all(told)
    engine = async_engine(told.postgres_dsn, "tests")
    try:
        async with engine.connect() as conn:
            until = {name: await read_positions(conn, name, 1) for name in BOTH}
        async with scratch_models(told, engine, until) as models:
            for model, (tp, records) in product(models, log.items()):
                await model.feed(Part(*tp), records)
            with psycopg.connect(told.postgres_dsn) as connection, clickhouse(told) as client:
                folded = [
                    sorted(connection.execute(f"SELECT event_id FROM read_g{models[0].generation}.event_index").fetchall()),
                    sorted(client.query(f"SELECT DISTINCT event_id FROM sales_lines_g{models[1].generation}").result_rows),
                ]
                serving = [
                    sorted(connection.execute("SELECT event_id FROM read_g1.event_index").fetchall()),
                    sorted(client.query("SELECT DISTINCT event_id FROM sales_lines_g1").result_rows),
                ]
    finally:
        await engine.dispose()
    assert [len(rows) for rows in serving] == [2, 2]
    assert folded == serving


def test_the_first_generation_is_never_one_of_these(told: Addresses) -> None:
    """Its tables are those that the migrations made: a fold that took this number would write into them, and empty them at its end."""
    before = serving_rows(told)
    in_postgres("DELETE FROM delivery.generations WHERE projection = 'event_index'")(told)

    with pytest.raises(CannotReplay, match="the first one is no scratch"):
        asyncio.run(_fold(told, ()))

    assert asyncio.run(_told_states(told)) == {("sales", 1): "running"}
    assert serving_rows(told) == before


async def _told_states(place: Addresses) -> dict[tuple[str, int], str]:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        return await _states(engine)
    finally:
        await engine.dispose()
