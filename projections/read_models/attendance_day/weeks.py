"""A person's weeks in a store, Monday to Sunday of business dates: the sums of the days, made when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.attendance_day.known import DaysKnown, people_known
from projections.read_models.attendance_day.pairing import AttendanceDay
from projections.read_models.attendance_day.reader import AttendanceCursor

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
    """Stores, people (None for everybody), and two dates, whose whole weeks are meant; `known_at` None means all that is known."""

    store_ids: tuple[str, ...]
    date_from: date
    date_until: date
    employee_ids: Sequence[str] | None = None
    known_at: datetime | None = None

    @property
    def span(self) -> tuple[date, date]:
        """The Monday and the Sunday that the whole weeks begin and end with."""
        return _monday(self.date_from), _monday(self.date_until) + timedelta(days=6)


async def read_weeks(engine: AsyncEngine, asked: WeeksAsked, cursor: WeekCursor | None = None, limit: int = 100) -> list[AttendanceWeek]:
    """Return a page by store, employee and week."""
    place = cursor or WeekCursor("", "", date.min)
    first, last = asked.span
    if asked.known_at is not None:
        return await _weeks_known(engine, asked, place, limit)
    async with engine.connect() as conn:
        statement = text(_WEEKS.format(generation=await serving_generation(conn, "attendance_day")))
        bound = {"stores": list(asked.store_ids), "first": first, "last": last, "day_limit": DAY_LIMIT_MINUTES, "limit": limit}
        bound |= {"employees": None if asked.employee_ids is None else list(asked.employee_ids)}
        bound |= {"after_store": place.store_id, "after_employee": place.employee_id, "after_week": place.week}
        return [AttendanceWeek(*row) for row in (await conn.execute(statement, bound)).all()]


async def _weeks_known(engine: AsyncEngine, asked: WeeksAsked, place: WeekCursor, limit: int) -> list[AttendanceWeek]:
    """Sum up the days that were known; the cursor's person is looked at again, for weeks after its own."""
    found: list[AttendanceWeek] = []
    days = DaysKnown(asked.store_ids, *asked.span, asked.known_at, asked.employee_ids)
    async with people_known(engine, days, AttendanceCursor(place.store_id, place.employee_id)) as people:
        async for person, of_person in people:
            weeks = _weeks_of(person, of_person, asked.span)
            found += [week for week in weeks if week.cursor[:2] != place[:2] or week.week > place.week]
            if len(found) >= limit:
                break
    return found[:limit]


def _weeks_of(person: tuple[str, str], days: Sequence[AttendanceDay], span: tuple[date, date]) -> list[AttendanceWeek]:
    weeks: dict[date, list[AttendanceDay]] = {}
    for day in days:
        if span[0] <= day.business_date <= span[1]:
            weeks.setdefault(_monday(day.business_date), []).append(day)
    return [
        AttendanceWeek(
            *person,
            week,
            sum(day.worked_minutes > 0 for day in of_week),
            sum(day.worked_minutes for day in of_week),
            sum(max(0, day.worked_minutes - DAY_LIMIT_MINUTES) for day in of_week),
            sum(day.late_minutes for day in of_week),
            sum(day.early_minutes for day in of_week),
            sum("no_punch" in day.flags for day in of_week),
        )
        for week, of_week in sorted(weeks.items())
    ]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
