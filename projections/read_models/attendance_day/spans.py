"""The shifts of people between two business dates with the times that they were really on them, now or as known at a moment."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.attendance_day.known import DaysKnown, people_known
from projections.shift_spans import ShiftSpan, spans_of

MOST_SPANS: Final = 20_000
_DAY: Final = timedelta(days=1)
_SHIFTS: Final = """
    SELECT store_id, employee_id, shifts, sessions FROM read_g{generation}.attendance_day
    WHERE store_id = ANY (:stores) AND business_date BETWEEN :first AND :last AND jsonb_array_length(shifts) > 0
    ORDER BY store_id, employee_id, business_date LIMIT :limit
"""


class TooManyShifts(Exception):
    """So many shifts are not looked at in one question."""


async def read_shift_spans(engine: AsyncEngine, asked: DaysKnown) -> list[ShiftSpan]:
    """Return the shifts, a day before and after included, by store and person; TooManyShifts beyond `MOST_SPANS`."""
    first, last = asked.first - _DAY, asked.last + _DAY
    found = await (_now(engine, asked) if asked.known_at is None else _then(engine, asked))
    if len(found) > MOST_SPANS:
        raise TooManyShifts(f"more than {MOST_SPANS:,} shifts between {first} and {last}")
    return found


async def _now(engine: AsyncEngine, asked: DaysKnown) -> list[ShiftSpan]:
    bound = {"stores": list(asked.store_ids), "first": asked.first - _DAY, "last": asked.last + _DAY, "limit": MOST_SPANS + 1}
    async with engine.connect() as conn:
        statement = text(_SHIFTS.format(generation=await serving_generation(conn, "attendance_day")))
        rows = (await conn.execute(statement, bound)).all()
    return [span for row in rows for span in spans_of(row.store_id, row.employee_id, row.shifts, row.sessions)]


async def _then(engine: AsyncEngine, asked: DaysKnown) -> list[ShiftSpan]:
    found: list[ShiftSpan] = []
    async with people_known(engine, asked, None) as people:
        async for person, days in people:
            near = [day for day in days if asked.first - _DAY <= day.business_date <= asked.last + _DAY]
            found += [span for day in near for span in spans_of(*person, day.shifts, day.sessions)]
            if len(found) > MOST_SPANS:
                break
    return found
