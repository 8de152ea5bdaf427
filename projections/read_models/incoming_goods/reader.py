"""What is on its way to a store: purchase orders and transfers line by line, and how much of each SKU is still to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.known_facts import counting_at

_LINES: Final = """
    SELECT to_store_id, kind, reference, sku,
           coalesce(sum(quantity) FILTER (WHERE side = 'promised'), 0) AS promised,
           coalesce(sum(quantity) FILTER (WHERE side = 'came'), 0) AS came,
           greatest(coalesce(sum(quantity) FILTER (WHERE side = 'promised'), 0)
                    - coalesce(sum(quantity) FILTER (WHERE side = 'came'), 0), 0) AS outstanding,
           min(occurred_at) FILTER (WHERE side = 'promised') AS promised_at, max(occurred_at) FILTER (WHERE side = 'came') AS came_at,
           max(supplier_id) FILTER (WHERE side = 'promised') AS supplier_id, max(expected_on) AS expected_on,
           max(currency) FILTER (WHERE side = 'promised') AS currency, max(unit_cost) FILTER (WHERE side = 'promised') AS unit_cost
    FROM read_g{generation}.incoming_goods_lines f
    WHERE {counts} AND to_store_id = ANY (:stores) AND store_id = ANY (:chain)
      AND (CAST(:skus AS text[]) IS NULL OR sku = ANY (CAST(:skus AS text[])))
    GROUP BY to_store_id, kind, reference, sku
"""
_PAGE: Final = """
    SELECT * FROM ({lines}) AS line
    WHERE (to_store_id, kind, reference, sku) > (:store, :kind, :reference, :sku) AND (NOT :only_open OR outstanding > 0)
      AND (CAST(:only_kind AS text) IS NULL OR kind = :only_kind)
    ORDER BY to_store_id, kind, reference, sku LIMIT :limit
"""
_OPEN: Final = """
    SELECT to_store_id, sku, coalesce(sum(outstanding) FILTER (WHERE kind = 'order'), 0),
           coalesce(sum(outstanding) FILTER (WHERE kind = 'transfer'), 0)
    FROM ({lines}) AS line GROUP BY to_store_id, sku
"""


class IncomingCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    kind: str
    reference: str
    sku: str


@dataclass(frozen=True, slots=True)
class IncomingAsked:
    """Stores that receive, and all stores of their chain: what others send does not count. None of kind or SKUs means any.

    `known_at` None means all that is known.
    """

    store_ids: tuple[str, ...]
    chain: tuple[str, ...]
    kind: str | None = None
    skus: Sequence[str] | None = None
    only_open: bool = True
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """One SKU of an order or a transfer, units; more may come than was promised, and then nothing is outstanding."""

    store_id: str
    kind: str
    reference: str
    sku: str
    promised: Decimal
    came: Decimal
    outstanding: Decimal
    promised_at: datetime | None
    came_at: datetime | None
    supplier_id: str | None
    expected_on: date | None
    currency: str | None
    unit_cost: Decimal | None

    @property
    def cursor(self) -> IncomingCursor:
        """Where the next page begins."""
        return IncomingCursor(self.store_id, self.kind, self.reference, self.sku)


class OnTheWay(NamedTuple):
    """Units of a SKU still to come: from suppliers, and from other stores."""

    on_order: Decimal
    in_transit: Decimal

    @classmethod
    def none(cls) -> "OnTheWay":
        """Nothing is to come."""
        return cls(Decimal(0), Decimal(0))


async def read_incoming(
    engine: AsyncEngine, asked: IncomingAsked, cursor: IncomingCursor | None = None, limit: int = 100
) -> list[IncomingRow]:
    """Return a page by store, kind, reference and SKU."""
    place = cursor or IncomingCursor("", "", "", "")
    async with engine.connect() as conn:
        lines, bound = await _lines(conn, asked)
        bound |= {"only_open": asked.only_open, "only_kind": asked.kind, "limit": limit}
        bound |= {"store": place.store_id, "kind": place.kind, "reference": place.reference, "sku": place.sku}
        rows = (await conn.execute(text(_PAGE.format(lines=lines)), bound)).all()
    return [IncomingRow(*row) for row in rows]


async def read_on_the_way(engine: AsyncEngine, asked: IncomingAsked) -> dict[tuple[str, str], OnTheWay]:
    """Return by store and SKU what is still to come; SKUs of which nothing ever was on its way are left out."""
    async with engine.connect() as conn:
        lines, bound = await _lines(conn, asked)
        rows = (await conn.execute(text(_OPEN.format(lines=lines)), bound)).all()
    return {(store_id, sku): OnTheWay(on_order, in_transit) for store_id, sku, on_order, in_transit in rows}


async def _lines(conn: AsyncConnection, asked: IncomingAsked) -> tuple[str, dict[str, Any]]:
    """Return the statement of all lines that count, and what it binds."""
    generation = await serving_generation(conn, "incoming_goods")
    counting = await counting_at(conn, f"read_g{generation}.incoming_goods_events", asked.chain, asked.known_at)
    skus = None if asked.skus is None else list(asked.skus)
    bound = {"stores": list(asked.store_ids), "chain": list(asked.chain), "skus": skus, **counting.bound}
    return _LINES.format(generation=generation, counts=counting.of("f")), bound
