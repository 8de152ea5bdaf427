"""Keep the facts of stock, and the totals of every store and SKU that a batch touched.

New movements alone are added to the total; where a count or a correction is concerned, the total is folded again from
all rows of that store and SKU. Both give the same total, since a movement is added once, when its row is new.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.facts import FactKey
from projections.read_models.stock_on_hand.mapping import CountRow, MovementRow, StockFact, stock_fact
from projections.read_models.stock_on_hand.table import FACTS
from projections.sinks.fresh_facts import insert_fresh
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables, judge_corrections
from projections.sinks.postgres_rows import as_json, insert_new, query

_RECOMPUTE: Final = """
    WITH touched AS MATERIALIZED (
        SELECT store_id, sku FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS given (store_id, sku)
    ), last_count AS (
        SELECT DISTINCT ON (c.store_id, c.sku) c.store_id, c.sku, c.quantity, c.counted_at
        FROM stock_counts c JOIN touched USING (store_id, sku) WHERE c.counts
        ORDER BY c.store_id, c.sku, c.counted_at DESC, c.position DESC, c.line DESC
    ), moved AS (
        SELECT m.store_id, m.sku, max(m.occurred_at) AS last_movement_at,
               coalesce(sum(m.quantity) FILTER (WHERE l.counted_at IS NULL OR m.occurred_at > l.counted_at), 0) AS quantity
        FROM stock_movements m JOIN touched USING (store_id, sku) LEFT JOIN last_count l USING (store_id, sku)
        WHERE m.counts GROUP BY m.store_id, m.sku
    )
    INSERT INTO stock_on_hand (store_id, sku, on_hand, counted_quantity, counted_at, moved_since_count, last_movement_at)
    SELECT t.store_id, t.sku, coalesce(l.quantity, 0) + coalesce(m.quantity, 0), l.quantity, l.counted_at,
           coalesce(m.quantity, 0), m.last_movement_at
    FROM touched t LEFT JOIN last_count l USING (store_id, sku) LEFT JOIN moved m USING (store_id, sku)
    ON CONFLICT (store_id, sku) DO UPDATE SET
        on_hand = excluded.on_hand, counted_quantity = excluded.counted_quantity, counted_at = excluded.counted_at,
        moved_since_count = excluded.moved_since_count, last_movement_at = excluded.last_movement_at
"""

_COUNTED: Final = """
    SELECT store_id, sku, counted_at FROM stock_on_hand
    WHERE counted_at IS NOT NULL
      AND (store_id, sku) IN (SELECT * FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS given)
"""
_ADD: Final = """
    INSERT INTO stock_on_hand AS known (store_id, sku, on_hand, moved_since_count, last_movement_at)
    SELECT store_id, sku, moved::numeric, moved::numeric, latest::timestamptz
    FROM ROWS FROM (
        json_array_elements_text(%s), json_array_elements_text(%s), json_array_elements_text(%s), json_array_elements_text(%s)
    ) AS given (store_id, sku, moved, latest)
    ON CONFLICT (store_id, sku) DO UPDATE SET
        on_hand = known.on_hand + excluded.on_hand, moved_since_count = known.moved_since_count + excluded.moved_since_count,
        last_movement_at = greatest(known.last_movement_at, excluded.last_movement_at)
"""

Shelf = tuple[str, str]
"""Store and SKU."""


class StockOnHand:
    """The read model `stock_on_hand`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        fact = stock_fact(record)
        return None if fact is None else Mapped(record, fact, fact.event.key)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert the facts that are new and recompute what they touch."""
        fresh, repeats = await insert_fresh(conn, FACTS, mapped)
        if fresh:
            await self._fold(conn, fresh)
        return Written(repeats)

    @staticmethod
    async def _fold(conn: AsyncConnection, fresh: Sequence[StockFact]) -> None:
        movements = [row for fact in fresh for row in fact.movements]
        counts = [row for fact in fresh for row in fact.counts]
        await insert_new(conn, "stock_movements", MovementRow._fields, movements)
        await insert_new(conn, "stock_counts", CountRow._fields, counts)
        judged = await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])
        unclear = {(row.store_id, row.sku) for row in counts} | await _skus_of(conn, judged)
        await _add(conn, [row for row in movements if (row.store_id, row.sku) not in unclear])
        if unclear:
            await query(conn, _RECOMPUTE, as_json(*_columns(sorted(unclear))))


def _columns(shelves: Sequence[Shelf]) -> tuple[list[str], list[str]]:
    return [store_id for store_id, _ in shelves], [sku for _, sku in shelves]


async def _add(conn: AsyncConnection, movements: Sequence[MovementRow]) -> None:
    """Add movements that are new to their totals; one from before the last count changes nothing but the time of the latest."""
    moved: dict[Shelf, Decimal] = dict.fromkeys(((row.store_id, row.sku) for row in movements), Decimal(0))
    if not moved:
        return
    ordered = sorted(moved)
    shelves = _columns(ordered)
    counted = {(store_id, sku): at for store_id, sku, at in await query(conn, _COUNTED, as_json(*shelves))}
    latest: dict[Shelf, datetime] = {}
    for row in movements:
        shelf = (row.store_id, row.sku)
        latest[shelf] = max(row.occurred_at, latest.get(shelf, row.occurred_at))
        if shelf not in counted or row.occurred_at > counted[shelf]:
            moved[shelf] += row.quantity
    await query(conn, _ADD, as_json(*shelves, [moved[shelf] for shelf in ordered], [latest[shelf] for shelf in ordered]))


async def _skus_of(conn: AsyncConnection, events: Sequence[FactKey]) -> set[Shelf]:
    if not events:
        return set()
    keys = [[key.store_id for key in events], [key.event_id for key in events]]
    rows = await query(
        conn,
        "SELECT DISTINCT store_id, sku FROM (SELECT store_id, event_id, sku FROM stock_movements "
        "UNION ALL SELECT store_id, event_id, sku FROM stock_counts) AS line "
        "WHERE (store_id, event_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",
        keys,
    )
    return {(store_id, sku) for store_id, sku in rows}
