"""Attendance of a business date: planned shifts, punches and what follows from them, by opaque employee ids."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField


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


class AttendanceDay(Answer):
    """One page of everybody planned or seen on a business date, by store and employee."""

    business_date: date
    known_at: KnownAtField
    rows: list[AttendanceRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class AttendanceWeek(BaseModel):
    """A person's week in a store, from Monday; minutes are whole sessions, open ones count nothing yet."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    employee_id: str
    week: date = Field(description="Its Monday.")
    days_worked: int
    worked_minutes: int
    minutes_over_days: int = Field(description="Beyond 8 hours on single days.")
    minutes_over_week: int = Field(description="Beyond 40 hours in the week.")
    late_minutes: int
    early_minutes: int
    shifts_without_punch: int = Field(description="Days with a published shift and no punch for it.")


class AttendanceWeeks(Answer):
    """One page of weeks, by store, employee and week."""

    known_at: KnownAtField
    rows: list[AttendanceWeek]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
