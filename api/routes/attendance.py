"""Attendance of a business date."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.cursors import read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.freshness import freshness_of
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, StoresParameter
from api.schemas.attendance import AttendanceDay, AttendanceRow
from api.waiting import MinPositions, WaitMs, await_positions
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
    store: StoresParameter = (),
    employee: Annotated[tuple[Code, ...], Query(max_length=500, description="Only these employees (repeat the parameter).")] = (),
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    cursor: CursorParameter = None,
    min_position: MinPositions = (),
    wait_ms: WaitMs = 2_000,
) -> AttendanceDay:
    """Return everybody planned or seen on that business date in the stores in scope, by opaque employee ids."""
    stores = scope.store_ids(store)
    after = read_cursor("attendance", cursor, 2)
    with resources.queries:
        await await_positions(resources, "attendance_day", min_position, wait_ms)
        freshness = await freshness_of(resources, "attendance_day")
        place = AttendanceCursor(*after) if after else None
        found = await read_attendance(resources.engine, stores, business_date, employee or None, place, limit)
    rows = [AttendanceRow.model_validate(row) for row in found]
    next_cursor = write_cursor("attendance", tuple(found[-1].cursor)) if len(found) == limit else None
    return AttendanceDay(**freshness, business_date=business_date, rows=rows, next_cursor=next_cursor)
