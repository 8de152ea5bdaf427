"""Tills: which were heard on which day, what is missing or came twice, and whether their closings agree with their receipts."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.errors import ApiError
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.schemas.tills import (
    OF_THE_CLOSING,
    FigureDifference,
    PeriodCash,
    PeriodFigures,
    ReceiptTwicePage,
    ReceiptTwiceRow,
    TenderTotal,
    TillDayPage,
    TillDayRow,
    TillPeriodPage,
    TillPeriodRow,
)
from projections.read_models.reference_data.calendars import read_calendars
from projections.read_models.stores.reader import till_lists
from projections.read_models.till_days.reader import DaysAsked, TillDayCursor, read_till_days
from projections.read_models.till_periods.cash import CashVerdict
from projections.read_models.till_periods.reader import PeriodCursor, PeriodsAsked, TillPeriod, read_till_periods
from projections.read_models.till_periods.receipts import ReceiptCursor, read_receipts_twice
from projections.read_models.till_periods.verdict import Totals, Verdict

router = APIRouter(prefix="/v1/tills", tags=["tills"])

_TWICE = "receipts twice"


@router.get(
    "/days",
    name="list_till_days",
    operation_id="list_till_days",
    summary="Tills heard, tills silent and numbers missing, day by day",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_till_days(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    cursor: CursorParameter = None,
) -> TillDayPage:
    """Return every day on which a store in scope should have been heard, from its first until the latest of any of them.

    A late event that fills a gap takes it away.
    """
    stores = scope.store_ids(store)
    after = read_cursor("till days", cursor, 2)
    asked = DaysAsked(stores, scope.store_ids(), from_date, until_date, known_at)
    with resources.queries:
        answer = await answer_of(resources, "till_days", wait, Over(scope, stores, from_date, until_date, known_at))
        lists = await till_lists(resources.engine, stores)
        place = TillDayCursor(after[0], _day(after[1])) if after else None
        found = await read_till_days(resources.engine, asked, lists, place, limit, await read_calendars(resources.engine, stores))
    next_cursor = write_cursor("till days", tuple(map(str, found[-1].cursor))) if len(found) == limit else None
    return TillDayPage(**answer, known_at=known_at, rows=[TillDayRow.model_validate(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/periods",
    name="list_till_periods",
    operation_id="list_till_periods",
    summary="Closings of tills against the receipts of their periods",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_till_periods(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    verdict: Annotated[Verdict | None, Query(description="Only these; without it, all.")] = None,
    cash: Annotated[CashVerdict | None, Query(description="Only drawers of this verdict; without it, all.")] = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> TillPeriodPage:
    """Return the periods that began between two business dates: what the till reported, what its events add up to, what differs."""
    stores = scope.store_ids(store)
    listing = f"till periods:{verdict or ''}:{cash or ''}"
    after = read_cursor(listing, cursor, 4)
    with resources.queries:
        answer = await answer_of(resources, "till_periods", wait, Over(scope, stores, from_date, until_date, known_at))
        asked = PeriodsAsked(stores, from_date, until_date, verdict, cash, known_at)
        found = await read_till_periods(resources.engine, asked, _place(after), limit)
    next_cursor = write_cursor(listing, tuple(map(str, found[-1].cursor))) if len(found) == limit else None
    return TillPeriodPage(**answer, known_at=known_at, rows=[_row(period) for period in found], next_cursor=next_cursor)


@router.get(
    "/receipts-twice",
    name="list_receipts_twice",
    operation_id="list_receipts_twice",
    summary="Receipt numbers that count several times under different event ids",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_receipts_twice(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> ReceiptTwicePage:
    """Return what a reinstalled till may have sent again as new: every event counts until a correction says that it did not occur."""
    stores = scope.store_ids(store)
    after = read_cursor(_TWICE, cursor, 5)
    place = ReceiptCursor(after[0], _day(after[1]), *after[2:]) if after else None
    with resources.queries:
        answer = await answer_of(resources, "till_periods", wait, Over(scope, stores, from_date, until_date, known_at))
        found = await read_receipts_twice(resources.engine, stores, from_date, until_date, place, limit, known_at)
    next_cursor = write_cursor(_TWICE, tuple(map(str, found[-1].cursor))) if len(found) == limit else None
    return ReceiptTwicePage(
        **answer, known_at=known_at, rows=[ReceiptTwiceRow.model_validate(row) for row in found], next_cursor=next_cursor
    )


def _row(period: TillPeriod) -> TillPeriodRow:
    report: Any = period.report or {}
    reported = period.reported
    return TillPeriodRow(
        store_id=period.store_id,
        till_id=period.till_id,
        period_id=period.period_id,
        business_date=period.business_date,
        opened_at=period.opened_at,
        closed_at=period.closed_at,
        verdict=period.verdict,
        reported=None if reported is None else _figures(reported),
        counted=_figures(period.counted),
        differences=[FigureDifference.model_validate(row) for row in period.differences],
        receipts_missing=period.receipts_missing,
        cash=PeriodCash.model_validate(period.cash),
        **{name: report.get(name) for name in OF_THE_CLOSING},
    )


def _figures(totals: Totals) -> PeriodFigures:
    tenders = [TenderTotal(kind=kind, count=count, amount=amount) for kind, (count, amount) in sorted(totals.tenders.items())]
    return PeriodFigures(**totals.figures, tenders=tenders)


def _place(after: Key | None) -> PeriodCursor | None:
    return None if after is None else PeriodCursor(after[0], _day(after[1]), after[2], after[3])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
