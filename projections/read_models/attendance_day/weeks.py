"""A person's weeks in a store, Monday to Sunday of business dates: the sums of the days, made when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation

DAY_LIMIT_MINUTES: Final = 8 * 60
WEEK_LIMIT_MINUTES: Final = 40 * 60
"""Hours beyond 8 on a day or 40 in a week; which of them are paid more, and what is allowed, is for the policy and the rules to say."""

_WEEKS: Final = """
    SELECT store_id, employee_id, date_trunc('week', business_date)::date AS week, count(*) FILTER (WHERE worked_minutes > 0)::int,
           sum(worked_minutes)::int, sum(greatest(worked_minutes - :day_limit, 0))::int, sum(late_minutes)::int, sum(early_minutes)::int,
           count(*) FILTER (WHERE 'no_punch' = ANY (flags))::int
    FROM read_g{generation}.attendance_day
    WHERE store_id = ANY (:stores) AND business_date BETWEEN :first AND :last
      AND (CAST(:employees AS text[]) IS NULL OR employee_id = ANY (CAST(:employees AS text[])))
    GROUP BY store_id, employee_id, week
    HAVING (store_id, employee_id, date_trunc('week', business_date)::date) > (:after_store, :after_employee, :after_week)
    ORDER BY store_id, employee_id, week LIMIT :limit
"""


class WeekCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    employee_id: str
    week: date


@dataclass(frozen=True, slots=True)
class AttendanceWeek:
    """Minutes of a person in a store in the week that begins on Monday `week`; `minutes_over_days` are those beyond 8 h on single days."""

    store_id: str
    employee_id: str
    week: date
    days_worked: int
    worked_minutes: int
    minutes_over_days: int
    late_minutes: int
    early_minutes: int
    shifts_without_punch: int

    @property
    def minutes_over_week(self) -> int:
        """Minutes beyond 40 hours in the week."""
        return max(0, self.worked_minutes - WEEK_LIMIT_MINUTES)

    @property
    def cursor(self) -> WeekCursor:
        """Where the next page begins."""
        return WeekCursor(self.store_id, self.employee_id, self.week)


@dataclass(frozen=True, slots=True)
class WeeksAsked:
    """Stores, people (None for everybody), and two dates, whose whole weeks are meant."""

    store_ids: tuple[str, ...]
    date_from: date
    date_until: date
    employee_ids: Sequence[str] | None = None


async def read_weeks(engine: AsyncEngine, asked: WeeksAsked, cursor: WeekCursor | None = None, limit: int = 100) -> list[AttendanceWeek]:
    """Return a page by store, employee and week."""
    place = cursor or WeekCursor("", "", date.min)
    monday = asked.date_from - timedelta(days=asked.date_from.weekday())
    sunday = asked.date_until + timedelta(days=6 - asked.date_until.weekday())
    async with engine.connect() as conn:
        statement = text(_WEEKS.format(generation=await serving_generation(conn, "attendance_day")))
        bound = {"stores": list(asked.store_ids), "first": monday, "last": sunday, "day_limit": DAY_LIMIT_MINUTES, "limit": limit}
        bound |= {"employees": None if asked.employee_ids is None else list(asked.employee_ids)}
        bound |= {"after_store": place.store_id, "after_employee": place.employee_id, "after_week": place.week}
        return [AttendanceWeek(*row) for row in (await conn.execute(statement, bound)).all()]
