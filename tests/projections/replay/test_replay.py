"""A read model is built anew beside the one that serves, compared with it at one position, and takes its place."""

import asyncio
import signal
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

from infra.addresses import Addresses
from infra.clickhouse.client import writer
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.consumers import read_fares
from projections.generation_tables import REBUILDABLE
from projections.generations import NoSuchGeneration, register
from projections.options import NoCrashPoints
from projections.reconcile.plan import Repair
from projections.reconcile.repair import carry_out
from projections.reconcile.run import reconcile
from projections.replay.archive import ArchiveUnproven
from projections.replay.comparison import Comparison
from projections.replay.postgres_tables import StoreDays
from projections.replay.retire import drop, outdated, roll_back
from projections.replay.run import CannotReplay, ReplayProgress, ReplayRequest, ReplayResult, replay
from tests.projections.folding import rows_of
from tests.projections.replay.living import await_end, ends_of, generations, live, publish, start_killed, told
from tillstream.replaying import run_all, run_each

pytestmark = pytest.mark.stack

TABLE = {"stock_on_hand": "read_g{n}.stock_on_hand", "sales": "sales_by_hour_g{n}"}


def _content(place: Addresses, name: str, number: int) -> list[tuple[Any, ...]]:
    if name == "sales":
        with writer(place.clickhouse_url) as client:
            query = f"SELECT * EXCEPT version FROM sales_by_hour_g{number} FINAL WHERE counted_lines != 0 ORDER BY ALL"
            return [tuple(row) for row in client.query(query).result_rows]
    return [tuple(row.values()) for row in rows_of(place, f"SELECT store_id, sku, on_hand FROM read_g{number}.stock_on_hand ORDER BY 1, 2")]


def _damage(place: Addresses, name: str) -> None:
    """Spoil one row of the serving generation."""
    if name == "sales":
        with writer(place.clickhouse_url) as client:
            client.command("ALTER TABLE sales_lines_g1 UPDATE gross = gross + 1 WHERE store_id = 'S2' SETTINGS mutations_sync = 2")
            client.command("ALTER TABLE sales_by_hour_g1 UPDATE net = net + 1 WHERE store_id = 'S2' SETTINGS mutations_sync = 2")
    else:
        rows_of(place, "UPDATE read_g1.stock_on_hand SET on_hand = on_hand + 1 WHERE store_id = 'S2' RETURNING store_id")


@pytest.mark.parametrize("name", [pytest.param("stock_on_hand", marks=pytest.mark.long), "sales"])
async def test_a_replay_takes_the_place_of_the_one_that_serves(place: Addresses, name: str) -> None:
    """While facts go on coming: equal at one position, switched, both read the log on, rolled back, dropped; nothing is sent."""
    await publish(place, told(0, 40))
    async with live(place, name):
        await await_end(place, name, 1)
        before = await ends_of(place)
        news: list[ReplayProgress] = []
        facts = told(40, 80)
        traffic = asyncio.create_task(publish(place, facts))
        result = await replay(place, ReplayRequest(name), news.append)
        await traffic
        assert (result.generation, result.done) == (2, "switched")
        assert result.comparison is not None
        assert result.comparison.is_equal
        assert any(table.old.totals for table in result.comparison.tables)
        assert news[-1].phase == "comparing"
        await await_end(place, name, 1, 2)
        after = await ends_of(place)
        assert sum(after.values()) - sum(before.values()) == len(facts), "a replay sends nothing"
        assert _content(place, name, 1) == _content(place, name, 2) != []

        engine = async_engine(place.postgres_dsn, "tests")
        assert await roll_back(engine, name) == (2, 1)
        assert [number for number, each in (await generations(place, name)).items() if each.serving] == [1]
        assert await outdated(engine) == [], "what may be gone back to is not outdated"
        with pytest.raises(NoSuchGeneration):
            await drop(place, engine, name, 1)
        await drop(place, engine, name, 2)
        await publish(place, told(80, 83))
        await await_end(place, name, 1)
        await engine.dispose()
    assert list(await generations(place, name)) == [1]


def _wrong(comparison: Comparison | None) -> set[str]:
    assert comparison is not None
    return {str(difference.key["store_id"]) for table in comparison.tables for difference in table.differences}


async def _once(place: Addresses, name: str, **asked: Any) -> ReplayResult:
    return await replay(place, ReplayRequest(name, **asked))


@pytest.mark.parametrize("name", ["stock_on_hand", "sales"])
async def test_a_wrong_row_is_named_and_only_its_store_is_put_right(place: Addresses, name: str) -> None:
    """A dry run names the damaged keys and changes nothing; a repair of the store leaves the others' rows alone."""
    await publish(place, told(0, 40))
    async with live(place, name):
        await await_end(place, name, 1)
        sound = _content(place, name, 1)
        _damage(place, name)
        looked = await _once(place, name, compare_only=True)
        assert (looked.done, _wrong(looked.comparison)) == ("compared", {"S2"})
        assert _content(place, name, 1) != sound
        other = await _once(place, name, days=StoreDays("S1"))
        assert (other.done, other.changed_rows) == ("same", 0)
        said = StringIO()
        (absent,) = await run_each(place, [ReplayRequest(name, StoreDays("S9", last=date(2026, 3, 2)))], Console(file=said))
        assert absent.done == "nothing"
        assert "has a row of store S9 from the first business date to 2026-03-02, so nothing was compared" in said.getvalue()
        repaired = await _once(place, name, days=StoreDays("S2"))
        assert (repaired.done, repaired.changed_rows > 0) == ("repaired", True)
        assert _content(place, name, 1) == sound
        assert list(await generations(place, name)) == [1]


async def test_a_generation_that_differs_waits_until_it_is_accepted(place: Addresses) -> None:
    """Differences are a person's to judge: until then the old one serves, and the new one is not read from the log again."""
    await publish(place, told(0, 20))
    async with live(place, "stock_on_hand"):
        await await_end(place, "stock_on_hand", 1)
        _damage(place, "stock_on_hand")
        first = await _once(place, "stock_on_hand")
        assert (first.generation, first.done) == (2, "differs")
        assert (await generations(place, "stock_on_hand"))[1].serving
        second = await _once(place, "stock_on_hand", accept_differences=True)
        assert (second.generation, second.done) == (2, "switched")


async def test_after_a_change_of_the_mapping_both_are_compared_where_the_old_one_stands(place: Addresses) -> None:
    """The old one stands still and says why, its neighbours go on; what was built is accepted as it is; nobody goes back."""
    name = "stock_on_hand"
    await publish(place, told(0, 20))
    async with live(place, name):
        await await_end(place, name, 1)
    stood = rows_of(place, "SELECT topic, part, next_offset FROM delivery.positions ORDER BY 1, 2")
    rows_of(place, "UPDATE delivery.generations SET mapping_version = 0 RETURNING generation")
    _damage(place, name)
    await publish(place, told(20, 40))
    engine = async_engine(place.postgres_dsn, "tests")
    async with live(place, name, "event_index"):
        await await_end(place, "event_index", 1)
        assert "tillstream replay stock_on_hand" in ((await read_fares(engine, [name]))[name].why_still(1) or "")
        with pytest.raises(CannotReplay, match="as a whole"):
            await _once(place, name, days=StoreDays("S2"))
        first = await _once(place, name)
        assert (first.generation, first.done, _wrong(first.comparison)) == (2, "differs", {"S2"})
        assert (await generations(place, name))[1].serving
        await await_end(place, name, 2)
        again = await _once(place, name)
        assert (again.generation, again.done, _wrong(again.comparison)) == (3, "differs", {"S2"}), "2 cannot be compared any more"
        accepted = await _once(place, name, accept_differences=True)
        assert (accepted.generation, accepted.done, accepted.comparison) == (3, "switched", None)
        await await_end(place, name, 3)
        with pytest.raises(NoSuchGeneration, match="mapping version 0"):
            await roll_back(engine, name)
    where = f"WHERE projection = '{name}' AND generation = 1"
    assert rows_of(place, f"SELECT topic, part, next_offset FROM delivery.positions {where} ORDER BY 1, 2") == stood
    assert list(await generations(place, name)) == [1, 3]
    await engine.dispose()


POINTS = ["generation_registered", "tables_created", "effects_written", "caught_up", "waiting_to_serve", "held", "let_go", "switched"]


@pytest.mark.parametrize("point", [point if point == "held" else pytest.param(point, marks=pytest.mark.long) for point in POINTS])
@pytest.mark.parametrize("name", ["stock_on_hand", pytest.param("sales", marks=pytest.mark.long)])
async def test_a_replay_killed_at(place: Addresses, tmp_path: Path, name: str, point: str) -> None:
    """Killed with -9: the one that serves goes on, and the same command finishes what was begun."""
    await publish(place, told(0, 40))
    async with live(place, name):
        await await_end(place, name, 1)
        assert await asyncio.to_thread(start_killed, place, tmp_path, name, point) == -signal.SIGKILL
        if point == "switched":
            assert (await generations(place, name))[2].serving
            return
        assert (await generations(place, name))[1].serving
        await publish(place, told(40, 50))
        result = await _once(place, name)
        assert (result.generation, result.done) == (2, "switched")
        await await_end(place, name, 1, 2)
        assert _content(place, name, 1) == _content(place, name, 2)


@pytest.mark.long
@pytest.mark.parametrize("point", ["effects_written", "held", "rows_replaced", "let_go"])
@pytest.mark.parametrize("name", ["stock_on_hand", "sales"])
async def test_a_repair_killed_at(place: Addresses, tmp_path: Path, name: str, point: str) -> None:
    """Killed with -9 in the middle of a repair: done again, the rows are right and nothing is left over."""
    await publish(place, told(0, 40))
    async with live(place, name):
        await await_end(place, name, 1)
        sound = _content(place, name, 1)
        _damage(place, name)
        assert await asyncio.to_thread(start_killed, place, tmp_path, name, point, store="S2") == -signal.SIGKILL
        await _once(place, name, days=StoreDays("S2"))
        assert _content(place, name, 1) == sound
        assert list(await generations(place, name)) == [1]


async def test_rows_of_what_was_never_written_are_not_put_right(place: Addresses) -> None:
    """A repair or a look begins nothing: the first generation would serve, and hold one store, or what was only to be looked at."""
    for request in (ReplayRequest("sales", StoreDays("S2")), ReplayRequest("stock_on_hand", compare_only=True)):
        with pytest.raises(CannotReplay, match=f"no generation of {request.projection} serves yet"):
            await replay(place, request, crash_points=NoCrashPoints())
        assert await generations(place, request.projection) == {}

    step = Repair("replay_store_days", "sales", "S2", None, None, "tillstream replay sales --store S2", "2 differences (missing)", 2)
    (done,) = await carry_out(place, [step])
    assert done.changed_rows == 0
    assert "tillstream project sales" in (done.error or "")


async def test_what_cannot_be_replayed_is_refused(place: Addresses) -> None:
    """A name that nothing has; letters, which have no generations once they are there; what somebody else replays at the moment."""
    engine, console = async_engine(place.postgres_dsn, "tests"), Console(file=StringIO())
    with pytest.raises(CannotReplay, match="no read model"):
        await replay(place, ReplayRequest("weather"), crash_points=NoCrashPoints())
    async with engine.begin() as conn:
        await register(conn, "dead_letters", 1, 1, place.log_id)
    with pytest.raises(CannotReplay, match="no generations"):
        await run_each(place, [ReplayRequest("dead_letters")], console)
    assert await run_all(place, [ReplayRequest("dead_letters")], console) == []
    async with engine.connect() as conn:
        await conn.execute(text("SELECT pg_advisory_lock(hashtextextended('tillstream replay sales', 0))"))
        with pytest.raises(CannotReplay, match="another replay of sales"):
            await _once(place, "sales")
    await engine.dispose()


async def test_the_archive_is_a_source_as_far_as_it_is_proven(place: Addresses) -> None:
    """Read from the archive, the read model is the same; an archive that is not the log is refused."""
    await publish(place, told(0, 40))
    async with live(place, "stock_on_hand", "event_log"):
        await await_end(place, "stock_on_hand", 1)
        await await_end(place, "event_log", 1)
        await publish(place, told(40, 50))
        result = await _once(place, "stock_on_hand", source="archive")
        assert (result.generation, result.done) == (2, "switched")
        with writer(place.clickhouse_url) as client:
            client.command("DELETE FROM event_log_g1 WHERE offset = 3")
        with pytest.raises(ArchiveUnproven, match="store-facts-v1/0"):
            await _once(place, "stock_on_hand", source="archive")


@pytest.mark.long
async def test_everything_is_built_on_empty_stores_and_again_beside_itself(place: Addresses) -> None:
    """What `replay --all` does: every read model from the log alone, proven against it, then a second generation of each."""
    await publish(place, told(0, 40))
    requests = [ReplayRequest(name) for name in PROJECTIONS]
    console = Console(file=StringIO())
    first = await run_all(place, requests, console)
    assert {(result.projection, result.done) for result in first} == {(name, "built") for name in PROJECTIONS}
    assert (await reconcile(place)).verdict == "PASS"
    async with live(place, *PROJECTIONS):
        second = await run_all(place, requests, console)
    assert {(result.projection, result.generation, result.done) for result in second} == {(name, 2, "switched") for name in REBUILDABLE}
    assert (await reconcile(place)).verdict == "PASS"
