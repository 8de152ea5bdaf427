"""Facts as they were recorded: lines of receipts, the stock ledger, punches, and how alerts came and went; now or as known at a moment."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.cursors import date_of, id_of, number_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep
from api.fact_pages import FactPageDep
from api.openapi import problem_answers
from api.parameters import Code
from api.schemas.histories import AlertHistoryPage, AlertHistoryRow, LedgerPage, LedgerRow, PunchPage, PunchRow
from api.schemas.sales_facts import SaleLinePage, SaleLineRow
from projections.fact_reader import FactCursor
from projections.read_models.alert_history.reader import read_history
from projections.read_models.clock_events.reader import read_punches
from projections.read_models.sales_lines.reader import FIRST_PAGE as FIRST_LINES
from projections.read_models.sales_lines.reader import LineCursor, read_lines
from projections.read_models.stock_ledger.reader import read_ledger

router = APIRouter(prefix="/v1", tags=["histories"])

_LEDGER, _PUNCHES, _ALERTS = "stock_ledger", "clock_events", "alert_history"
"""Names of the read models, and of the lists that cursors belong to."""
_SALES, _LINES = "sales", "sales lines"
_LedgerKind = Literal["sale", "return", "void", "receipt", "transfer_in", "transfer_out", "waste", "adjustment", "count"]


@router.get(
    "/sales-lines",
    name="read_sales_lines",
    operation_id="read_sales_lines",
    summary="Lines of receipts",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_sales_lines(
    resources: ResourcesDep,
    page: FactPageDep,
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    till: Annotated[tuple[Code, ...], Query(max_length=500, description="Only of these tills (repeat the parameter).")] = (),
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only of these cashiers (repeat the parameter).")] = (),
    receipt: Annotated[tuple[Code, ...], Query(max_length=500, description="Only of these receipts (repeat the parameter).")] = (),
) -> SaleLinePage:
    """Return the lines of sales, returns and voids; those of corrected receipts are the right ones."""
    asked = page.facts
    key = read_cursor(_LINES, page.cursor, 4)
    after = LineCursor(key[0], date_of(key[1]), id_of(key[2]), number_of(key[3])) if key else FIRST_LINES
    wanted = {"sku": sku, "till_id": till, "employee_id": employee, "receipt_id": receipt}
    only = {name: values for name, values in wanted.items() if values}
    with resources.queries:
        answer = await page.answer(resources, _SALES)
        found = await read_lines(await resources.clickhouse(), asked, only, answer["generation"], after, page.limit)
    rows = [SaleLineRow.model_validate(row) for row in found]
    return SaleLinePage(**answer, known_at=page.known_at, rows=rows, next_cursor=_next(_LINES, found, page.limit))


@router.get(
    "/stock-ledger",
    name="read_stock_ledger",
    operation_id="read_stock_ledger",
    summary="Movements and counts of stock",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_stock_ledger(
    resources: ResourcesDep,
    page: FactPageDep,
    sku: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these SKUs (repeat the parameter).")] = (),
    kind: Annotated[tuple[_LedgerKind, ...], Query(max_length=9, description="Only these kinds (repeat the parameter).")] = (),
) -> LedgerPage:
    """Return every line that moved stock or counted it; lines of corrected events are the right ones."""
    asked = page.facts
    after = _after(_LEDGER, page.cursor)
    with resources.queries:
        answer = await page.answer(resources, _LEDGER)
        client, generation = await resources.clickhouse(), answer["generation"]
        found = await read_ledger(client, asked, sku or None, kind or None, generation, after, page.limit)
    rows = [LedgerRow.model_validate(row) for row in found]
    return LedgerPage(**answer, known_at=page.known_at, rows=rows, next_cursor=_next(_LEDGER, found, page.limit))


@router.get(
    "/clock-events",
    name="read_clock_events",
    operation_id="read_clock_events",
    summary="Punches",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_clock_events(
    resources: ResourcesDep,
    page: FactPageDep,
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these people (repeat the parameter).")] = (),
) -> PunchPage:
    """Return the punches themselves; what a day of them means is said by `/v1/attendance/{date}`."""
    asked = page.facts
    after = _after(_PUNCHES, page.cursor)
    with resources.queries:
        answer = await page.answer(resources, _PUNCHES)
        found = await read_punches(await resources.clickhouse(), asked, employee or None, answer["generation"], after, page.limit)
    rows = [PunchRow.model_validate(row) for row in found]
    return PunchPage(**answer, known_at=page.known_at, rows=rows, next_cursor=_next(_PUNCHES, found, page.limit))


@router.get(
    "/alert-history",
    name="read_alert_history",
    operation_id="read_alert_history",
    summary="Transitions of alerts and answers to them",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_alert_history(
    resources: ResourcesDep,
    page: FactPageDep,
    rule: Annotated[tuple[Code, ...], Query(max_length=50, description="Only of these rules (repeat the parameter).")] = (),
    kind: Annotated[tuple[Literal["transition", "answer"], ...], Query(max_length=2, description="Only this kind.")] = (),
    alert: Annotated[tuple[UUID, ...], Query(max_length=500, description="Only of these alerts (repeat the parameter).")] = (),
) -> AlertHistoryPage:
    """Return how alerts came and went. A transition whose rule names no business date has that of its time in UTC."""
    asked = page.facts
    after = _after(_ALERTS, page.cursor)
    with resources.queries:
        answer = await page.answer(resources, _ALERTS)
        client, generation = await resources.clickhouse(), answer["generation"]
        alerts = tuple(map(str, alert)) or None
        found = await read_history(client, asked, rule or None, kind or None, alerts, generation, after, page.limit)
    rows = [AlertHistoryRow.model_validate(row) for row in found]
    return AlertHistoryPage(**answer, known_at=page.known_at, rows=rows, next_cursor=_next(_ALERTS, found, page.limit))


def _after(listing: str, cursor: str | None) -> FactCursor | None:
    key = read_cursor(listing, cursor, 4)
    return FactCursor(key[0], date_of(key[1]), id_of(key[2]), number_of(key[3])) if key else None


def _next(listing: str, found: Sequence[Any], limit: int) -> str | None:
    return write_cursor(listing, written(found[-1].cursor)) if len(found) == limit else None
