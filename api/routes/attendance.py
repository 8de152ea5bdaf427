"""Attendance of a business date."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, KnownAt, StoresParameter
from api.schemas.attendance import AttendanceDay, AttendanceRow
from projections.read_models.attendance_day.known import DaysKnown, read_attendance_known
from projections.read_models.attendance_day.reader import AttendanceCursor, read_attendance

router = APIRouter(prefix="/v1", tags=["attendance"])


@router.get(
    "/attendance/{business_date}",
    name="read_attendance",
    operation_id="read_attendance",
    summary="Attendance of a day",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def read_attendance_day(
    business_date: Annotated[date, Path(ge=EARLIEST, le=LATEST)],
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these employees (repeat the parameter).")] = (),
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    cursor: CursorParameter = None,
) -> AttendanceDay:
    """Return everybody planned or seen on that business date in the stores in scope, by opaque employee ids."""
    stores = scope.store_ids(store)
    after = read_cursor("attendance", cursor, 2)
    with resources.queries:
        over = Over(scope, stores, business_date, business_date, known_at)
        answer = await answer_of(resources, "attendance_day", wait, over)
        place = AttendanceCursor(*after) if after else None
        if known_at is None:
            found = await read_attendance(resources.engine, stores, business_date, employee or None, place, limit)
        else:
            asked = DaysKnown(stores, business_date, business_date, known_at, employee or None)
            found = await read_attendance_known(resources.engine, asked, place, limit)
    rows = [AttendanceRow.model_validate(row) for row in found]
    next_cursor = write_cursor("attendance", tuple(found[-1].cursor)) if len(found) == limit else None
    return AttendanceDay(**answer, business_date=business_date, known_at=known_at, rows=rows, next_cursor=next_cursor)
