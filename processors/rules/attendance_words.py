"""How attendance rules write times, lengths and the events that show something."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

_MINUTE = timedelta(minutes=1)
_EVENTS_NAMED = 100


def minute(moment: datetime) -> str:
    """Write a time to the minute."""
    return moment.isoformat(timespec="minutes")


def second(moment: datetime) -> str:
    """Write a time to the second."""
    return moment.isoformat(timespec="seconds")


def minutes(length: timedelta) -> int:
    """Return whole minutes."""
    return length // _MINUTE


def hours(length: timedelta) -> str:
    """Write a length as hours and minutes."""
    whole = minutes(length)
    return f"{whole // 60}:{whole % 60:02} h"


def events(ids: Iterable[bytes]) -> tuple[UUID, ...]:
    """Return the first of the events that show something, each once."""
    return tuple(UUID(bytes=each) for each in list(dict.fromkeys(ids))[:_EVENTS_NAMED])
