"""Days of attendance as they were known at a moment: the same pairing, over the punches and shifts that were recorded by then.

The days that are kept are those of now. What was known then is folded again, person by person: pairing is a pure function of the
set of punches, so nothing else has to be kept for it.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.known_facts import Counting, counting_at
from projections.read_models.attendance_day.pairing import AttendanceDay, PunchSeen, ShiftSeen, attendance_days
from projections.read_models.attendance_day.reader import AttendanceCursor, AttendanceRow

Person = tuple[str, str]
"""Store and employee."""

_PEOPLE_AT_ONCE: Final = 200
_AROUND: Final = timedelta(days=3)
"""A row of a person lies no further from a day that it says something about: a session lasts hours, a shift is planned for a day."""
_NEAR: Final = """
    SELECT store_id, employee_id FROM (
        SELECT store_id, employee_id FROM read_g{generation}.attendance_punches
        WHERE store_id = ANY (:stores) AND business_date BETWEEN :first AND :last
        UNION SELECT store_id, employee_id FROM read_g{generation}.attendance_shifts
        WHERE store_id = ANY (:stores) AND business_date BETWEEN :first AND :last
    ) AS seen
    WHERE (CAST(:employees AS text[]) IS NULL OR employee_id = ANY (CAST(:employees AS text[])))
      AND ((store_id, employee_id) > (:after_store, :after_employee)
           OR (:with_after AND (store_id, employee_id) = (:after_store, :after_employee)))
    ORDER BY store_id, employee_id LIMIT :limit
"""
_OF_PEOPLE: Final = "SELECT * FROM unnest(CAST(:people_stores AS text[]), CAST(:people AS text[]))"
_PUNCHES: Final = f"""
    SELECT store_id, employee_id, event_id, direction, occurred_at, business_date, verdict
    FROM read_g{{generation}}.attendance_punches f WHERE (store_id, employee_id) IN ({_OF_PEOPLE}) AND {{counts}}
"""  # noqa: S608 - literal texts
_SHIFTS: Final = f"""
    SELECT store_id, employee_id, shift_id, starts_at, ends_at, business_date FROM (
        SELECT DISTINCT ON (store_id, shift_id) * FROM read_g{{generation}}.attendance_shifts f
        WHERE (store_id, shift_id) IN (
            SELECT store_id, shift_id FROM read_g{{generation}}.attendance_shifts WHERE (store_id, employee_id) IN ({_OF_PEOPLE})
        ) AND {{counts}}
        ORDER BY store_id, shift_id, revision DESC, position
    ) newest WHERE status = 'planned' AND (store_id, employee_id) IN ({_OF_PEOPLE})
"""  # noqa: S608 - literal texts


@dataclass(frozen=True, slots=True)
class DaysKnown:
    """Stores, inclusive business dates, people (None for everybody), and the broker's time whose knowledge is asked for."""

    store_ids: tuple[str, ...]
    first: date
    last: date
    known_at: datetime | None
    employee_ids: Sequence[str] | None = None


@asynccontextmanager
async def people_known(
    engine: AsyncEngine, asked: DaysKnown, begin: AttendanceCursor | None
) -> AsyncIterator[AsyncIterator[tuple[Person, list[AttendanceDay]]]]:
    """Go through the people of a question from one on, by store and employee, each with all days that were known of them."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "attendance_day")
        counting = await counting_at(conn, f"read_g{generation}.attendance_day_events", asked.store_ids, asked.known_at)
        yield _each(_Folder(conn, generation, counting), asked, begin or AttendanceCursor("", ""))


async def read_attendance_known(
    engine: AsyncEngine, asked: DaysKnown, cursor: AttendanceCursor | None = None, limit: int = 100
) -> list[AttendanceRow]:
    """Return a page of the one business date asked for, `first`, by store and employee, as it was known."""
    found: list[AttendanceRow] = []
    async with people_known(engine, asked, cursor) as people:
        async for person, days in people:
            if person != cursor:
                found += [_row(person, day) for day in days if day.business_date == asked.first]
            if len(found) == limit:
                break
    return found


async def _each(folder: "_Folder", asked: DaysKnown, begin: Person) -> AsyncIterator[tuple[Person, list[AttendanceDay]]]:
    people = await folder.people(asked, begin, with_it=True)
    while people:
        days = await folder.days(people)
        for person in people:
            yield person, days[person]
        people = await folder.people(asked, people[-1], with_it=False) if len(people) == _PEOPLE_AT_ONCE else []


@dataclass(frozen=True, slots=True)
class _Folder:
    """Reads the rows that count of some people, and folds them."""

    conn: AsyncConnection
    generation: int
    counting: Counting

    async def people(self, asked: DaysKnown, after: Person, with_it: bool) -> list[Person]:
        """Return the next people of whom anything lies near the dates, known then or not."""
        bound: dict[str, Any] = {"stores": list(asked.store_ids), "first": asked.first - _AROUND, "last": asked.last + _AROUND}
        bound |= {"employees": None if asked.employee_ids is None else list(asked.employee_ids), "limit": _PEOPLE_AT_ONCE}
        bound |= {"after_store": after[0], "after_employee": after[1], "with_after": with_it}
        rows = (await self.conn.execute(text(_NEAR.format(generation=self.generation)), bound)).all()
        return [(store_id, employee_id) for store_id, employee_id in rows]

    async def days(self, people: Sequence[Person]) -> dict[Person, list[AttendanceDay]]:
        """Fold people into days; one of whom nothing was known has none."""
        punches: dict[Person, list[PunchSeen]] = defaultdict(list)
        for store_id, employee_id, *row in await self._rows(_PUNCHES, people):
            punches[store_id, employee_id].append(PunchSeen(*row))
        shifts: dict[Person, list[ShiftSeen]] = defaultdict(list)
        for store_id, employee_id, *row in await self._rows(_SHIFTS, people):
            shifts[store_id, employee_id].append(ShiftSeen(*row))
        return {person: attendance_days(punches.get(person, ()), shifts.get(person, ())) for person in people}

    async def _rows(self, statement: str, people: Sequence[Person]) -> Sequence[Any]:
        bound = {"people_stores": [store_id for store_id, _ in people], "people": [employee_id for _, employee_id in people]}
        made = text(statement.format(generation=self.generation, counts=self.counting.of("f")))
        return (await self.conn.execute(made, bound | dict(self.counting.bound))).all()


def _row(person: Person, day: AttendanceDay) -> AttendanceRow:
    return AttendanceRow(
        *person,
        day.business_date,
        day.first_in,
        day.last_out,
        day.worked_minutes,
        day.late_minutes,
        day.early_minutes,
        list(day.flags),
        list(day.sessions),
        list(day.shifts),
    )
