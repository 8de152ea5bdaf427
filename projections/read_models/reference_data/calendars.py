"""When does a store trade, by its own word: from its opening to its closing, and on the weekdays of its hours."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.business_time import business_date
from contracts.events.reference import OpeningHours
from contracts.opening_hours import trades_on
from projections.generations import serving_generation

_VERSIONS: Final = """
    SELECT name, effective_from, data ->> 'timezone' AS timezone, CAST(data ->> 'cut_off_hour' AS integer) AS cut_off_hour,
           CAST(data ->> 'opened_on' AS date) AS opened_on, CAST(data ->> 'closed_on' AS date) AS closed_on, data -> 'hours' AS hours
    FROM read_g{generation}.reference_data WHERE kind = 'store' AND name = ANY (CAST(:stores AS text[]))
    ORDER BY name, effective_from, version, event_id
"""
_HOURS: Final = TypeAdapter(tuple[OpeningHours, ...])


class Calendar(NamedTuple):
    """When a store says that it trades: first and last day, both inclusive, None where it has none; and its weekdays.

    `hours`: opening hours, None where they are not known, each with the business date from which they hold, oldest first.
    """

    opened_on: date | None = None
    closed_on: date | None = None
    hours: Sequence[tuple[date, Sequence[OpeningHours] | None]] = ()

    def covers(self, day: date) -> bool:
        """Tell whether the store is there on a date."""
        return (self.opened_on is None or day >= self.opened_on) and (self.closed_on is None or day <= self.closed_on)

    def trades_on(self, day: date) -> bool | None:
        """Tell whether its hours name the weekday of a date; None where they are not known. Before the first hold, those of the first."""
        begun = [hours for since, hours in self.hours if since <= day] or [hours for _, hours in self.hours[:1]]
        said = begun[-1] if begun else None
        return None if said is None else trades_on(said, day)

    def is_open(self, day: date) -> bool:
        """Tell whether nothing that the store says keeps it from trading on a date."""
        return self.covers(day) and self.trades_on(day) is not False


UNKNOWN: Final = Calendar()


async def read_calendars(engine: AsyncEngine, store_ids: Sequence[str]) -> dict[str, Calendar]:
    """Return the calendars of the stores that have one: years by the newest version of each, hours by the version in force on a date."""
    async with engine.connect() as conn:
        statement = text(_VERSIONS.format(generation=await serving_generation(conn, "reference_data")))
        rows = (await conn.execute(statement, {"stores": list(store_ids)})).all()
    found: dict[str, Calendar] = {}
    for row in rows:
        since = business_date(row.effective_from, row.timezone, row.cut_off_hour)
        hours = None if row.hours is None else _HOURS.validate_python(row.hours)
        found[row.name] = Calendar(row.opened_on, row.closed_on, [*found.get(row.name, UNKNOWN).hours, (since, hours)])
    return {store_id: calendar for store_id, calendar in found.items() if _says_anything(calendar)}


def _says_anything(calendar: Calendar) -> bool:
    return (calendar.opened_on or calendar.closed_on) is not None or any(hours is not None for _, hours in calendar.hours)
