"""When the days of a SKU are closed: once a week after the store's cut-off, each SKU at a time of its own. Pure."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zlib import crc32
from zoneinfo import ZoneInfo

from contracts.business_time import business_date
from contracts.events.reference import StoreDefined

EVERY_DAYS = 7
_SPREAD_SECONDS = 7_200
_UNKNOWN_ZONE = "UTC"


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def today_of(store: StoreDefined | None, now: datetime) -> date:
    """Return the business date of a moment; by UTC where the store is not known."""
    return business_date(now, store.timezone, store.cut_off_hour) if store else business_date(now, _UNKNOWN_ZONE, 0)


def shift_of(store: StoreDefined | None, now: datetime) -> timedelta:
    """Return what to add to a UTC time so that business dates begin at midnight."""
    local = now.astimezone(_zone(store.timezone if store else _UNKNOWN_ZONE)).utcoffset() or timedelta()
    return local - timedelta(hours=store.cut_off_hour if store else 0)


def next_closing(store: StoreDefined | None, store_id: str, sku: str, now: datetime) -> datetime:
    """Return the first closing after a moment: within the two hours after a cut-off, on the SKU's own weekday."""
    share = crc32(f"{store_id}/{sku}".encode())
    day = today_of(store, now)
    day += timedelta(days=(share - day.toordinal()) % EVERY_DAYS)
    offset = timedelta(minutes=5, seconds=share // EVERY_DAYS % _SPREAD_SECONDS)
    moment = _cut_off(store, day) + offset
    return moment if moment > now else _cut_off(store, day + timedelta(days=EVERY_DAYS)) + offset


def _cut_off(store: StoreDefined | None, day: date) -> datetime:
    zone, hour = (store.timezone, store.cut_off_hour) if store else (_UNKNOWN_ZONE, 0)
    return datetime.combine(day, time(hour), _zone(zone))
