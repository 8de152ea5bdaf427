"""Stock by store and SKU: on hand now or at any moment, what counts found, and the position with what is on its way."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.answers import WaitDep, answer_of, answer_of_all
from api.completeness import Over
from api.cursors import Key, id_of, moment_of, number_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep, ScopeDep
from api.freshness import freshness_of
from api.openapi import problem_answers
from api.parameters import Code, CursorParameter, KnownAt, Moment, StoresParameter
from api.resources import Resources
from api.schemas.stock import CountPage, CountRow, PositionPage, PositionRow, StockPage, StockRow
from api.tables import CSV_CONTENT, Format, csv_answer, wanted_format
from projections.read_models.incoming_goods.reader import IncomingAsked, OnTheWay, read_on_the_way
from projections.read_models.stock_on_hand.moments import CountCursor, CountsAsked, MomentAsked, read_counts, read_stock_at
from projections.read_models.stock_on_hand.reader import StockCursor, read_stock
from projections.read_models.stock_on_hand.reader import StockRow as OnHand

router = APIRouter(prefix="/v1", tags=["stock"])

_Skus = Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")]
_Limit = Annotated[int, Query(ge=1, le=5_000)]
_BEGINNING, _END = datetime(1971, 1, 1, tzinfo=UTC), datetime(2148, 12, 31, tzinfo=UTC)
_COLUMNS = ("store_id", "sku", "on_hand", "counted_quantity", "counted_at")


@router.get(
    "/stock",
    name="read_stock",
    operation_id="read_stock",
    summary="Stock on hand",
    response_model=StockPage,
    responses={200: {"content": CSV_CONTENT}, **problem_answers(400, 401, 403, 406, 409, 422, 503)},
)
async def read_stock_on_hand(
    request: Request,
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    sku: _Skus = (),
    at: Annotated[Moment | None, Query(description="As it was at this time, by all that is known now; without it: now.")] = None,
    known_at: KnownAt = None,
    limit: _Limit = 500,
    cursor: CursorParameter = None,
    answer_format: Annotated[Format | None, Query(alias="format", description="Overrides the Accept header.")] = None,
) -> StockPage | Response:
    """Return what is on hand: the last count and the movements after it; without a count it is no stock level."""
    chosen = wanted_format(request, answer_format)
    stores = scope.store_ids(store)
    after = read_cursor("stock", cursor, 2)
    with resources.queries:
        answer = await answer_of(resources, "stock_on_hand", wait, Over(scope, stores, known_at=known_at))
        found = await _on_hand(resources, MomentAsked(stores, at or _END, sku or None, known_at), after, limit)
    rows = [StockRow.model_validate(row) for row in found]
    next_cursor = write_cursor("stock", (rows[-1].store_id, rows[-1].sku)) if len(rows) == limit else None
    if chosen == "csv":
        table = [[row.model_dump(mode="json")[name] for name in _COLUMNS] for row in rows]
        return csv_answer(_COLUMNS, table, answer, next_cursor)
    return StockPage(**answer, known_at=known_at, rows=rows, next_cursor=next_cursor)


@router.get(
    "/stock-counts",
    name="list_stock_counts",
    operation_id="list_stock_counts",
    summary="What counts found against the book",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_stock_counts(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    sku: _Skus = (),
    since: Annotated[Moment, Query(description="Counted at this time or later.")] = _BEGINNING,
    until: Annotated[Moment, Query(description="Counted before this time.")] = _END,
    known_at: KnownAt = None,
    limit: _Limit = 500,
    cursor: CursorParameter = None,
) -> CountPage:
    """Return counted lines with what the book said then. A late sale from before a count moves the book of that count."""
    key = read_cursor("counts", cursor, 5)
    after = CountCursor(key[0], key[1], moment_of(key[2]), id_of(key[3]), number_of(key[4])) if key else None
    asked = CountsAsked(scope.store_ids(store), since, until, sku or None, known_at)
    with resources.queries:
        answer = await answer_of(resources, "stock_on_hand", wait, Over(scope, asked.store_ids, known_at=known_at))
        found = await read_counts(resources.engine, asked, after, limit)
    next_cursor = write_cursor("counts", written(found[-1].cursor)) if len(found) == limit else None
    return CountPage(**answer, known_at=known_at, rows=[CountRow.model_validate(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/stock-positions",
    name="list_stock_positions",
    operation_id="list_stock_positions",
    summary="Stock and what is on its way",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_stock_positions(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    sku: _Skus = (),
    known_at: KnownAt = None,
    limit: _Limit = 500,
    cursor: CursorParameter = None,
) -> PositionPage:
    """Return position = on hand + on order + in transit, of the SKUs that were ever counted or moved in a store."""
    after = read_cursor("positions", cursor, 2)
    stores = scope.store_ids(store)
    with resources.queries:
        over = Over(scope, stores, known_at=known_at)
        answer = await answer_of_all(resources, ("stock_on_hand", "incoming_goods"), wait, over)
        incoming = await freshness_of(resources, "incoming_goods")
        found = await _on_hand(resources, MomentAsked(stores, _END, sku or None, known_at), after, limit)
        skus = sorted({row.sku for row in found})
        coming = await read_on_the_way(resources.engine, IncomingAsked(stores, scope.chain(), skus=skus, known_at=known_at))
    next_cursor = write_cursor("positions", found[-1].cursor) if len(found) == limit else None
    rows = [_position(row, coming.get((row.store_id, row.sku), OnTheWay.none())) for row in found]
    return PositionPage(**answer, known_at=known_at, incoming_as_of=incoming["as_of"], rows=rows, next_cursor=next_cursor)


async def _on_hand(resources: Resources, asked: MomentAsked, after: Key | None, limit: int) -> list[OnHand]:
    """Return a page of stock: of now from what is kept, else worked out."""
    place = StockCursor(*after) if after else None
    if asked.at == _END and asked.known_at is None:
        return await read_stock(resources.engine, asked.store_ids, asked.skus, place, limit)
    return await read_stock_at(resources.engine, asked, place, limit)


def _position(stock: OnHand, coming: OnTheWay) -> PositionRow:
    return PositionRow(
        store_id=stock.store_id,
        sku=stock.sku,
        on_hand=stock.on_hand,
        on_order=coming.on_order,
        in_transit=coming.in_transit,
        position=stock.on_hand + coming.on_order + coming.in_transit,
        counted_at=stock.counted_at,
    )
