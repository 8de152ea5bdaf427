"""When does a store trade? From its opening to its closing and on the weekdays of its hours, as reference data say.

Where they name no hours, not on a weekday on which it never was heard.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.business_time import business_date
from contracts.events.reference import OpeningHours, StoreDefined
from contracts.opening_hours import trades_on
from projections.read_models.reference_data.reader import ReferenceAsked, ReferenceCursor, read_reference_data
from projections.read_models.stores.reader import StoreSettings

WEEKS: Final = 4
"""So many weeks before a date say on which weekdays a store rests."""
_ENOUGH: Final = 3
_AROUND_DAYS: Final = 3
_PAGE: Final = 200


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


UNKNOWN: Final = Calendar()


@dataclass(frozen=True, slots=True)
class Trading:
    """What is known of the trade of a store: its calendar, and when it was heard, from `WEEKS` before the dates that are asked about."""

    calendar: Calendar = UNKNOWN
    heard: Collection[date] = ()

    def is_open(self, day: date, chain: Collection[date]) -> bool:
        """Tell whether a store is expected to trade on a date; `chain`: dates on which any store of its chain was heard."""
        if not self.calendar.covers(day):
            return False
        said = self.calendar.trades_on(day)
        return not self._rests(day, chain) if said is None else said

    def _rests(self, day: date, chain: Collection[date]) -> bool:
        """A weekday is one of rest where the store was silent on the last ones, and heard in the days around each of them."""
        before = [each for week in range(1, WEEKS + 1) if (each := day - timedelta(weeks=week)) in chain]
        return len(before) >= _ENOUGH and all(each not in self.heard and self._is_heard_around(each) for each in before)

    def _is_heard_around(self, day: date) -> bool:
        return any(day + timedelta(days=days) in self.heard for days in range(-_AROUND_DAYS, _AROUND_DAYS + 1))


async def read_calendars(engine: AsyncEngine, stores: Mapping[str, StoreSettings]) -> dict[str, Calendar]:
    """Return the calendars of stores: years by the newest version of each, hours by the version in force on a date."""
    versions: dict[str, list[tuple[datetime, int, StoreDefined]]] = {}
    for tenant_id in sorted({store.tenant_id for store in stores.values()}):
        of_chain = tuple(store_id for store_id, store in stores.items() if store.tenant_id == tenant_id)
        cursor: ReferenceCursor | None = ReferenceCursor("", 0, UUID(int=0))
        while cursor is not None:
            page = await read_reference_data(engine, ReferenceAsked(tenant_id, of_chain, "store"), cursor, _PAGE)
            for row in page:
                versions.setdefault(row.name, []).append((row.effective_from, row.version, StoreDefined.model_validate(row.data)))
            cursor = page[-1].cursor if len(page) == _PAGE else None
    return {store_id: _calendar(data for *_, data in sorted(found, key=_age)) for store_id, found in versions.items()}


def _age(row: tuple[datetime, int, StoreDefined]) -> tuple[datetime, int]:
    return row[:2]


def _calendar(versions: Iterable[StoreDefined]) -> Calendar:
    """Make the calendar of a store of its versions, oldest first."""
    each = list(versions)
    hours = [(business_date(data.effective_from, data.timezone, data.cut_off_hour), data.hours) for data in each]
    return Calendar(each[-1].opened_on, each[-1].closed_on, hours)
