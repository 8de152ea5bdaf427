"""Reorder recommendations as they now are, or were known."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.errors import ApiError
from api.openapi import problem_answers
from api.parameters import Code, CursorParameter, KnownAt, StoresParameter
from api.schemas.reorder_recommendations import Recommendation, RecommendationPage
from projections.read_models.reorder_recommendations.reader import RecommendationCursor, read_recommendations

router = APIRouter(prefix="/v1", tags=["reorder recommendations"])


@router.get(
    "/reorder-recommendations",
    name="list_reorder_recommendations",
    operation_id="list_reorder_recommendations",
    summary="Reorder recommendations",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_reorder_recommendations(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    status: Annotated[Literal["open", "closed"] | None, Query(description="Only these; without it, both.")] = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> RecommendationPage:
    """Return the newest revision for each store and SKU in scope; with `known_at`, the newest of those recorded by then."""
    stores = scope.store_ids(store)
    after = read_cursor("recommendations", cursor, 3)
    with resources.queries:
        answer = await answer_of(resources, "reorder_recommendations", wait, Over(scope, stores, known_at=known_at))
        statuses = (status,) if status else None
        found = await read_recommendations(resources.engine, stores, statuses, sku or None, _place(after), limit, known_at)
    next_cursor = write_cursor("recommendations", tuple(map(str, found[-1].cursor))) if len(found) == limit else None
    rows = [Recommendation.model_validate(row) for row in found]
    return RecommendationPage(**answer, known_at=known_at, rows=rows, next_cursor=next_cursor)


def _place(after: Key | None) -> RecommendationCursor | None:
    if after is None:
        return None
    try:
        return RecommendationCursor(after[0], after[1], UUID(after[2]))
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
