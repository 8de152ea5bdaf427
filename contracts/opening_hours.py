"""When does a store trade? Its opening hours as moments of a business date. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.events.reference import WEEKDAYS, OpeningHours

_DAY = timedelta(days=1)


def trades_on(hours: Sequence[OpeningHours], day: date) -> bool:
    """Tell whether a store is open at all on a business date."""
    return any(each.weekday == WEEKDAYS[day.weekday()] for each in hours)


def stretches(hours: Sequence[OpeningHours], timezone: str, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield when a store opens and closes on a business date, in UTC; an hour that a clock change repeats or leaves out counts as lived."""
    zone = ZoneInfo(timezone)
    for each in hours:
        if each.weekday == WEEKDAYS[day.weekday()]:
            until = day if each.closes > each.opens else day + _DAY
            yield datetime.combine(day, each.opens, zone).astimezone(UTC), datetime.combine(until, each.closes, zone).astimezone(UTC)
