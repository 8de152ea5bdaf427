"""Who worked when on a business date, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.attendance_day.table import attendance_tables


class AttendanceCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    employee_id: str


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """A person's day in a store. `sessions` and `shifts` are JSON documents with UTC times."""

    store_id: str
    employee_id: str
    business_date: date
    first_in: datetime | None
    last_out: datetime | None
    worked_minutes: int
    late_minutes: int
    early_minutes: int
    flags: list[str]
    sessions: list[dict[str, Any]]
    shifts: list[dict[str, Any]]

    @property
    def cursor(self) -> AttendanceCursor:
        """Where the next page begins."""
        return AttendanceCursor(self.store_id, self.employee_id)


async def read_attendance(
    engine: AsyncEngine,
    store_ids: tuple[str, ...],
    business_date: date,
    employee_ids: Sequence[str] | None = None,
    cursor: AttendanceCursor | None = None,
    limit: int = 100,
) -> list[AttendanceRow]:
    """Return a page of a business date, by store and employee."""
    async with engine.connect() as conn:
        table = attendance_tables(await serving_generation(conn, "attendance_day")).days
        query = select(table).where(table.c.business_date == business_date).order_by(table.c.store_id, table.c.employee_id).limit(limit)
        query = query.where(table.c.store_id.in_(store_ids))
        if employee_ids is not None:
            query = query.where(table.c.employee_id.in_(employee_ids))
        if cursor is not None:
            query = query.where(tuple_(table.c.store_id, table.c.employee_id) > tuple_(*cursor))
        return [AttendanceRow(**row) for row in (await conn.execute(query)).mappings()]
