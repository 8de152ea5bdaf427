"""When the days of a SKU are closed: once a week after the store's cut-off, each SKU at a time of its own. Pure.

Times are Unix microseconds, days numbers since 1970. Every SKU of a store asks for the same few days, so those are remembered.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from contracts.business_time import business_date
from contracts.events.reference import StoreDefined
from processors.rules.on_hand import date_of, day_of
from processors.rules.rule import microseconds, moment_of

EVERY_DAYS = 7
_SPREAD_SECONDS = 7_200
_AFTER_CUT_OFF = timedelta(minutes=5)
_SECOND = 1_000_000
_UNKNOWN = ("UTC", 0)
_FIRST = date(1970, 1, 1).toordinal()


class Today(NamedTuple):
    """The business date of a moment, and what to add to a UTC time (microseconds) so that business dates begin at midnight."""

    number: int
    shift: int


def today(store: StoreDefined | None, now: int) -> Today:
    """Return the business date of a moment; by UTC where the store is not known."""
    return _today(*_place(store), now)


def next_closing(store: StoreDefined | None, store_id: str, sku: str, now: int) -> int:
    """Return the first closing after a moment: within the two hours after a cut-off, on the SKU's own weekday."""
    share, place = crc32(f"{store_id}/{sku}".encode()), _place(store)
    day = _today(*place, now).number
    day += (share - day - _FIRST) % EVERY_DAYS
    seconds = share // EVERY_DAYS % _SPREAD_SECONDS
    moment = _closing(*place, day, seconds)
    return moment if moment > now else _closing(*place, day + EVERY_DAYS, seconds)


def _place(store: StoreDefined | None) -> tuple[str, int]:
    return (store.timezone, store.cut_off_hour) if store else _UNKNOWN


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def _today(timezone: str, cut_off_hour: int, now: int) -> Today:
    moment = moment_of(now)
    shift = (moment.astimezone(_zone(timezone)).utcoffset() or timedelta()) - timedelta(hours=cut_off_hour)
    return Today(day_of(business_date(moment, timezone, cut_off_hour)), shift // timedelta.resolution)


def _closing(timezone: str, cut_off_hour: int, day: int, seconds: int) -> int:
    """Return the closing on a day, so many seconds by the clocks on the wall after the first one of all SKUs."""
    first, is_even = _first(timezone, cut_off_hour, day)
    if is_even:
        return first + seconds * _SECOND
    return microseconds(_on_the_wall(timezone, cut_off_hour, day) + timedelta(seconds=seconds))


@lru_cache(maxsize=4096)
def _first(timezone: str, cut_off_hour: int, day: int) -> tuple[int, bool]:
    """Return the first closing of a day, and whether the clocks are left alone until the last one."""
    first = _on_the_wall(timezone, cut_off_hour, day)
    last = first + timedelta(seconds=_SPREAD_SECONDS)
    return microseconds(first), first.utcoffset() == last.utcoffset()


def _on_the_wall(timezone: str, cut_off_hour: int, day: int) -> datetime:
    return datetime.combine(date_of(day), time(cut_off_hour), _zone(timezone)) + _AFTER_CUT_OFF
