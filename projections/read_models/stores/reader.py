"""The settings of stores and SKUs, now or at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, extract, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.business_time import business_date
from infra.clock import utc_now
from projections.generations import serving_generation
from projections.read_models.stores.table import reference_tables


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """One version of a store's settings."""

    store_id: str
    tenant_id: str
    version: int
    effective_from: datetime
    name: str
    timezone: str
    currency: str
    country: str
    cut_off_hour: int
    region: str | None
    opened_on: date | None
    head_count: int | None
    tills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkuSettings:
    """One version of a SKU."""

    sku: str
    tenant_id: str
    version: int
    effective_from: datetime
    name: str
    unit: str
    pack_size: Decimal
    category: str | None
    gtin: str | None


async def count_versions(engine: AsyncEngine) -> int:
    """Return how many versions of stores there are; they are never deleted, so another number is another content."""
    async with engine.connect() as conn:
        table = reference_tables(await serving_generation(conn, "stores")).stores
        return int((await conn.execute(select(func.count()).select_from(table))).scalar_one())


async def store_settings(engine: AsyncEngine) -> dict[str, StoreSettings]:
    """Return the settings in force now; a store whose first version lies ahead has that one."""
    return await store_settings_at(engine, utc_now())


async def store_settings_at(engine: AsyncEngine, at: datetime) -> dict[str, StoreSettings]:
    """Return the settings in force at a moment: the newest version that has begun, or else the first."""
    async with engine.connect() as conn:
        table = reference_tables(await serving_generation(conn, "stores")).stores
        rows = (await conn.execute(_in_force(table, table.c.store_id, at))).mappings()
        found = [{name: value for name, value in row.items() if name != "event_id"} for row in rows]
    return {row["store_id"]: StoreSettings(**{**row, "tills": tuple(row["tills"])}) for row in found}


async def till_lists(engine: AsyncEngine, store_ids: Sequence[str]) -> dict[str, list[tuple[date, tuple[str, ...]]]]:
    """Return for each store the lists of its tills, oldest first, each with the business date from which it holds."""
    async with engine.connect() as conn:
        table = reference_tables(await serving_generation(conn, "stores")).stores
        query = select(table.c.store_id, table.c.effective_from, table.c.timezone, table.c.cut_off_hour, table.c.tills)
        query = query.where(table.c.store_id.in_(store_ids)).order_by(table.c.effective_from, table.c.version, table.c.event_id)
        found: dict[str, list[tuple[date, tuple[str, ...]]]] = {}
        for store_id, since, timezone, cut_off_hour, tills in (await conn.execute(query)).all():
            names = tuple(dict.fromkeys(tills))
            found.setdefault(store_id, []).append((business_date(since, timezone, cut_off_hour), names))
        return found


async def sku_settings(engine: AsyncEngine, tenant_id: str, skus: Sequence[str] | None = None) -> dict[str, SkuSettings]:
    """Return the SKUs of a chain as they are in force now; `skus` None means all."""
    async with engine.connect() as conn:
        table = reference_tables(await serving_generation(conn, "stores")).skus
        wanted = [table.c.tenant_id == tenant_id, *([table.c.sku.in_(skus)] if skus is not None else [])]
        query = _in_force(table, table.c.sku, utc_now(), *wanted)
        rows = (await conn.execute(query)).mappings()
        return {row["sku"]: SkuSettings(**{name: value for name, value in row.items() if name != "event_id"}) for row in rows}


def _in_force(table: Table, key: ColumnElement[str], at: datetime, *only: ColumnElement[bool]) -> Select[tuple[Any, ...]]:
    nearest = func.abs(extract("epoch", table.c.effective_from - at))
    order = ((table.c.effective_from <= at).desc(), nearest, table.c.version.desc(), table.c.event_id)
    ranked = select(table, func.row_number().over(partition_by=key, order_by=order).label("place")).where(*only).subquery()
    return select(*(ranked.c[column.name] for column in table.c)).where(ranked.c.place == 1)
