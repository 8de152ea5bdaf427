"""What the fault tests look at while real processes run: accounts, words of consumers, memory, and a load of sales."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.consumers import read_fares
from tests.projections.clickhouse.driving import clickhouse, sums, whole_log
from tests.projections.clickhouse.oracle import expected_sums
from tests.projections.clickhouse.sales_events import at, corrected, line, returned, sale
from tests.projections.folding import rows_of
from tests.projections.oracle import stock_totals

Answer = TypeVar("Answer")
_PAGE_BYTES = 4096
STORES = 8


def asked(place: Addresses, question: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    """Ask Postgres with the product's own readers."""

    async def work() -> Answer:
        engine = async_engine(place.postgres_dsn, "tests")
        try:
            return await question(engine)
        finally:
            await engine.dispose()

    return asyncio.run(work())


def sold_story(begin: int, end: int) -> list[Event[Any]]:
    """Tell sales of several stores, every tenth a return, every fifteenth a correction of the one before; each seventh is sent twice."""
    story: list[Event[Any]] = []
    for number in range(begin, end):
        store, moment = f"S{number % STORES}", at(9 + number % 5, number % 60)
        story.append((returned if number % 10 == 0 else sale)(f"R{number}", moment, line(1, 100 + number % 50), line(2, 50), store=store))
        if number % 15 == 1:
            story.append(corrected(f"C{number}", story[-1]))
        if number % 7 == 0:
            story.append(story[-1])
    return story


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES


def why_still(place: Addresses, projection: str) -> str:
    """Return what `tillstream status` says of a consumer that has something to do and does not move."""
    fare = asked(place, lambda engine: read_fares(engine, [projection]))[projection]
    return fare.why_still(behind=1) or ""


def read_of(place: Addresses, projection: str) -> int:
    """Return how many records a consumer has passed."""
    statement = f"SELECT coalesce(sum(next_offset), 0)::int AS n FROM delivery.positions WHERE projection = '{projection}'"
    return int(rows_of(place, statement)[0]["n"])


def problems(place: Addresses) -> list[str]:
    """Return what does not tile."""
    return [row.problem for row in asked(place, check_accounting) if row.problem is not None]


def outcomes(place: Addresses, projection: str) -> tuple[int, int]:
    """Return how many records were applied, and how many were repeats."""
    statement = f"SELECT sum(applied)::int AS a, sum(repeats)::int AS r FROM delivery.ledger WHERE projection = '{projection}'"
    (row,) = rows_of(place, statement)
    return row["a"], row["r"]


def assert_sales_of_the_log(place: Addresses, story: Sequence[Event[Any]]) -> None:
    """Nothing lost, nothing double, and everything accounted for."""
    distinct = len({(event.store_id, event.id) for event in story})
    assert problems(place) == []
    assert outcomes(place, "sales") == (distinct, len(story) - distinct)
    with clickhouse(place) as client:
        assert sums(client) == expected_sums(whole_log(place))


def assert_stock_of_the_log(place: Addresses) -> None:
    """Every shelf has what the log says."""
    found = {
        (row["store_id"], row["sku"]): (row["on_hand"], row["counted_at"]) for row in rows_of(place, "SELECT * FROM read_g1.stock_on_hand")
    }
    assert found == stock_totals(whole_log(place))
