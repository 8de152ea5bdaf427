"""Why a Postgres read model is no longer what it was, for every model that tells it: by facts, or by revisions."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.changed_facts import EVENTS, FIRST_PAGE, ChangedCursor, ChangedFact, read_changed_facts
from projections.read_models.reorder_recommendations.changes import read_changed_recommendations
from projections.sale_facts import FactsAsked

RECOMMENDATIONS: Final = "reorder_recommendations"
MODELS: Final = (*EVENTS, RECOMMENDATIONS)


async def read_changes(
    engine: AsyncEngine, model: str, asked: FactsAsked, since: datetime, after: ChangedCursor = FIRST_PAGE, limit: int = 100
) -> list[ChangedFact]:
    """Return a page by store, business date and event; KeyError for a model that does not tell it."""
    if model == RECOMMENDATIONS:
        return await read_changed_recommendations(engine, asked.store_ids, since, after, limit)
    return await read_changed_facts(engine, model, asked, since, after, limit)
