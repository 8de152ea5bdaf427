"""Stock at any moment, and what each count found against the book: worked out from the rows, so late facts are in it at once.

Both may be asked as known at a time of the broker: then only facts, and corrections, that were recorded by then are seen.

A sale that comes late and is dated before a count does not move stock after it; it moves what the book said when it was counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.known_facts import counting_at
from projections.read_models.stock_on_hand.reader import StockCursor, StockRow

_SHELVES: Final = """
    SELECT store_id, sku FROM read_g{generation}.stock_on_hand
    WHERE store_id = ANY (:stores) AND (CAST(:skus AS text[]) IS NULL OR sku = ANY (CAST(:skus AS text[])))
      AND (store_id, sku) > (:after_store, :after_sku) ORDER BY store_id, sku LIMIT :limit
"""
_AT: Final = f"""
    SELECT s.store_id, s.sku, coalesce(c.quantity, 0) + m.moved, c.quantity, c.counted_at, m.moved, m.latest
    FROM ({_SHELVES}) s LEFT JOIN LATERAL (
        SELECT quantity, counted_at FROM read_g{{generation}}.stock_counts f
        WHERE store_id = s.store_id AND sku = s.sku AND {{counts}} AND counted_at <= :at
        ORDER BY counted_at DESC, position DESC, line DESC LIMIT 1
    ) c ON true CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity) FILTER (WHERE c.counted_at IS NULL OR occurred_at > c.counted_at), 0) AS moved,
               max(occurred_at) AS latest
        FROM read_g{{generation}}.stock_movements f
        WHERE store_id = s.store_id AND sku = s.sku AND {{counts}} AND occurred_at <= :at
    ) m ORDER BY s.store_id, s.sku
"""  # noqa: S608 - literal texts
_COUNTS: Final = """
    SELECT c.store_id, c.sku, c.counted_at, c.event_id, c.line, c.quantity,
           CASE WHEN b.counted_at IS NULL THEN NULL ELSE b.quantity + m.moved END AS book, b.counted_at AS before_at
    FROM (
        SELECT * FROM read_g{generation}.stock_counts f
        WHERE {counts} AND store_id = ANY (:stores) AND (CAST(:skus AS text[]) IS NULL OR sku = ANY (CAST(:skus AS text[])))
          AND counted_at >= :since AND counted_at < :until
          AND (store_id, sku, counted_at, event_id, line) > (:after_store, :after_sku, :after_at, :after_event, :after_line)
        ORDER BY store_id, sku, counted_at, event_id, line LIMIT :limit
    ) c LEFT JOIN LATERAL (
        SELECT quantity, counted_at FROM read_g{generation}.stock_counts f
        WHERE store_id = c.store_id AND sku = c.sku AND {counts} AND counted_at < c.counted_at
        ORDER BY counted_at DESC, position DESC, line DESC LIMIT 1
    ) b ON true CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS moved FROM read_g{generation}.stock_movements f
        WHERE store_id = c.store_id AND sku = c.sku AND {counts} AND occurred_at > b.counted_at AND occurred_at <= c.counted_at
    ) m ORDER BY c.store_id, c.sku, c.counted_at, c.event_id, c.line
"""


class CountCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    sku: str
    counted_at: datetime
    event_id: UUID
    line: int


@dataclass(frozen=True, slots=True)
class CountRow:
    """What a count found and what the book said then, units; `book` is None for the first count, before which nothing is known."""

    store_id: str
    sku: str
    counted_at: datetime
    event_id: UUID
    line: int
    counted: Decimal
    book: Decimal | None
    counted_before_at: datetime | None

    @property
    def variance(self) -> Decimal | None:
        """Counted − book: negative where goods are missing."""
        return None if self.book is None else self.counted - self.book

    @property
    def cursor(self) -> CountCursor:
        """Where the next page begins."""
        return CountCursor(self.store_id, self.sku, self.counted_at, self.event_id, self.line)


@dataclass(frozen=True, slots=True)
class CountsAsked:
    """Stores, SKUs (None for any), and a span of time, `until` not in it; `known_at` None means all that is known."""

    store_ids: tuple[str, ...]
    since: datetime
    until: datetime
    skus: Sequence[str] | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MomentAsked:
    """Stores, SKUs (None for any) and a moment; `known_at` None means all that is known now of the moment."""

    store_ids: tuple[str, ...]
    at: datetime
    skus: Sequence[str] | None = None
    known_at: datetime | None = None


async def read_stock_at(engine: AsyncEngine, asked: MomentAsked, cursor: StockCursor | None = None, limit: int = 100) -> list[StockRow]:
    """Return a page of stock as it was at a moment, by store and SKU; a SKU of which nothing was known then has 0 on hand."""
    place = cursor or StockCursor("", "")
    async with engine.connect() as conn:
        statement, bound = await _as_known(conn, _AT, asked.store_ids, asked.known_at)
        bound |= {"skus": None if asked.skus is None else list(asked.skus), "at": asked.at, "limit": limit}
        rows = (await conn.execute(statement, bound | {"after_store": place.store_id, "after_sku": place.sku})).all()
    return [StockRow(*row) for row in rows]


async def read_counts(engine: AsyncEngine, asked: CountsAsked, cursor: CountCursor | None = None, limit: int = 100) -> list[CountRow]:
    """Return a page of counted lines by store, SKU and time, each with the book of its moment."""
    place = cursor or CountCursor("", "", asked.since, UUID(int=0), 0)
    async with engine.connect() as conn:
        statement, bound = await _as_known(conn, _COUNTS, asked.store_ids, asked.known_at)
        bound |= {"skus": None if asked.skus is None else list(asked.skus), "limit": limit}
        bound |= {"since": asked.since, "until": asked.until, "after_store": place.store_id, "after_sku": place.sku}
        bound |= {"after_at": place.counted_at, "after_event": place.event_id, "after_line": place.line}
        return [CountRow(*row) for row in (await conn.execute(statement, bound)).all()]


async def _as_known(
    conn: AsyncConnection, statement: str, store_ids: Sequence[str], known_at: datetime | None
) -> tuple[TextClause, dict[str, Any]]:
    """Make a statement count what counts now, or what counted by the facts and corrections recorded until then."""
    generation = await serving_generation(conn, "stock_on_hand")
    counting = await counting_at(conn, f"read_g{generation}.stock_on_hand_events", store_ids, known_at)
    return text(statement.format(generation=generation, counts=counting.of("f"))), {"stores": list(store_ids), **counting.bound}
