"""When does a store trade? From its opening to its closing and on the weekdays of its hours, as reference data say.

Where they name no hours, not on a weekday on which it never was heard.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from projections.read_models.reference_data.calendars import UNKNOWN, Calendar

WEEKS: Final = 4
"""So many weeks before a date say on which weekdays a store rests."""
_ENOUGH: Final = 3
_AROUND_DAYS: Final = 3


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
