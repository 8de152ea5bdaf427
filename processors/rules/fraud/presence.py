"""Who was clocked in when, by the punches of a store's business dates: intervals, whatever the order of arrival. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.envelope import Event
from contracts.events.clock import ClockedIn
from processors.rules.rule import Kind, Recounted, State, microseconds

_KEPT = 2_000
"""Punches of a store and day, about 100 kB; the earliest stay."""


class Pressed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A clock-in or clock-out."""

    employee: str
    at: int
    event: bytes
    is_in: bool
    counts: bool


class DayPunches(State, frozen=True, array_like=True):
    """The punches of one business date of a store."""

    rows: tuple[Pressed, ...] = ()


PUNCHES = Kind("till_punches", DayPunches, 1, 1)
Intervals = tuple[tuple[int, int], ...]


def with_punch(known: DayPunches, event: Event[Any], counts: bool) -> DayPunches:
    """Add a punch."""
    row = Pressed(
        event.data.employee_id, microseconds(event.envelope.occurred_at), event.id.bytes, isinstance(event.data, ClockedIn), counts
    )
    return DayPunches((*known.rows, row)[:_KEPT])


def recounted(known: DayPunches, change: Recounted) -> DayPunches:
    """Apply what a correction changed."""
    return DayPunches(tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in known.rows))


def intervals(rows: Iterable[Pressed], grace: int, longest: int) -> dict[str, Intervals]:
    """Return by employee from when to when they were there, widened by the grace; a clock-in alone ends by itself. Microseconds."""
    pressed: dict[str, list[Pressed]] = {}
    for row in rows:
        if row.counts:
            pressed.setdefault(row.employee, []).append(row)
    return {
        employee: tuple((begin - grace, end + grace) for begin, end in _pairs(own, longest)) for employee, own in sorted(pressed.items())
    }


def _pairs(rows: list[Pressed], longest: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for row in sorted(rows, key=lambda row: (row.at, row.is_in, row.event)):
        if begin is not None:
            found.append((begin, min(row.at, begin + longest)))
        begin = row.at if row.is_in else None
    if begin is not None:
        found.append((begin, begin + longest))
    return found


def uncovered(at: NDArray[np.int64], there: Intervals) -> NDArray[np.bool_]:
    """Return which moments (seconds) are in none of the intervals (microseconds)."""
    covered = np.zeros(len(at), dtype=bool)
    for begin, end in there:
        covered |= (at >= begin // 1_000_000) & (at <= end // 1_000_000)
    return ~covered
