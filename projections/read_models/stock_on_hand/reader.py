"""What is on hand, in which store, and since which count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.stock_on_hand.table import stock_tables


class StockCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    sku: str


@dataclass(frozen=True, slots=True)
class StockRow:
    """Stock of one SKU in one store, in units. Without a count, `on_hand` is only what was seen to move."""

    store_id: str
    sku: str
    on_hand: Decimal
    counted_quantity: Decimal | None
    counted_at: datetime | None
    moved_since_count: Decimal
    last_movement_at: datetime | None

    @property
    def is_counted(self) -> bool:
        """Tell whether the quantity rests on a count."""
        return self.counted_at is not None

    @property
    def cursor(self) -> StockCursor:
        """Where the next page begins."""
        return StockCursor(self.store_id, self.sku)


async def read_stock(
    engine: AsyncEngine,
    store_ids: tuple[str, ...],
    skus: Sequence[str] | None = None,
    cursor: StockCursor | None = None,
    limit: int = 100,
) -> list[StockRow]:
    """Return a page of stock, by store and SKU; `skus` None means every SKU."""
    async with engine.connect() as conn:
        table = stock_tables(await serving_generation(conn, "stock_on_hand")).on_hand
        query = select(table).order_by(table.c.store_id, table.c.sku).limit(limit)
        query = query.where(table.c.store_id.in_(store_ids))
        if skus is not None:
            query = query.where(table.c.sku.in_(skus))
        if cursor is not None:
            query = query.where(tuple_(table.c.store_id, table.c.sku) > tuple_(*cursor))
        return [StockRow(**row) for row in (await conn.execute(query)).mappings()]
