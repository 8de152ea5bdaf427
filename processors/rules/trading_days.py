"""On which business dates a store traded, and in which hours: by its sales, each day and hour noted once. Pure.

A day of which no sale is known proves nothing about a shelf: the store was closed, or its tills were silent. Whether a sale
is corrected away later does not matter here. Hours are those of UTC, so that noting one needs no time zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from contracts.business_time import business_date
from contracts.envelope import Event
from contracts.fields import Model
from processors.rules.on_hand import date_of, day_of
from processors.rules.rule import Entity, Kind, State, View, microseconds, moment_of

DAYS_KEPT = 130
"""Of a store: about 1 kB."""
_HOUR, _MINUTE = 3_600_000_000, 60_000_000
_WHOLE_MINUTES_SINCE = 400_000_000_000_000
"""From 1982 on, every zone changed its offset at a whole minute, so that a business date begins at one."""
_ENTITY_NAME = "store"
_WORKED_OUT = "store_day"


class TradingDays(State, frozen=True, array_like=True):
    """Days since 1970 in order, each with the bits of the hours in which something was sold."""

    rows: tuple[tuple[int, int], ...] = ()


TRADING_DAYS = Kind("trading_days", TradingDays, 1, 3)
THE_STORE = Entity(TRADING_DAYS, _ENTITY_NAME)


def trading_days(view: View) -> TradingDays:
    """Return what is known of a store."""
    state = view.state(THE_STORE)
    return state if isinstance(state, TradingDays) else TradingDays()


def says_something_new(known: TradingDays, event: Event[Model]) -> bool:
    """Return whether a sale is the first of its hour; most are not, and then nothing is written."""
    day, bit = _place(event)
    for row in reversed(known.rows):
        if row[0] == day:
            return not row[1] & bit
        if row[0] < day:
            return True
    return len(known.rows) < DAYS_KEPT


def with_sale(known: TradingDays, event: Event[Model]) -> TradingDays:
    """Note the day and the hour of a sale."""
    day, bit = _place(event)
    rows = dict(known.rows)
    rows[day] = rows.get(day, 0) | bit
    return TradingDays(tuple(sorted(rows.items())[-DAYS_KEPT:]))


def traded(known: TradingDays, first: int, last: int) -> set[int]:
    """Return the days of a range on which the store sold anything."""
    return {day for day, _ in known.rows if first <= day <= last}


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of a store, by the zone and the cut-off in force when one looks; UTC and midnight where none are set."""

    timezone: str
    cut_off_hour: int

    def day_at(self, at: int) -> int:
        """Return the business date of a time in Unix microseconds, as days since 1970."""
        return _day_at(at // _MINUTE * _MINUTE if at >= _WHOLE_MINUTES_SINCE else at, self.timezone, self.cut_off_hour)

    def begin(self, day: int) -> int:
        """Return when a business date begins, Unix microseconds."""
        return _begin(day, self.timezone, self.cut_off_hour)


@lru_cache(maxsize=65_536)
def _day_at(at: int, timezone: str, cut_off_hour: int) -> int:
    return day_of(business_date(moment_of(at), timezone, cut_off_hour))


@lru_cache(maxsize=4096)
def _begin(day: int, timezone: str, cut_off_hour: int) -> int:
    local = datetime.combine(date_of(day), datetime.min.time(), ZoneInfo(timezone)) + timedelta(hours=cut_off_hour)
    return microseconds(local.astimezone(UTC))


def calendar(view: View, at: datetime) -> Calendar:
    """Return the calendar of the store at a time."""
    store = view.store_at(at)
    return Calendar(store.timezone, store.cut_off_hour) if store else Calendar("UTC", 0)


@dataclass(frozen=True, slots=True)
class StoreDay:
    """What all goods of a store have in common at one look: its calendar and business date, when it traded, and its usual hours."""

    calendar: Calendar
    today: int
    trading: TradingDays
    hours: int
    ranges: dict[tuple[int, int], set[int]]

    def traded(self, first: int, last: int) -> set[int]:
        """Return the days of a range on which the store sold anything; not to be changed."""
        found = self.ranges.get((first, last))
        if found is None:
            found = self.ranges[first, last] = traded(self.trading, first, last)
        return found


def store_day(view: View) -> StoreDay:
    """Return the same for all looks of one tick: no sale comes in between. The day begins an hour late, for what is sold at its end."""
    found: StoreDay | None = view.worked_out.get(_WORKED_OUT)
    if found is None:
        assert view.clock is not None
        days, known = calendar(view, view.clock), trading_days(view)
        today = days.day_at(microseconds(view.clock) - _HOUR)
        found = view.worked_out[_WORKED_OUT] = StoreDay(days, today, known, usual_hours(known, today), {})
    return found


def usual_hours(known: TradingDays, before: int, days: int = 14) -> int:
    """Return the bits of the hours in which a store sold on at least half of its latest trading days before a day."""
    masks = [mask for day, mask in known.rows if day < before][-days:]
    return sum(1 << hour for hour in range(24) if masks and 2 * sum(mask >> hour & 1 for mask in masks) >= len(masks))


@lru_cache(maxsize=4096)
def share_left(hours: int, at: int, end: int) -> float:
    """Return which share of a day's usual hours lies between two times; without any, which share of 24 hours.

    Remembered, for all goods of a store are looked at at one time, and most of them come at one other.
    """
    usual = hours or (1 << 24) - 1
    left = sum(part for hour, part in _hours_between(at, end) if usual >> hour & 1)
    return min(1.0, left / usual.bit_count())


def _hours_between(at: int, end: int) -> Iterator[tuple[int, float]]:
    while at < end:
        until = min(end, (at // _HOUR + 1) * _HOUR)
        yield at // _HOUR % 24, (until - at) / _HOUR
        at = until


def _place(event: Event[Model]) -> tuple[int, int]:
    at = event.envelope.occurred_at
    day = event.envelope.business_date or at.date()
    return day_of(day), 1 << microseconds(at) // _HOUR % 24
