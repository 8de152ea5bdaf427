"""Goods on their way to stores: purchase orders and transfers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.openapi import problem_answers
from api.parameters import Code, CursorParameter, KnownAt, StoresParameter
from api.schemas.stock import IncomingPage, IncomingRow
from projections.read_models.incoming_goods.reader import IncomingAsked, IncomingCursor, read_incoming

router = APIRouter(prefix="/v1", tags=["stock"])

PROJECTION = "incoming_goods"


@router.get(
    "/incoming-goods",
    name="list_incoming_goods",
    operation_id="list_incoming_goods",
    summary="Purchase orders and transfers",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_incoming_goods(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    kind: Annotated[Literal["order", "transfer"] | None, Query(description="Only this kind.")] = None,
    status: Annotated[Literal["open", "all"], Query(description="'open': only what is still to come.")] = "open",
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    cursor: CursorParameter = None,
) -> IncomingPage:
    """Return what was ordered, or sent by another store, and how much of it came."""
    after = read_cursor(PROJECTION, cursor, 4)
    asked = IncomingAsked(scope.store_ids(store), scope.chain(), kind, sku or None, status == "open", known_at)
    with resources.queries:
        answer = await answer_of(resources, PROJECTION, wait, Over(scope, asked.store_ids, known_at=known_at))
        found = await read_incoming(resources.engine, asked, IncomingCursor(*after) if after else None, limit)
    next_cursor = write_cursor(PROJECTION, found[-1].cursor) if len(found) == limit else None
    rows = [IncomingRow.model_validate(row) for row in found]
    return IncomingPage(**answer, known_at=known_at, rows=rows, next_cursor=next_cursor)
