"""What the facts of sales say beside the KPIs: changes since a moment, payments by kind, voids and refunds by cashier."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import date_of, id_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep, ScopeDep
from api.errors import ApiError
from api.fact_pages import FactPageDep
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, CursorParameter, FromDate, Since, StoresParameter, UntilDate
from api.resources import Resources
from api.schemas.kpis import Money
from api.schemas.sales_facts import CashierPage, CashierRow, SalesChangeRow, SalesChanges, SalesDifference, TenderPage, TenderRow
from projections.read_models.attendance_day.known import DaysKnown
from projections.read_models.attendance_day.spans import TooManyShifts, read_shift_spans
from projections.read_models.sales_by_hour.changes import FIRST_PAGE, Change, ChangeCursor, read_changes
from projections.read_models.sales_by_hour.reader import SalesQuery, read_sales
from projections.read_models.tenders_by_day.reader import FIRST_PAGE as FIRST_TENDERS
from projections.read_models.tenders_by_day.reader import TenderDay, read_tenders
from projections.read_models.voids_and_refunds.reader import FIRST_PAGE as FIRST_CASHIERS
from projections.read_models.voids_and_refunds.reader import CashierShift, read_cashiers
from projections.sale_facts import FactsAsked
from projections.shift_spans import ShiftSpan

router = APIRouter(prefix="/v1/kpis", tags=["kpis"])

PROJECTION, ATTENDANCE = "sales", "attendance_day"
_CHANGES, _TENDERS, _CASHIERS = "sales changes", "tenders", "cashiers"
_Limit = Annotated[int, Query(ge=1, le=5_000)]


@router.get(
    "/sales/changes",
    name="list_sales_changes",
    operation_id="list_sales_changes",
    summary="Why sales are no longer what they were",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_sales_changes(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    since: Since,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    limit: _Limit = 500,
    cursor: CursorParameter = None,
) -> SalesChanges:
    """Return the facts recorded since that changed sales of these business dates, and what each of them did.

    The changes add up to the difference between `/v1/kpis/sales` now and with `known_at` = `since`.
    """
    stores = scope.store_ids(store)
    key = read_cursor(_CHANGES, cursor, 3)
    after = ChangeCursor(key[0], date_of(key[1]), id_of(key[2])) if key else FIRST_PAGE
    with resources.queries:
        answer = await answer_of(resources, PROJECTION, wait, Over(scope, stores, from_date, until_date))
        client, generation = await resources.clickhouse(), answer["generation"]
        found = await read_changes(client, FactsAsked(stores, from_date, until_date), since, generation, after, limit)
        now = await read_sales(client, SalesQuery(stores, from_date, until_date), generation)
        then = await read_sales(client, SalesQuery(stores, from_date, until_date, known_at=since), generation)
    return SalesChanges(
        **answer,
        since=since,
        from_date=from_date,
        until_date=until_date,
        totals=_differences({row.currency: row.net for row in then}, {row.currency: row.net for row in now}),
        rows=[_change(row) for row in found],
        next_cursor=_next(_CHANGES, found, limit),
    )


@router.get(
    "/tenders",
    name="read_tenders",
    operation_id="read_tenders",
    summary="Payments by kind and business date",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_tenders_by_day(
    resources: ResourcesDep,
    page: FactPageDep,
) -> TenderPage:
    """Return how the receipts that count were paid: cash, card and so on, less what was paid back."""
    asked = page.facts
    key = read_cursor(_TENDERS, page.cursor, 4)
    after = (key[0], date_of(key[1]), key[2], key[3]) if key else FIRST_TENDERS
    with resources.queries:
        answer = await page.answer(resources, PROJECTION)
        found = await read_tenders(await resources.clickhouse(), asked, answer["generation"], after, page.limit)
    return TenderPage(
        **answer, known_at=page.known_at, rows=[_tender(row) for row in found], next_cursor=_next(_TENDERS, found, page.limit)
    )


@router.get(
    "/cashiers",
    name="read_cashiers",
    operation_id="read_cashiers",
    summary="Voids and refunds by cashier and till period or shift",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_voids_and_refunds(
    resources: ResourcesDep,
    page: FactPageDep,
    by: Annotated[Literal["period", "shift"], Query(description="Till periods that receipts name, or published shifts.")] = "period",
) -> CashierPage:
    """Return what each cashier sold, voided and refunded. A rate of few receipts says little: alerts judge it, this only counts.

    A receipt was rung up on a shift of its cashier between its planned start or the press before it, and its end or the press after
    it. By shifts, no more than 20,000 of them are looked at: 422 asks for fewer stores or dates.
    """
    asked, listing = page.facts, f"{_CASHIERS} by {by}"
    key = read_cursor(listing, page.cursor, 5)
    after = (key[0], date_of(key[1]), key[2], key[3], key[4]) if key else FIRST_CASHIERS
    with resources.queries:
        answer = await page.answer(resources, PROJECTION, *([ATTENDANCE] if by == "shift" else []))
        shifts = await _shifts(resources, asked) if by == "shift" else None
        found = await read_cashiers(await resources.clickhouse(), asked, answer["generation"], after, page.limit, shifts)
    rows = [_cashier(row, by) for row in found]
    return CashierPage(**answer, known_at=page.known_at, rows=rows, next_cursor=_next(listing, found, page.limit))


async def _shifts(resources: Resources, asked: FactsAsked) -> list[ShiftSpan]:
    try:
        return await read_shift_spans(resources.engine, DaysKnown(asked.store_ids, asked.date_from, asked.date_until, asked.known_at))
    except TooManyShifts as error:
        raise ApiError("invalid_request", f"{error}: ask for fewer stores or dates") from error


def _differences(then: dict[str, int], now: dict[str, int]) -> list[SalesDifference]:
    return [
        SalesDifference(
            currency=currency,
            net_sales_then=Money.of(then.get(currency, 0), currency),
            net_sales_now=Money.of(now.get(currency, 0), currency),
            net_sales_difference=Money.of(now.get(currency, 0) - then.get(currency, 0), currency),
        )
        for currency in sorted(then.keys() | now.keys())
    ]


def _change(row: Change) -> SalesChangeRow:
    return SalesChangeRow(
        store_id=row.store_id,
        business_date=row.business_date,
        event_id=row.event_id,
        event_type=row.event_type,
        what=row.what,
        caused_by=row.caused_by,
        recorded_at=row.recorded_at,
        corrects_event_id=row.corrects_event_id,
        currency=row.currency,
        gross_sales=Money.of(row.gross, row.currency),
        discounts=Money.of(row.discounts, row.currency),
        returns=Money.of(row.returns, row.currency),
        voids=Money.of(row.voids, row.currency),
        net_sales=Money.of(row.net, row.currency),
        transactions=row.transactions,
    )


def _tender(row: TenderDay) -> TenderRow:
    return TenderRow(
        store_id=row.store_id,
        business_date=row.business_date,
        kind=row.kind,
        currency=row.currency,
        tenders=row.tenders,
        amount=Money.of(row.amount, row.currency),
        received=Money.of(row.received, row.currency),
        paid_back=Money.of(row.paid_back, row.currency),
        tips=Money.of(row.tips, row.currency),
    )


def _cashier(row: CashierShift, by: str) -> CashierRow:
    return CashierRow(
        store_id=row.store_id,
        business_date=row.business_date,
        employee_id=row.employee_id,
        period_id=row.group_id if by == "period" else None,
        shift_id=row.group_id if by == "shift" else None,
        currency=row.currency,
        completed=row.completed,
        gross_sales=Money.of(row.gross, row.currency),
        voided=row.voided,
        voids=Money.of(row.void_amount, row.currency),
        cancelled=row.cancelled,
        cancelled_amount=Money.of(row.cancelled_amount, row.currency),
        refunded=row.refunded,
        refunds=Money.of(row.refund_amount, row.currency),
        void_rate=None if row.void_rate is None else str(row.void_rate),
        refund_rate=None if row.refund_rate is None else str(row.refund_rate),
    )


def _next(listing: str, found: Sequence[Any], limit: int) -> str | None:
    return write_cursor(listing, written(found[-1].cursor)) if len(found) == limit else None
