"""Reference data: every version, or what is in force at a moment."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.cursors import id_of, number_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep, ScopeDep
from api.openapi import problem_answers
from api.parameters import CursorParameter, KnownAt, Moment
from api.schemas.reference_data import ReferencePage, ReferenceVersion
from projections.read_models.reference_data.reader import ReferenceAsked, ReferenceCursor, read_reference_data

router = APIRouter(prefix="/v1", tags=["reference data"])

PROJECTION = "reference_data"
_Kind = Literal["store", "sku", "employee", "supplier", "promotion", "policy"]


@router.get(
    "/reference-data/{kind}",
    name="list_reference_data",
    operation_id="list_reference_data",
    summary="Versions of reference data",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_reference_data(
    kind: _Kind,
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    at: Annotated[Moment | None, Query(description="Only what is in force at this time; without it: every version.")] = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    cursor: CursorParameter = None,
) -> ReferencePage:
    """Return versions of one kind: those of the whole chain, and those of the stores in scope."""
    key = read_cursor(f"reference/{kind}", cursor, 3)
    after = ReferenceCursor(key[0], number_of(key[1]), id_of(key[2])) if key else None
    asked = ReferenceAsked(scope.tenant_id, scope.store_ids(), kind, at, known_at)
    with resources.queries:
        answer = await answer_of(resources, PROJECTION, wait, None)
        found = await read_reference_data(resources.engine, asked, after, limit)
    next_cursor = write_cursor(f"reference/{kind}", written(found[-1].cursor)) if len(found) == limit else None
    rows = [ReferenceVersion.model_validate(row) for row in found]
    return ReferencePage(**answer, known_at=known_at, rows=rows, next_cursor=next_cursor)
