"""Business date and local hour of a moment, by the IANA zone in force at that moment."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def business_date(occurred_at: datetime, timezone: str, cut_off_hour: int) -> date:
    """Return the store's local date after subtracting its cut-off hour (wall clock, 0 to 23)."""
    local = occurred_at.astimezone(_zone(timezone))
    return (local.replace(tzinfo=None) - timedelta(hours=cut_off_hour)).date()


def local_hour_start(occurred_at: datetime, timezone: str) -> datetime:
    """Return, in UTC, the start of the local hour; the repeated hour at a clock change gives two buckets."""
    local = occurred_at.astimezone(_zone(timezone))
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def in_zone(moment: datetime, timezone: str) -> datetime:
    """Return the same moment with the store's local offset."""
    return moment.astimezone(_zone(timezone))
