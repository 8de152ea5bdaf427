"""Sales figures for the command line: now or as known at a moment, and what has changed them since. The operator sees every chain."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

from api.config import Limits
from api.store_directory import StoreDirectory
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.postgres.engine import async_engine
from projections.generations import serving_generation
from projections.read_models.sales_by_hour.changes import Change, read_changes
from projections.read_models.sales_by_hour.reader import Grouping, SalesQuery, SalesRow, read_sales
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class Span:
    """Stores (None for all that are known) and inclusive business dates."""

    stores: Sequence[str] | None
    first: date
    last: date


@asynccontextmanager
async def _stores(addresses: Addresses, span: Span) -> AsyncIterator[tuple[Any, tuple[str, ...], int]]:
    """Connect, and say which stores are meant and which generation serves."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-kpis", pool_size=2)
    client = await async_reader(addresses.clickhouse_url)
    try:
        stores = StoreDirectory(engine, Limits().stores_refresh_seconds)
        await stores.tenants_now()
        async with engine.connect() as conn:
            generation = await serving_generation(conn, "sales")
        yield client, tuple(span.stores) if span.stores else tuple(stores.tenants()), generation
    finally:
        await client.close()
        await engine.dispose()


async def find_sales(
    addresses: Addresses, span: Span, group_by: Sequence[str], known_at: datetime | None, rows_per_page: int = 10_000
) -> list[SalesRow]:
    """Return all figures; UnknownGrouping for a name that is none, or for two spans of time at once."""
    rows: list[SalesRow] = []
    async with _stores(addresses, span) as (client, stores, generation):
        query = SalesQuery(stores, span.first, span.last, cast("tuple[Grouping, ...]", tuple(group_by)), rows_per_page, None, known_at)
        while page := await read_sales(client, query, generation):
            rows += page
            query = replace(query, after=page[-1].key)
    return rows


async def find_changes(addresses: Addresses, span: Span, since: datetime, limit: int) -> list[Change]:
    """Return what has changed the figures since, by store and business date."""
    async with _stores(addresses, span) as (client, stores, generation):
        return await read_changes(client, FactsAsked(stores, span.first, span.last), since, generation, limit=limit)
