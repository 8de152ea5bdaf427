"""What should be reordered, how much, and why: now, or as it was known at a moment of the broker's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import FromClause, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.reorder_recommendations.table import ReorderTables, reorder_tables


class RecommendationCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    sku: str
    recommendation_id: UUID


@dataclass(frozen=True, slots=True)
class RecommendationRow:
    """A recommendation at its highest revision; quantities in units."""

    recommendation_id: UUID
    revision: int
    store_id: str
    event_id: UUID
    sku: str
    status: str
    position: Decimal
    reorder_point: Decimal
    order_quantity: Decimal
    rule_version: int
    policy_version: int
    evidence: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime

    @property
    def cursor(self) -> RecommendationCursor:
        """Where the next page begins."""
        return RecommendationCursor(self.store_id, self.sku, self.recommendation_id)


async def read_recommendations(
    engine: AsyncEngine,
    store_ids: tuple[str, ...],
    statuses: Sequence[str] | None = ("open",),
    skus: Sequence[str] | None = None,
    cursor: RecommendationCursor | None = None,
    limit: int = 100,
    known_at: datetime | None = None,
) -> list[RecommendationRow]:
    """Return a page by store and SKU; None means every status or SKU, and all that is known."""
    async with engine.connect() as conn:
        tables = reorder_tables(await serving_generation(conn, "reorder_recommendations"))
        table = tables.recommendations if known_at is None else _then(tables, store_ids, known_at)
        key = (table.c.store_id, table.c.sku, table.c.recommendation_id)
        query = select(table).order_by(*key).limit(limit)
        for column, wanted in ((table.c.store_id, store_ids), (table.c.status, statuses), (table.c.sku, skus)):
            if wanted is not None:
                query = query.where(column.in_(wanted))
        if cursor is not None:
            query = query.where(tuple_(*key) > tuple_(*cursor))
        return [RecommendationRow(**row) for row in (await conn.execute(query)).mappings()]


def _then(tables: ReorderTables, store_ids: Sequence[str], known_at: datetime) -> FromClause:
    """Return the highest of the revisions that were recorded by then, of each recommendation."""
    table = tables.revisions
    known = select(table).where(table.c.store_id.in_(store_ids), table.c.recorded_at <= known_at)
    newest = known.ext(distinct_on(table.c.recommendation_id)).order_by(table.c.recommendation_id, table.c.revision.desc())
    return newest.subquery()
