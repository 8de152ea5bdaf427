"""From a punch to its row; pure. What a day of punches means is said by attendance."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from contracts.envelope import Event
from contracts.events.clock import ClockedOut, Punch
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT, EVENT_CORRECTED
from contracts.fields import Model

MAPPING_VERSION: Final = 1
_KINDS: Final = {CLOCKED_IN: "in", CLOCKED_OUT: "out", BREAK_STARTED: "break_started", BREAK_ENDED: "break_ended"}
FACT_TYPES: Final = frozenset(_KINDS)
COVERED_TYPES: Final = FACT_TYPES | {EVENT_CORRECTED}
_UNKNOWN: Final = -1


class PunchRow(NamedTuple):
    """A punch, in the order of the table's own columns."""

    kind: str
    employee_id: str
    punch_source: str
    offline: int
    auto_reason: str
    verdict: str
    distance_m: int
    accuracy_m: int
    mock_location: int
    fence_id: str


NOTHING: Final = PunchRow("", "", "", 0, "", "", _UNKNOWN, _UNKNOWN, 0, "")


def punch_rows(content: Event[Model]) -> Sequence[PunchRow]:
    """Return the one row of a punch."""
    data = content.data
    if not isinstance(data, Punch):
        return ()
    auto_reason = (data.auto_reason if isinstance(data, ClockedOut) else None) or ""
    row = NOTHING._replace(
        kind=_KINDS[content.type],
        employee_id=data.employee_id,
        punch_source=data.punch_source,
        offline=int(data.offline),
        auto_reason=auto_reason,
    )
    place = data.location
    if place is None:
        return (row,)
    return (
        row._replace(
            verdict=place.verdict,
            distance_m=_UNKNOWN if place.distance_m is None else place.distance_m,
            accuracy_m=_UNKNOWN if place.accuracy_m is None else place.accuracy_m,
            mock_location=int(place.mock_location),
            fence_id=place.fence_id or "",
        ),
    )
