"""How fast simulated records are sent: as fast as possible, or by their own time, at once or sped up."""

from collections.abc import Awaitable, Callable
from datetime import datetime

_NAMED = {"max": None, "realtime": 1.0}


def speed_of(text: str) -> float | None:
    """Read `max`, `realtime` or a factor such as 60 (an hour in a minute); None is as fast as possible."""
    if text in _NAMED:
        return _NAMED[text]
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ValueError(f"max, realtime, or a factor above 0 such as 60, not {text!r}")
    return factor


class Pace:
    """Holds each record back until its moment, counted from the first one; what is behind is sent at once."""

    def __init__(self, factor: float | None, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._factor, self._now, self._sleep = factor, now, sleep
        self._first: tuple[datetime, float] | None = None

    async def await_moment(self, arrival: datetime) -> None:
        """Wait until the moment of a record has come."""
        if self._factor is None:
            return
        if self._first is None:
            self._first = arrival, self._now()
        first, began = self._first
        wait = began + (arrival - first).total_seconds() / self._factor - self._now()
        if wait > 0:
            await self._sleep(wait)
