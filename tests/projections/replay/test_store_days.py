"""Rows of store-days are taken from another generation: what is wrong, missing or too much is named and put right, the rest left alone."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from infra.addresses import Addresses
from infra.clickhouse.client import async_writer, writer
from infra.postgres.engine import async_engine
from projections.generation_tables import CLICKHOUSE_TABLES, POSTGRES_TABLES, create_in_clickhouse, create_in_postgres
from projections.holds import NotHeld
from projections.replay import clickhouse_tables, postgres_tables
from projections.replay.postgres_tables import StoreDays
from projections.sinks.clickhouse_sales import SalesModel
from tests.places import new_place
from tests.projections.clickhouse.driving import seen
from tests.projections.folding import fold_steps, rows_of
from tests.projections.replay.living import told
from tests.projections.story import log_of

pytestmark = pytest.mark.stack

STOCK, SALES = "stock_on_hand", "sales"
FIRST_DAY = StoreDays("S2", date(2026, 3, 2), date(2026, 3, 2))


@pytest.fixture(scope="module")
def place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """One place for all: each test has read models of its own."""
    with new_place(stack, template) as found:
        yield found


async def _nothing() -> None:
    """A hold that holds."""


async def _both_in_postgres(place: Addresses) -> None:
    """Fold a story, and let a second generation be the same."""
    await fold_steps(place, STOCK, [log_of(told(0, 40))])
    engine = async_engine(place.postgres_dsn, "tests")
    async with engine.begin() as conn:
        await create_in_postgres(conn, STOCK, 2)
        for table in POSTGRES_TABLES[STOCK]:
            await conn.exec_driver_sql(f"INSERT INTO read_g2.{table.name} SELECT * FROM read_g1.{table.name}")
    await engine.dispose()


def _rows(place: Addresses, generation: int) -> dict[str, Any]:
    return {t.name: sorted(map(repr, rows_of(place, f"SELECT * FROM read_g{generation}.{t.name}"))) for t in POSTGRES_TABLES[STOCK]}


OF_A_SALE = "event_id = (SELECT min(event_id::text)::uuid FROM read_g2.stock_on_hand_events WHERE {0})"
ON_DAY = "store_id = 'S2' AND business_date = '2026-03-0{0}' AND event_type LIKE 'sale%%'"
DAMAGES = {
    "a wrong line": "UPDATE read_g1.stock_movements SET quantity = quantity - 1 WHERE {sale}",
    "a missing line": "DELETE FROM read_g1.stock_movements WHERE {sale}",
    "a missing event": "DELETE FROM read_g1.stock_on_hand_events WHERE {sale}",
    "a missing event and its line": (
        "DELETE FROM read_g1.stock_on_hand_events WHERE {sale}; DELETE FROM read_g1.stock_movements WHERE {sale}"
    ),
    "an event that never was": (
        "DELETE FROM read_g2.stock_on_hand_events WHERE {sale_here}; DELETE FROM read_g2.stock_movements WHERE {sale_here}"
    ),
    "an event on another date": "UPDATE read_g1.stock_on_hand_events SET business_date = '2026-03-09' WHERE {sale}",
    "a wrong total": "UPDATE read_g1.stock_on_hand SET on_hand = 0 WHERE store_id = 'S2'",
}


def _damage(place: Addresses, what: str, day: int) -> None:
    sale = OF_A_SALE.format(ON_DAY.format(day))
    with psycopg.connect(place.postgres_dsn) as connection:
        for statement in DAMAGES[what].format(sale=sale, sale_here=sale.replace("read_g2", "read_g1")).split(";"):
            connection.execute(statement.replace("%%", "%").encode())


async def _put_right(place: Addresses, days: StoreDays = FIRST_DAY) -> tuple[int, int]:
    """Return how many rows differed, and how many were changed."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        async with engine.begin() as conn:
            differing = sum(table.differing_rows for table in await postgres_tables.compare_tables(conn, STOCK, 1, 2, days))
            return differing, await postgres_tables.replace_rows(conn, STOCK, 1, 2, days)
    finally:
        await engine.dispose()


async def test_rows_of_a_store_day_are_put_right_in_postgres(place: Addresses) -> None:
    """Every kind of damage: named, put right with the rows that follow from an event; what is of another day or store stays as it is."""
    await _both_in_postgres(place)
    assert await _put_right(place) == (0, 0)
    for what in DAMAGES:
        _damage(place, what, 2)
        differing, changed = await _put_right(place)
        assert differing > 0, what
        assert changed > 0, what
        assert _rows(place, 1) == _rows(place, 2), what
        assert await _put_right(place) == (0, 0), what
    _damage(place, "a missing event and its line", 3)
    assert await _put_right(place) == (0, 0)
    assert await _put_right(place, StoreDays("S1")) == (0, 0)
    assert _rows(place, 1) != _rows(place, 2)


async def test_what_belongs_to_no_store_is_not_compared_for_a_store(place: Addresses) -> None:
    """A generation of one store lacks the articles of the chain, and nothing is wrong with that."""
    engine = async_engine(place.postgres_dsn, "tests")
    async with engine.begin() as conn:
        await create_in_postgres(conn, "stores", 2)
        whole = await postgres_tables.compare_tables(conn, "stores", 1, 2, StoreDays())
        of_store = await postgres_tables.compare_tables(conn, "stores", 1, 2, StoreDays("S2"))
    await engine.dispose()
    assert {table.table for table in whole} - {table.table for table in of_store} == {"sku_versions"}


class _Dying:
    """A connection whose owner dies before it inserts."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def command(self, statement: str, **given: Any) -> Any:
        """Delete, but never insert."""
        if statement.startswith("INSERT"):
            raise ConnectionAbortedError
        return await self._client.command(statement, **given)


def _in_clickhouse(place: Addresses, work: Callable[[AsyncClient], Any]) -> Any:
    async def run() -> Any:
        client = await async_writer(place.clickhouse_url)
        client.form_encode_query_params = True
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def _both_in_clickhouse(place: Addresses) -> None:
    async def work(client: AsyncClient) -> None:
        await create_in_clickhouse(client, SALES, 2)
        for generation in (1, 2):
            model = SalesModel(generation)
            model.connect(client)
            batch = await model.prepare(seen(model, log_of(told(0, 40))))
            await model.insert(batch)
            await model.sum_again(batch, 1)

    _in_clickhouse(place, work)


def _facts(place: Addresses, generation: int) -> dict[str, Any]:
    with writer(place.clickhouse_url) as client:
        return {
            table.stem: client.query(
                f"SELECT * EXCEPT version FROM {table.name(generation)} FINAL "
                f"{'WHERE counted_lines != 0' if table.stem == 'sales_by_hour' else ''} ORDER BY ALL"
            ).result_rows
            for table in CLICKHOUSE_TABLES[SALES]
        }


SPOILT = (
    "ALTER TABLE sales_lines_g1 UPDATE gross = gross + 1 WHERE store_id IN ('S1', 'S2') SETTINGS mutations_sync = 2",
    "INSERT INTO sales_lines_g1 SELECT * REPLACE (generateUUIDv4() AS event_id) FROM sales_lines_g2 WHERE store_id = 'S2'",
    "INSERT INTO sales_by_hour_g1 SELECT * REPLACE (0 AS counted_lines, 9 AS version) FROM sales_by_hour_g2 WHERE store_id = 'S2'",
)


async def _lost() -> None:
    raise NotHeld("it ran out")


def test_rows_of_a_store_are_put_right_in_clickhouse(place: Addresses) -> None:
    """Wrong facts, facts that never were, and an hour emptied by later work; whoever dies after the delete can do it again."""
    _both_in_clickhouse(place)
    sound = _facts(place, 2)
    assert _facts(place, 1) == sound
    with writer(place.clickhouse_url) as client:
        for statement in SPOILT:
            client.command(statement)
    spoilt = _facts(place, 1)

    def repair(client: Any = None, extend: Any = _nothing) -> Any:
        def replace(real: AsyncClient) -> Any:
            return clickhouse_tables.replace_rows(client(real) if client else real, SALES, 1, 2, StoreDays("S2"), 10, extend)

        return _in_clickhouse(place, replace)

    with pytest.raises(NotHeld):
        repair(extend=_lost)
    assert _facts(place, 1) == spoilt, "without a hold nothing is deleted"
    with pytest.raises(ConnectionAbortedError):
        repair(_Dying)
    assert len(_facts(place, 1)["sales_lines"]) < len(sound["sales_lines"]), "it died in the middle"
    assert repair() > 0
    assert repair() == 0

    def without(store: str, facts: dict[str, Any]) -> Any:
        return {name: [row for row in rows if row[0] != store] for name, rows in facts.items()}

    assert without("S1", _facts(place, 1)) == without("S1", sound)
    assert without("S2", _facts(place, 1)) == without("S2", spoilt), "another store's rows are left alone"
