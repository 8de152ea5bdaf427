"""Business date and local hour of a moment, by the IANA zone in force at that moment."""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


_MINUTE_SECONDS = 60
_WHOLE_MINUTES_SINCE = 400_000_000
"""From 1982 on, every zone changed its offset at a whole minute."""


@lru_cache(maxsize=50_000)
def _offset(name: str, minute: int) -> timezone:
    """Return the offset in force through a minute: asking the zone anew for each event costs four times as much."""
    offset = datetime.fromtimestamp(minute * _MINUTE_SECONDS, _zone(name)).utcoffset()
    assert offset is not None
    return timezone(offset)


def business_date(occurred_at: datetime, timezone: str, cut_off_hour: int) -> date:
    """Return the store's local date after subtracting its cut-off hour (wall clock, 0 to 23)."""
    local = in_zone(occurred_at, timezone)
    return (local.replace(tzinfo=None) - timedelta(hours=cut_off_hour)).date()


def local_hour_start(occurred_at: datetime, timezone: str) -> datetime:
    """Return, in UTC, the start of the local hour; the repeated hour at a clock change gives two buckets."""
    local = occurred_at.astimezone(_zone(timezone))
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def in_zone(moment: datetime, timezone: str) -> datetime:
    """Return the same moment with the store's local offset, fixed: what is added to it knows of no clock change."""
    seconds = moment.timestamp()
    return moment.astimezone(_zone(timezone) if seconds < _WHOLE_MINUTES_SINCE else _offset(timezone, int(seconds) // _MINUTE_SECONDS))
