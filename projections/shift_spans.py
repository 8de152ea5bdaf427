"""From when until when somebody was on a shift: as planned, widened by the presses that belong to it; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple


class ShiftSpan(NamedTuple):
    """A shift of a person in a store; a receipt of theirs within it, both ends included, was rung up on that shift."""

    store_id: str
    employee_id: str
    shift_id: str
    begins: datetime
    ends: datetime


def spans_of(
    store_id: str, employee_id: str, shifts: Iterable[Mapping[str, Any]], sessions: Iterable[Mapping[str, Any]]
) -> list[ShiftSpan]:
    """Return the spans of a person's day, from its documents: who came early or stayed long was on the shift all that time."""
    presses: dict[str, list[datetime]] = {}
    for session in sessions:
        if session["shift_id"] is not None:
            presses.setdefault(session["shift_id"], []).extend(_moments(session, "in_at", "out_at"))
    found = []
    for shift in shifts:
        moments = [*_moments(shift, "starts_at", "ends_at"), *presses.get(shift["shift_id"], ())]
        found.append(ShiftSpan(store_id, employee_id, shift["shift_id"], min(moments), max(moments)))
    return found


def _moments(document: Mapping[str, Any], *names: str) -> list[datetime]:
    return [datetime.fromisoformat(document[name]) for name in names if document[name] is not None]
