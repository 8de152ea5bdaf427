"""The times that posts write, in the zone of their store: worked out once for each minute, since offsets are whole minutes. Pure."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from contracts.business_time import in_zone

_ONE_DAY = timedelta(days=1)
_TO_MINUTE = len("2026-03-02T10:00")
_OFFSET = len("+09:00")
_WHOLE_SECONDS, _WITH_FRACTION = len(":00"), len(":00.000000")


class LocalMinute(NamedTuple):
    """A minute as a store's clock shows it: its ISO 8601 text up to the minute, its offset, the business date and when it begins."""

    text: str
    offset: str
    business_date: date
    begins_at: datetime


def minute_and_seconds(written: str) -> tuple[str, str]:
    """Split a time (ISO 8601, seconds, up to six further digits, 'Z' or an offset) into what `local_minute` takes, and seconds.

    The seconds are as `datetime.isoformat` writes them: six digits of a fraction, or none.
    """
    end = -1 if written[-1] == "Z" else -_OFFSET
    seconds = written[_TO_MINUTE:end]
    if len(seconds) != _WHOLE_SECONDS:
        seconds = seconds.ljust(_WITH_FRACTION, "0").removesuffix(".000000")
    return written[:_TO_MINUTE] + written[end:], seconds


@lru_cache(maxsize=50_000)
def local_minute(minute: str, timezone: str, cut_off_hour: int) -> LocalMinute | None:
    """Return a minute in a zone; None where clocks ran on offsets that were not whole minutes."""
    moment = datetime.fromisoformat(minute)
    local = in_zone(moment, timezone)
    text = local.isoformat()
    offset = text[_TO_MINUTE + _WHOLE_SECONDS :]
    if len(offset) != _OFFSET or local.second:
        return None
    day = local.date() if local.hour >= cut_off_hour else local.date() - _ONE_DAY
    return LocalMinute(text[:_TO_MINUTE], offset, day, moment)
