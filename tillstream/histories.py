"""Histories for the command line, page after page: facts and what follows from them. The operator sees every chain."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from api.config import Limits
from api.store_directory import StoreDirectory
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.postgres.engine import async_engine
from projections.changed_facts import ChangedFact
from projections.changes import read_changes
from projections.generations import serving_generation
from projections.read_models.alert_history.reader import read_history
from projections.read_models.attendance_day.known import DaysKnown
from projections.read_models.attendance_day.spans import read_shift_spans
from projections.read_models.clock_events.reader import read_punches
from projections.read_models.reorder_recommendations.reader import RecommendationRow, read_recommendations
from projections.read_models.sales_lines.reader import FIRST_PAGE as FIRST_LINES
from projections.read_models.sales_lines.reader import read_lines
from projections.read_models.stock_ledger.reader import read_ledger
from projections.read_models.tenders_by_day.reader import FIRST_PAGE as FIRST_TENDERS
from projections.read_models.tenders_by_day.reader import read_tenders
from projections.read_models.voids_and_refunds.reader import FIRST_PAGE as FIRST_CASHIERS
from projections.read_models.voids_and_refunds.reader import read_cashiers
from projections.sale_facts import FactsAsked

History = Literal["sales", "tenders", "cashiers", "shifts", "stock", "clock", "alerts"]
Only = Mapping[str, Sequence[str]]

MODEL_OF: Final[Mapping[History, str]] = {
    "sales": "sales",
    "tenders": "sales",
    "cashiers": "sales",
    "shifts": "sales",
    "stock": "stock_ledger",
    "clock": "clock_events",
    "alerts": "alert_history",
}
_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class HistoryAsked:
    """Which history, of which stores (None for all that are known) and inclusive business dates, as known when; at most so many rows.

    `only`: column to its wanted values.
    """

    history: History
    stores: Sequence[str] | None
    first: date
    last: date
    known_at: datetime | None
    only: Only
    limit: int


@dataclass(frozen=True, slots=True)
class _Reader:
    """Asks for single pages."""

    client: AsyncClient
    asked: FactsAsked
    only: Only
    generation: int
    shifts: Any = None

    async def page(self, history: History, after: Any, limit: int) -> list[Any]:
        """Return the rows after one, or the first."""
        wanted = {name: tuple(values) for name, values in self.only.items()}
        client, asked, generation = self.client, self.asked, self.generation
        match history:
            case "sales":
                return list(await read_lines(client, asked, self.only, generation, after or FIRST_LINES, limit))
            case "tenders":
                return list(await read_tenders(client, asked, generation, after or FIRST_TENDERS, limit))
            case "cashiers" | "shifts":
                return list(await read_cashiers(client, asked, generation, after or FIRST_CASHIERS, limit, self.shifts))
            case "stock":
                return list(await read_ledger(client, asked, wanted.get("sku"), wanted.get("kind"), generation, after, limit))
            case "clock":
                return list(await read_punches(client, asked, wanted.get("employee_id"), generation, after, limit))
            case "alerts":
                return list(await read_history(client, asked, wanted.get("rule"), wanted.get("kind"), None, generation, after, limit))


async def find_history(addresses: Addresses, asked: HistoryAsked) -> list[Any]:
    """Return the rows of a history in its order."""
    rows: list[Any] = []
    async with _reader(addresses, asked) as reader:
        while len(rows) < asked.limit:
            size = min(_PAGE, asked.limit - len(rows))
            page = await reader.page(asked.history, rows[-1].cursor if rows else None, size)
            rows += page
            if len(page) < size:
                break
    return rows


async def find_changed(
    addresses: Addresses, model: str, stores: Sequence[str] | None, first: date, last: date, since: datetime, limit: int
) -> list[ChangedFact]:
    """Return the facts that changed a model of Postgres since; KeyError for another one."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-history", pool_size=2)
    try:
        asked = FactsAsked(await _stores(engine, stores), first, last)
        return await read_changes(engine, model, asked, since, limit=limit)
    finally:
        await engine.dispose()


async def find_recommendations(
    addresses: Addresses,
    stores: Sequence[str] | None,
    statuses: Sequence[str] | None,
    skus: Sequence[str] | None,
    known_at: datetime | None,
    limit: int,
) -> list[RecommendationRow]:
    """Return recommendations by store and SKU; None means every store, status or SKU, and all that is known."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-history", pool_size=2)
    try:
        return await read_recommendations(engine, await _stores(engine, stores), statuses, skus, limit=limit, known_at=known_at)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _reader(addresses: Addresses, asked: HistoryAsked) -> AsyncIterator[_Reader]:
    engine = async_engine(addresses.postgres_dsn, "tillstream-history", pool_size=2)
    client = await async_reader(addresses.clickhouse_url)
    try:
        facts = FactsAsked(await _stores(engine, asked.stores), asked.first, asked.last, asked.known_at)
        async with engine.connect() as conn:
            generation = await serving_generation(conn, MODEL_OF[asked.history])
        spans = None
        if asked.history == "shifts":
            spans = await read_shift_spans(engine, DaysKnown(facts.store_ids, asked.first, asked.last, asked.known_at))
        yield _Reader(client, facts, asked.only, generation, spans)
    finally:
        await client.close()
        await engine.dispose()


async def _stores(engine: AsyncEngine, named: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(named) if named else tuple(await StoreDirectory(engine, Limits().stores_refresh_seconds).tenants_now())
