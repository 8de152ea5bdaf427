"""Holds: nobody goes past, only who says so stands, and nothing outlasts the one who asked for it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.clock import monotonic_seconds
from infra.kafka.consumer import Partition
from infra.postgres.engine import async_engine
from projections.batching import Part
from projections.holds import Gate, Holder, Holds, NotHeld, holding
from projections.positions import Claim, claim
from tests.places import new_place

pytestmark = pytest.mark.stack

NAME = "stock_on_hand"
PART = Part("store-facts-v1", 0)
ENDS = {PART: 3}
EXPIRE = "UPDATE delivery.holds SET expires_at = now()"


@pytest.fixture(scope="module")
def place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """One place for all: each test begins without holds and positions."""
    with new_place(stack, template) as found:
        yield found


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


@pytest.fixture
async def mine(engine: AsyncEngine) -> Claim:
    """Own a partition as the runner of generation 1."""
    await _do(engine, "TRUNCATE delivery.holds, delivery.positions")
    async with engine.begin() as conn:
        return (await claim(conn, NAME, 1, [PART]))[PART]


async def _do(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as conn:
        await conn.exec_driver_sql(statement)


async def _ask(engine: AsyncEngine, mine: Claim, *offsets: int) -> tuple[list[int], dict[Partition, int]]:
    """Ask a gate of its own, which has looked at nothing before, what may be applied now."""
    records: Any = [SimpleNamespace(offset=offset) for offset in offsets]
    admitted, again = await Gate(engine, Holds(engine), NAME, 1).admit({PART: mine}, {Partition(*PART): records} if offsets else {})
    return [record.offset for found in admitted.values() for record in found], again


class _Obeyed(Holder):
    """The only runner is at the end, and says so as soon as it is asked."""

    async def place(self, ends: Mapping[Part, int]) -> None:
        """Place the hold, and let the runner say that it stands."""
        await super().place(ends)
        await _ask(self._engine, Claim(PART, 1, ends[PART], None))


async def _reach(engine: AsyncEngine, offset: int) -> None:
    await _do(engine, f"UPDATE delivery.positions SET next_offset = {offset}")


async def test_a_batch_is_cut_where_the_hold_says_and_read_on_when_it_is_lifted(engine: AsyncEngine, mine: Claim) -> None:
    """What lies before the end is applied, the rest is read again; an end that was reached lets nothing through."""
    holder = Holder(engine, NAME, [1])
    assert await _ask(engine, mine, 1, 2, 3, 4) == ([1, 2, 3, 4], {})
    await holder.place(ENDS)
    assert await _ask(engine, mine, 1, 2, 3, 4) == ([1, 2], {Partition(*PART): 3})
    assert await _ask(engine, mine, 3, 4) == ([], {Partition(*PART): 3})
    await holder.lift()
    assert await _ask(engine, mine, 3, 4) == ([3, 4], {})


async def test_only_who_says_so_stands(engine: AsyncEngine, mine: Claim) -> None:
    """At the position alone work may be on the way; only the newest owner's word counts, and only about this hold."""
    holder = Holder(engine, NAME, [1])
    await holder.place(ENDS)
    await _reach(engine, 3)
    assert await holder.is_standing() is False
    at_the_end = Claim(PART, mine.epoch, 3, None)
    await _ask(engine, Claim(PART, mine.epoch - 1, 3, None))
    assert await holder.is_standing() is False, "an earlier owner"
    await _ask(engine, at_the_end)
    assert await holder.is_standing() is True
    await holder.place(ENDS)
    assert await holder.is_standing() is False, "an earlier hold"
    await _ask(engine, at_the_end)
    await _reach(engine, 4)
    assert await holder.is_standing() is None


async def test_one_look_serves_all_runners_of_a_process(engine: AsyncEngine, mine: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read model is told of its own hold only, and all of them from what was asked once; it is asked again soon enough."""
    now = monotonic_seconds()
    monkeypatch.setattr("projections.holds.monotonic_seconds", lambda: now)
    holds = Holds(engine)
    assert await holds.of(NAME) is None
    await Holder(engine, NAME, [mine.epoch]).place(ENDS)
    assert await holds.of("sales") is await holds.of(NAME) is None
    now += 0.11
    found = await holds.of(NAME)
    assert (found is not None and found.ends, await holds.of("sales")) == (ENDS, None)


async def test_a_hold_that_nobody_extends_ends_and_does_not_come_back(engine: AsyncEngine, mine: Claim) -> None:
    """Whoever asked for it may die: the runners go on, and the one who comes too late is told so."""
    holder = Holder(engine, NAME, [1])
    await holder.place(ENDS)
    await holder.extend()
    await _do(engine, EXPIRE)
    assert await _ask(engine, mine, 3, 4) == ([3, 4], {})
    with pytest.raises(NotHeld, match="ran out"):
        await holder.extend()


@pytest.mark.parametrize("meanwhile", [EXPIRE, "UPDATE delivery.positions SET next_offset = 4"])
async def test_what_was_seen_while_a_hold_ran_out_counts_for_nothing(engine: AsyncEngine, mine: Claim, meanwhile: str) -> None:
    """The body ends as if all were well, and still its result is not used."""
    await _reach(engine, 3)

    async def ends() -> dict[Part, int]:
        return ENDS

    holder = _Obeyed(engine, NAME, [mine.epoch])
    async with holding(holder, ends, 5.0):
        assert holder.ends == ENDS
    with pytest.raises(NotHeld):
        async with holding(holder, ends, 5.0):
            await _do(engine, meanwhile)


async def test_a_generation_past_one_that_stands_still_is_not_waited_for(engine: AsyncEngine, mine: Claim) -> None:
    """The position will never be a later one."""
    await _reach(engine, 4)

    async def ends() -> dict[Part, int]:
        return ENDS

    with pytest.raises(NotHeld, match="gone past"):
        async with holding(Holder(engine, NAME, [1]), ends, 5.0):
            raise AssertionError("nothing to look at")
    assert mine.epoch == 1


async def test_who_is_pinned_cannot_move_and_who_has_moved_cannot_be_pinned(engine: AsyncEngine, mine: Claim) -> None:
    """Rows are put right in one transaction with it: a hold that runs out meanwhile lets nobody write between."""
    holder = Holder(engine, NAME, [1])
    await holder.place(ENDS)
    await _reach(engine, 3)
    await _ask(engine, Claim(PART, mine.epoch, 3, None))
    async with engine.begin() as conn:
        await holder.pin(conn)
        with pytest.raises(OperationalError) as refused:
            await _do(engine, "SET LOCAL lock_timeout = '100ms'; UPDATE delivery.positions SET next_offset = 4")
        assert isinstance(refused.value.orig, LockNotAvailable)
    await _reach(engine, 4)
    async with engine.begin() as conn:
        with pytest.raises(NotHeld, match="went on"):
            await holder.pin(conn)
