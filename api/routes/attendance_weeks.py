"""Attendance week by week."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import date_of, read_cursor, write_cursor, written
from api.dependencies import ResourcesDep, ScopeDep
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.schemas.attendance import AttendanceWeek, AttendanceWeeks
from projections.read_models.attendance_day.weeks import WeekCursor, WeeksAsked, read_weeks

router = APIRouter(prefix="/v1", tags=["attendance"])


@router.get(
    "/attendance-weeks",
    name="read_attendance_weeks",
    operation_id="read_attendance_weeks",
    summary="Attendance by week",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_attendance_weeks(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    store: StoresParameter = (),
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these employees (repeat the parameter).")] = (),
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    cursor: CursorParameter = None,
) -> AttendanceWeeks:
    """Return the whole weeks, Monday to Sunday, that the two dates lie in and those between, per person and store."""
    key = read_cursor("attendance weeks", cursor, 3)
    after = WeekCursor(key[0], key[1], date_of(key[2])) if key else None
    asked = WeeksAsked(scope.store_ids(store), from_date, until_date, employee or None, known_at)
    with resources.queries:
        first, last = asked.span
        answer = await answer_of(resources, "attendance_day", wait, Over(scope, asked.store_ids, first, last, known_at))
        found = await read_weeks(resources.engine, asked, after, limit)
    next_cursor = write_cursor("attendance weeks", written(found[-1].cursor)) if len(found) == limit else None
    return AttendanceWeeks(**answer, known_at=known_at, rows=[AttendanceWeek.model_validate(row) for row in found], next_cursor=next_cursor)
