"""Who was to work when, and who pressed the time clock: the rows that attendance rules judge, in whatever order they arrive."""

from collections.abc import Iterable

import msgspec

from contracts.envelope import Event
from contracts.events import clock
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT
from contracts.events.shifts import ShiftPublished
from contracts.fields import Model
from processors.rules.rule import RETENTION, Kind, Recounted, State, microseconds

CAME, WENT, RESTED, RESUMED = range(4)
"""What was pressed."""

PRESSES = {CLOCKED_IN: CAME, CLOCKED_OUT: WENT, BREAK_STARTED: RESTED, BREAK_ENDED: RESUMED}

_RETENTION = RETENTION // RETENTION.resolution
_KEPT = 2_000
_REVISIONS_KEPT = 100


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Evidence of where a press was, metres, and the verdict of the edge."""

    verdict: str
    distance: int | None
    accuracy: int | None
    mock: bool


class Punch(msgspec.Struct, frozen=True, array_like=True):
    """A press of the time clock; `auto`: the system pressed it, not the person."""

    at: int
    event: bytes
    counts: bool
    pressed: int = CAME
    place: Place | None = None
    auto: bool = False


class Rostered(msgspec.Struct, frozen=True, array_like=True):
    """A shift that ever named the person, with the widest times it had."""

    shift: str
    starts_at: int
    ends_at: int


class Attendance(State, frozen=True, array_like=True):
    """The presses of one person in one store, and the shifts that they may belong to."""

    punches: tuple[Punch, ...] = ()
    rostered: tuple[Rostered, ...] = ()


class Revision(msgspec.Struct, frozen=True, array_like=True):
    """One published revision of a shift. `announced`: published before it began; `missable`: before it ended."""

    event: bytes
    position: int
    number: int
    employee: str
    starts_at: int
    ends_at: int
    day: str
    planned: bool
    announced: bool
    counts: bool
    missable: bool = True


class Shift(State, frozen=True, array_like=True):
    """All revisions of one shift."""

    revisions: tuple[Revision, ...] = ()


ATTENDANCE = Kind("attendance", Attendance, 1, 1)
SHIFT = Kind("shift", Shift, 1, 1)


def with_punch(attendance: Attendance, event: Event[Model], counts: bool) -> Attendance:
    """Add a press."""
    data = event.data
    assert isinstance(data, clock.Punch)
    auto = isinstance(data, clock.ClockedOut) and data.auto_reason is not None
    place = place_of(data.location) if data.location else None
    punch = Punch(microseconds(event.envelope.occurred_at), event.id.bytes, counts, PRESSES[event.type], place, auto)
    return Attendance((*attendance.punches, punch), attendance.rostered)


def place_of(found: clock.LocationEvidence) -> Place:
    """Return evidence of a place as a row."""
    return Place(found.verdict, found.distance_m, found.accuracy_m, found.mock_location)


def with_revision(shift: Shift, event: Event[Model], position: int, counts: bool) -> Shift:
    """Add a revision."""
    return Shift((*shift.revisions, revision_of(event, position, counts))[-_REVISIONS_KEPT:])


def revised(shift: Shift, change: Recounted) -> Shift:
    """Apply what a correction changed."""
    return Shift(tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in shift.revisions))


def forget_at(attendance: Attendance) -> int:
    """Return when nothing of it is kept any more."""
    last = max((row.at for row in attendance.punches), default=0)
    return max(last, max((row.ends_at for row in attendance.rostered), default=0)) + _RETENTION


def with_shift(attendance: Attendance, shift: ShiftPublished) -> Attendance:
    """Remember that a shift names the person."""
    row = Rostered(shift.shift_id, microseconds(shift.starts_at), microseconds(shift.ends_at))
    others = []
    for known in attendance.rostered:
        if known.shift == row.shift:
            row = Rostered(row.shift, min(row.starts_at, known.starts_at), max(row.ends_at, known.ends_at))
        else:
            others.append(known)
    return Attendance(attendance.punches, (*others, row))


def repunched(attendance: Attendance, change: Recounted) -> Attendance:
    """Apply what a correction changed."""
    punches = tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in attendance.punches)
    return Attendance(punches, attendance.rostered)


def pruned(attendance: Attendance, clock: int | None) -> Attendance:
    """Drop what is older than the retention, and the oldest of what is too much for one value."""
    horizon = clock - _RETENTION if clock is not None else None
    punches = [row for row in attendance.punches if horizon is None or row.at > horizon]
    rostered = [row for row in attendance.rostered if horizon is None or row.ends_at > horizon]
    if len(punches) > _KEPT:
        punches = sorted(punches, key=lambda row: (row.at, row.event))[-_KEPT:]
    if len(rostered) > _KEPT:
        rostered = sorted(rostered, key=lambda row: (row.ends_at, row.shift))[-_KEPT:]
    return Attendance(tuple(punches), tuple(rostered))


def revision_of(event: Event[Model], position: int, counts: bool) -> Revision:
    """Return what a published shift says, as a row."""
    shift, published = event.data, event.envelope.occurred_at
    assert isinstance(shift, ShiftPublished)
    return Revision(
        event.id.bytes,
        position,
        shift.revision,
        shift.employee_id,
        microseconds(shift.starts_at),
        microseconds(shift.ends_at),
        shift.starts_at.date().isoformat(),
        shift.status == "planned",
        published < shift.starts_at,
        counts,
        published < shift.ends_at,
    )


def in_force(revisions: Iterable[Revision]) -> Revision | None:
    """Return the highest counting revision; of two with one number the first recorded."""
    return max((row for row in revisions if row.counts), key=lambda row: (row.number, -row.position), default=None)
