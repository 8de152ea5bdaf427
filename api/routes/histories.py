"""Facts as they were recorded: the stock ledger, punches, and how alerts came and went; now or as known at a moment."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.cursors import date_of, id_of, number_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep, ScopeDep
from api.freshness import freshness_of
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.schemas.histories import AlertHistoryPage, AlertHistoryRow, LedgerPage, LedgerRow, PunchPage, PunchRow
from api.waiting import MinPositions, WaitMs, await_positions
from projections.fact_reader import FactCursor
from projections.read_models.alert_history.reader import read_history
from projections.read_models.clock_events.reader import read_punches
from projections.read_models.stock_ledger.reader import read_ledger
from projections.sale_facts import FactsAsked

router = APIRouter(prefix="/v1", tags=["histories"])

_LEDGER, _PUNCHES, _ALERTS = "stock_ledger", "clock_events", "alert_history"
"""Names of the read models, and of the lists that cursors belong to."""
_Limit = Annotated[int, Query(ge=1, le=5_000)]
_LedgerKind = Literal["sale", "return", "void", "receipt", "transfer_in", "transfer_out", "waste", "adjustment", "count"]


@router.get(
    "/stock-ledger",
    name="read_stock_ledger",
    operation_id="read_stock_ledger",
    summary="Movements and counts of stock",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_stock_ledger(
    resources: ResourcesDep,
    scope: ScopeDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    kind: Annotated[tuple[_LedgerKind, ...], Query(max_length=9, description="Only these kinds (repeat the parameter).")] = (),
    known_at: KnownAt = None,
    limit: _Limit = 1_000,
    cursor: CursorParameter = None,
    min_position: MinPositions = (),
    wait_ms: WaitMs = 2_000,
) -> LedgerPage:
    """Return every line that moved stock or counted it; lines of corrected events are the right ones."""
    asked = FactsAsked(scope.store_ids(store), from_date, until_date, known_at)
    after = _after(_LEDGER, cursor)
    with resources.queries:
        await await_positions(resources, _LEDGER, min_position, wait_ms)
        freshness = await freshness_of(resources, _LEDGER)
        client, generation = await resources.clickhouse(), freshness["generation"]
        found = await read_ledger(client, asked, sku or None, kind or None, generation, after, limit)
    rows = [LedgerRow.model_validate(row) for row in found]
    return LedgerPage(**freshness, known_at=known_at, rows=rows, next_cursor=_next(_LEDGER, found, limit))


@router.get(
    "/clock-events",
    name="read_clock_events",
    operation_id="read_clock_events",
    summary="Punches",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_clock_events(
    resources: ResourcesDep,
    scope: ScopeDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these people (repeat the parameter).")] = (),
    known_at: KnownAt = None,
    limit: _Limit = 1_000,
    cursor: CursorParameter = None,
    min_position: MinPositions = (),
    wait_ms: WaitMs = 2_000,
) -> PunchPage:
    """Return the punches themselves; what a day of them means is said by `/v1/attendance/{date}`."""
    asked = FactsAsked(scope.store_ids(store), from_date, until_date, known_at)
    after = _after(_PUNCHES, cursor)
    with resources.queries:
        await await_positions(resources, _PUNCHES, min_position, wait_ms)
        freshness = await freshness_of(resources, _PUNCHES)
        found = await read_punches(await resources.clickhouse(), asked, employee or None, freshness["generation"], after, limit)
    rows = [PunchRow.model_validate(row) for row in found]
    return PunchPage(**freshness, known_at=known_at, rows=rows, next_cursor=_next(_PUNCHES, found, limit))


@router.get(
    "/alert-history",
    name="read_alert_history",
    operation_id="read_alert_history",
    summary="Transitions of alerts and answers to them",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_alert_history(
    resources: ResourcesDep,
    scope: ScopeDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    rule: Annotated[tuple[Code, ...], Query(max_length=50, description="Only of these rules (repeat the parameter).")] = (),
    kind: Annotated[tuple[Literal["transition", "answer"], ...], Query(max_length=2, description="Only this kind.")] = (),
    alert: Annotated[tuple[UUID, ...], Query(max_length=500, description="Only of these alerts (repeat the parameter).")] = (),
    known_at: KnownAt = None,
    limit: _Limit = 1_000,
    cursor: CursorParameter = None,
    min_position: MinPositions = (),
    wait_ms: WaitMs = 2_000,
) -> AlertHistoryPage:
    """Return how alerts came and went. Dates of transitions are those of their time in UTC."""
    asked = FactsAsked(scope.store_ids(store), from_date, until_date, known_at)
    after = _after(_ALERTS, cursor)
    with resources.queries:
        await await_positions(resources, _ALERTS, min_position, wait_ms)
        freshness = await freshness_of(resources, _ALERTS)
        client, generation = await resources.clickhouse(), freshness["generation"]
        alerts = tuple(map(str, alert)) or None
        found = await read_history(client, asked, rule or None, kind or None, alerts, generation, after, limit)
    rows = [AlertHistoryRow.model_validate(row) for row in found]
    return AlertHistoryPage(**freshness, known_at=known_at, rows=rows, next_cursor=_next(_ALERTS, found, limit))


def _after(listing: str, cursor: str | None) -> FactCursor | None:
    key = read_cursor(listing, cursor, 4)
    return FactCursor(key[0], date_of(key[1]), id_of(key[2]), number_of(key[3])) if key else None


def _next(listing: str, found: Sequence[Any], limit: int) -> str | None:
    return write_cursor(listing, written(found[-1].cursor)) if len(found) == limit else None
