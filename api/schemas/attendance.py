"""Attendance of a business date: planned shifts, punches and what follows from them, by opaque employee ids."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Freshness


class AttendanceRow(BaseModel):
    """One person on one day."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    employee_id: str
    business_date: date
    first_in: datetime | None
    last_out: datetime | None
    worked_minutes: int
    late_minutes: int
    early_minutes: int
    flags: list[str] = Field(examples=[["open_session"]])
    sessions: list[dict[str, Any]]
    shifts: list[dict[str, Any]]


class AttendanceDay(Freshness):
    """One page of everybody planned or seen on a business date, by store and employee."""

    business_date: date
    rows: list[AttendanceRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
