"""Why stock, goods on their way, attendance, tills or recommendations are no longer what they were."""

from typing import Literal

from fastapi import APIRouter

from api.cursors import date_of, id_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep
from api.fact_pages import DatePageDep
from api.openapi import problem_answers
from api.parameters import Since
from api.schemas.changes import ChangedFactRow, ChangedFacts
from projections.changed_facts import FIRST_PAGE, ChangedCursor
from projections.changes import read_changes

router = APIRouter(prefix="/v1", tags=["histories"])

_Model = Literal["stock_on_hand", "incoming_goods", "attendance_day", "till_periods", "reorder_recommendations"]


@router.get(
    "/changes/{read_model}",
    name="list_changes",
    operation_id="list_changes",
    summary="Facts that changed a read model",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_changes(read_model: _Model, resources: ResourcesDep, page: DatePageDep, since: Since) -> ChangedFacts:
    """Return the facts that count now and did not at `since`, or the other way round.

    What they did to a figure is told by asking its route with `known_at` = `since` and without. Of sales,
    `/v1/kpis/sales/changes` tells it fact by fact. Recommendations have no business date: all of their changes are told.
    """
    listing = f"changes/{read_model}"
    key = read_cursor(listing, page.cursor, 3)
    after = ChangedCursor(key[0], date_of(key[1]), id_of(key[2])) if key else FIRST_PAGE
    asked = page.facts
    with resources.queries:
        answer = await page.answer(resources, read_model)
        found = await read_changes(resources.engine, read_model, asked, since, after, page.limit)
    next_cursor = write_cursor(listing, written(found[-1].cursor)) if len(found) == page.limit else None
    return ChangedFacts(**answer, since=since, rows=[ChangedFactRow.model_validate(row) for row in found], next_cursor=next_cursor)
