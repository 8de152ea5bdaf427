"""Keep the facts of attendance, and fold the days of every person whom a batch touched again from all of their rows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.facts import FactKey
from projections.read_models.attendance_day.mapping import AttendanceFact, PunchRow, ShiftRow, attendance_fact
from projections.read_models.attendance_day.pairing import AttendanceDay, PunchSeen, ShiftSeen, attendance_days
from projections.read_models.attendance_day.table import FACTS
from projections.sinks.fresh_facts import insert_fresh
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables, judge_corrections
from projections.sinks.postgres_rows import insert_new, query

Person = tuple[str, str]
"""Store and employee."""
Days = dict[tuple[str, str, date], AttendanceDay]

_DAY_COLUMNS: Final = tuple(column.name for column in fields(AttendanceDay))
_PEOPLE: Final = "(SELECT * FROM unnest(%s::text[], %s::text[]))"

_PEOPLE_OF_SHIFTS: Final = f"""
    SELECT DISTINCT other.store_id, other.employee_id FROM attendance_shifts one
    JOIN attendance_shifts other USING (store_id, shift_id) WHERE (one.store_id, one.employee_id) IN {_PEOPLE}
"""  # noqa: S608 - literals of ours

_PUNCHES: Final = f"""
    SELECT store_id, employee_id, event_id, direction, occurred_at, business_date, verdict FROM attendance_punches
    WHERE counts AND (store_id, employee_id) IN {_PEOPLE}
"""  # noqa: S608 - literals of ours

_SHIFTS: Final = f"""
    SELECT store_id, employee_id, shift_id, starts_at, ends_at, business_date FROM (
        SELECT DISTINCT ON (store_id, shift_id) * FROM attendance_shifts
        WHERE counts AND (store_id, shift_id) IN (
            SELECT store_id, shift_id FROM attendance_shifts WHERE (store_id, employee_id) IN {_PEOPLE})
        ORDER BY store_id, shift_id, revision DESC, position
    ) newest WHERE status = 'planned' AND (store_id, employee_id) IN {_PEOPLE}
"""  # noqa: S608 - literals of ours

_DELETE: Final = """
    DELETE FROM attendance_day
    WHERE (store_id, employee_id, business_date) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[]))
"""


class AttendanceDays:
    """The read model `attendance_day`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        fact = attendance_fact(record)
        return None if fact is None else Mapped(record, fact, fact.event.key)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert the facts that are new and fold the people that they touch."""
        fresh, repeats = await insert_fresh(conn, FACTS, mapped)
        if fresh:
            await self._fold(conn, fresh)
        return Written(repeats)

    @staticmethod
    async def _fold(conn: AsyncConnection, fresh: Sequence[AttendanceFact]) -> None:
        punches = [fact.punch for fact in fresh if fact.punch]
        shifts = [fact.shift for fact in fresh if fact.shift]
        await insert_new(conn, "attendance_punches", PunchRow._fields, punches)
        await insert_new(conn, "attendance_shifts", ShiftRow._fields, shifts)
        changed = await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])
        people = {(row.store_id, row.employee_id) for rows in (punches, shifts) for row in rows} | await _people_of(conn, changed)
        people |= {(store_id, employee_id) for store_id, employee_id in await query(conn, _PEOPLE_OF_SHIFTS, _arrays(people))}
        if people:
            await _replace(conn, people, await _folded(conn, people))


def _arrays(people: Iterable[Person]) -> list[list[str]]:
    ordered = sorted(people)
    return [[store_id for store_id, _ in ordered], [employee_id for _, employee_id in ordered]]


async def _people_of(conn: AsyncConnection, events: Sequence[FactKey]) -> set[Person]:
    if not events:
        return set()
    rows = await query(
        conn,
        "SELECT DISTINCT store_id, employee_id FROM (SELECT store_id, event_id, employee_id FROM attendance_punches "
        "UNION ALL SELECT store_id, event_id, employee_id FROM attendance_shifts) AS line "
        "WHERE (store_id, event_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",
        [[key.store_id for key in events], [key.event_id for key in events]],
    )
    return {(store_id, employee_id) for store_id, employee_id in rows}


async def _folded(conn: AsyncConnection, people: Iterable[Person]) -> Days:
    arrays = _arrays(people)
    punches: dict[Person, list[PunchSeen]] = defaultdict(list)
    for store_id, employee_id, *row in await query(conn, _PUNCHES, arrays):
        punches[store_id, employee_id].append(PunchSeen(*row))
    shifts: dict[Person, list[ShiftSeen]] = defaultdict(list)
    for store_id, employee_id, *row in await query(conn, _SHIFTS, [*arrays, *arrays]):
        shifts[store_id, employee_id].append(ShiftSeen(*row))
    return {
        (*person, day.business_date): day
        for person in punches.keys() | shifts.keys()
        for day in attendance_days(punches.get(person, ()), shifts.get(person, ()))
    }


async def _replace(conn: AsyncConnection, people: Iterable[Person], wanted: Days) -> None:
    """Leave unchanged days alone: a person's history is long and a punch touches one day of it."""
    columns = ", ".join(("store_id", "employee_id", *_DAY_COLUMNS))
    rows = await query(
        conn,
        f"SELECT {columns} FROM attendance_day WHERE (store_id, employee_id) IN {_PEOPLE}",  # noqa: S608 - columns of ours
        _arrays(people),
    )
    present = {(store_id, employee_id, row[0]): _day(row) for store_id, employee_id, *row in rows}
    gone = [key for key, day in present.items() if wanted.get(key) != day]
    fresh = [(key, day) for key, day in sorted(wanted.items()) if present.get(key) != day]
    await query(conn, _DELETE, [list(column) for column in zip(*gone, strict=True)] or [[], [], []])
    await insert_new(conn, "attendance_day", ("store_id", "employee_id", *_DAY_COLUMNS), [(*key[:2], *_values(day)) for key, day in fresh])


def _day(row: Sequence[Any]) -> AttendanceDay:
    found = dict(zip(_DAY_COLUMNS, row, strict=True))
    return AttendanceDay(**found | {name: tuple(found[name]) for name in ("flags", "sessions", "shifts")})


def _values(day: AttendanceDay) -> list[object]:
    found = [getattr(day, column) for column in _DAY_COLUMNS[:-3]]
    return [*found, list(day.flags), json.dumps(day.sessions), json.dumps(day.shifts)]
