"""Business dates as ordinals: when one begins and ends by the store's zone, when it is looked at, and when it is forgotten."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from processors.rules.rule import RETENTION, View, microseconds

LOOK = 3 * 3_600_000_000
"""The clock is asked to look at a store every three hours, if anything happened."""

DAYS_KEPT = RETENTION.days + 2
"""So many days after its beginning (UTC) nothing can change about a business date, whatever the zone."""

_DAY = timedelta(days=1)


def bounds(day: int, view: View) -> tuple[datetime, datetime]:
    """Return the first moment of a business date and of the next one; without settings of the store it is a day of UTC."""
    store = view.store_at(datetime.combine(date.fromordinal(day), datetime.min.time(), UTC) + _DAY / 2)
    zone, hour = (store.timezone, store.cut_off_hour) if store is not None else ("UTC", 0)
    return _begin(day, zone, hour), _begin(day + 1, zone, hour)


@lru_cache(maxsize=4096)
def _begin(day: int, zone: str, hour: int) -> datetime:
    on = date.fromordinal(day)
    return datetime(on.year, on.month, on.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def next_look(at: datetime, clock: datetime | None) -> int:
    """Return the next look by the clock; before the first tick, of what happened."""
    return (microseconds(clock or at) // LOOK + 1) * LOOK


def look_from(moment: datetime, clock: datetime | None) -> int:
    """Return the first look from a moment on that the clock has not reached."""
    wanted = -(-microseconds(moment) // LOOK) * LOOK
    return wanted if clock is None else max(wanted, (microseconds(clock) // LOOK + 1) * LOOK)


@lru_cache(maxsize=4096)
def forgotten_at(day: int) -> int:
    """Return when a business date can no longer change."""
    return microseconds(datetime.combine(date.fromordinal(day + DAYS_KEPT), datetime.min.time(), UTC))
