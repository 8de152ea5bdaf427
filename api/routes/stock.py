"""Stock on hand by store and SKU."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.cursors import read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.freshness import freshness_of
from api.openapi import problem_answers
from api.parameters import Code, CursorParameter, StoresParameter
from api.schemas.stock import StockPage, StockRow
from api.tables import CSV_CONTENT, Format, csv_answer, wanted_format
from projections.read_models.stock_on_hand.reader import StockCursor, read_stock

router = APIRouter(prefix="/v1", tags=["stock"])

_COLUMNS = ("store_id", "sku", "on_hand", "counted_quantity", "counted_at")


@router.get(
    "/stock",
    name="read_stock",
    operation_id="read_stock",
    summary="Stock on hand",
    response_model=StockPage,
    responses={200: {"content": CSV_CONTENT}, **problem_answers(400, 401, 403, 406, 422, 503)},
)
async def read_stock_on_hand(
    request: Request,
    resources: ResourcesDep,
    scope: ScopeDep,
    store: StoresParameter = (),
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    cursor: CursorParameter = None,
    answer_format: Annotated[Format | None, Query(alias="format", description="Overrides the Accept header.")] = None,
) -> StockPage | Response:
    """Return what is on hand: the last count and the movements after it; without a count it is no stock level."""
    chosen = wanted_format(request, answer_format)
    stores = scope.store_ids(store)
    after = read_cursor("stock", cursor, 2)
    with resources.queries:
        freshness = await freshness_of(resources, "stock_on_hand")
        found = await read_stock(resources.engine, stores, sku or None, StockCursor(*after) if after else None, limit)
    rows = [StockRow.model_validate(row) for row in found]
    next_cursor = write_cursor("stock", (rows[-1].store_id, rows[-1].sku)) if len(rows) == limit else None
    if chosen == "csv":
        table = [[row.model_dump(mode="json")[name] for name in _COLUMNS] for row in rows]
        return csv_answer(_COLUMNS, table, freshness, next_cursor)
    return StockPage(**freshness, rows=rows, next_cursor=next_cursor)
