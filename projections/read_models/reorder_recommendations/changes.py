"""Why recommendations are no longer what they were: revisions that are the newest now and were not, and those that were and are not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events.registry import REORDER_RECOMMENDED
from projections.changed_facts import FIRST_PAGE, ChangedCursor, ChangedFact
from projections.generations import serving_generation

_NEWEST: Final = """
    SELECT DISTINCT ON (recommendation_id) recommendation_id, store_id, event_id, recorded_at FROM read_g{generation}.reorder_revisions
    WHERE store_id = ANY (:stores) {only} ORDER BY recommendation_id, revision DESC
"""
_CHANGES: Final = f"""
    WITH now AS ({_NEWEST.replace("{only}", "")}), past AS ({_NEWEST.replace("{only}", "AND recorded_at <= :since")})
    SELECT * FROM (
        SELECT store_id, event_id, 'came' AS what, event_id AS caused_by, recorded_at FROM now
        WHERE event_id NOT IN (SELECT event_id FROM past)
        UNION ALL
        SELECT past.store_id, past.event_id, 'superseded', now.event_id, now.recorded_at
        FROM past JOIN now USING (recommendation_id) WHERE past.event_id <> now.event_id
    ) AS changed WHERE (store_id, event_id) > (:after_store, :after_id) ORDER BY store_id, event_id LIMIT :limit
"""  # noqa: S608 - literal texts


async def read_changed_recommendations(
    engine: AsyncEngine, store_ids: Sequence[str], since: datetime, after: ChangedCursor = FIRST_PAGE, limit: int = 100
) -> list[ChangedFact]:
    """Return a page by store and event; recommendations have no business date."""
    bound = {"stores": list(store_ids), "since": since, "after_store": after.store_id, "after_id": after.event_id, "limit": limit}
    async with engine.connect() as conn:
        statement = text(_CHANGES.format(generation=await serving_generation(conn, "reorder_recommendations")))
        rows = (await conn.execute(statement, bound)).all()
    return [
        ChangedFact(row.store_id, None, row.event_id, REORDER_RECOMMENDED, row.what, row.caused_by, row.recorded_at, None) for row in rows
    ]
