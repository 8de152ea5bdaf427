"""Consumers say how they fare, what stands still says why, and old accounts are joined without a loss."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.consumers import Fare, Pulse, read_fares
from projections.generations import register
from projections.ledger import merge_adjacent
from tests.projections.folding import fold_steps, rows_of
from tests.projections.story import at, log_of, sold

NAME = "stock_on_hand"


def _fare(state: str | None, silent: float | None = 1.0, rate: float = 0.0, error: str | None = "the broker is away") -> Fare:
    return Fare(NAME, 1, state, error, utc_now(), silent, rate, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fare", "behind", "words"),
    [
        (_fare("working", rate=3.0), 10, None),
        (_fare("working"), 0, None),
        (_fare("working"), None, None),
        (_fare("working"), 10, "applied nothing"),
        (_fare("waiting", rate=3.0), 10, "tries again: the broker is away"),
        (_fare("halted", silent=500.0), 10, "halted: the broker is away"),
        (_fare("working", silent=60.0), 10, "has not said anything for 60 s"),
        (_fare(None, silent=None), 0, "no process keeps it"),
    ],
)
def test_what_stands_still_says_why(fare: Fare, behind: int | None, words: str | None) -> None:
    """Nothing is said of what moves, or has nothing to do; of everything else the first thing to look at."""
    said = fare.why_still(behind)

    assert (said is None) if words is None else (said is not None and words in said)


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


@pytest.mark.stack
async def test_a_step_without_an_answer_is_told_while_it_lasts(place: Addresses, engine: AsyncEngine) -> None:
    """Not the error of a step, which there is none of, but what is asked and for how long; afterwards it works."""
    async with engine.begin() as conn:
        await register(conn, NAME, 1, 1, "log")
    pulse = Pulse(engine, NAME, 1, patience_seconds=0.0)
    async with pulse.beating():
        with pulse.asking("write a batch"):
            await pulse.say_now()
            silent = await _said(engine)
        await pulse.say_now()
        heard = await _said(engine)

    assert "no answer for 0 s to this: write a batch" in (silent.why_still(1) or "")
    assert (silent.state, heard.state) == ("waiting", "working")


async def _do(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as conn:
        await conn.exec_driver_sql(statement)


async def _said(engine: AsyncEngine) -> Fare:
    return (await read_fares(engine, [NAME]))[NAME]


@pytest.mark.stack
async def test_a_consumer_leaves_word_of_its_halt_and_none_of_a_gentle_end(engine: AsyncEngine) -> None:
    """What halted it stays to be read after its process has ended; its successor begins without it."""
    async with engine.begin() as conn:
        await register(conn, NAME, 1, 1, "log")
    first = Pulse(engine, NAME, 1)
    async with first.beating():
        assert (await _said(engine)).why_still(0) is None
        first.halts(RuntimeError("too many dead letters"))
    assert (await _said(engine)).why_still(5) == "halted: too many dead letters"

    async with Pulse(engine, NAME, 1).beating():
        assert ((await _said(engine)).state, (await _said(engine)).last_error) == ("working", None)
    third = Pulse(engine, NAME, 1)
    async with third.beating():
        third.halts(RuntimeError("too many dead letters"))
        await third.say_now()
        third.works()
    assert (await _said(engine)).why_still(5) == "no process keeps it: start one with `tillstream project`"


@pytest.mark.stack
async def test_old_accounts_are_joined_and_say_the_same(place: Addresses, engine: AsyncEngine) -> None:
    """Adjacent sound ranges become one, twice changes nothing; young ones and unsound ones stay, so that damage is still found."""
    log = log_of([sold(str(number), at(number)) for number in range(10)])
    await fold_steps(place, NAME, [log[number : number + 1] for number in range(10)])
    before = await check_accounting(engine)

    async def merged() -> int:
        async with engine.begin() as conn:
            return await merge_adjacent(conn, NAME, 1)

    assert await merged() == 0
    await _do(engine, "UPDATE delivery.ledger SET written_at = now() - interval '1 hour' WHERE first < 8")
    await _do(engine, "UPDATE delivery.ledger SET applied = 7 WHERE first = 4")
    damaged = [row.problem for row in await check_accounting(engine)]
    assert await merged() == 5
    assert await merged() == 0
    assert rows_of(place, "SELECT first, next FROM delivery.ledger ORDER BY first") == [
        {"first": first, "next": until} for first, until in ((0, 4), (4, 5), (5, 8), (8, 9), (9, 10))
    ]
    assert [row.problem for row in await check_accounting(engine)] == damaged
    assert damaged == ["outcomes of the offsets 4 to 4 do not add up to its records"]

    await _do(engine, "UPDATE delivery.ledger SET applied = 1 WHERE first = 4")
    assert await merged() == 2
    assert [(row.tally, row.next_offset, row.problem) for row in await check_accounting(engine)] == [
        (row.tally, row.next_offset, None) for row in before
    ]
