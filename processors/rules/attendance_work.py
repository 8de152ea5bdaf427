"""What a person did as attendance rules see it: shifts in force, and stretches of work with their breaks. Pure, from the kept rows.

Everything here follows from the set of presses and revisions that count, so the order in which they came does not matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from contracts.pairing import LONGEST_SESSION, Session, matching_shift, pair
from processors.rules.attendance import Attendance, Place, Punch, Revision
from processors.rules.attendance_spans import Calendar, Scope
from processors.rules.rule import moment_of

_DIRECTIONS = ("in", "out", "break", "back")


class Pressed(NamedTuple):
    """A press that counts."""

    occurred_at: datetime
    direction: str
    event_id: bytes
    place: Place | None
    auto: bool
    verdict: None = None


class Planned(NamedTuple):
    """A shift in force; `announced`: published before it began, `missable`: before it ended. `day` is the business date of its start."""

    shift_id: str
    starts_at: datetime
    ends_at: datetime
    event: bytes
    announced: bool
    day: date
    missable: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of work between two presses, one of which may be missing; `rest` is the length of its breaks."""

    came: Pressed | None
    left: Pressed | None
    again: tuple[Pressed, ...]
    shift: Planned | None
    day: date
    rest: timedelta

    @property
    def present(self) -> timedelta:
        """The time between the presses; zero when one is missing."""
        return self.left.occurred_at - self.came.occurred_at if self.left and self.came else timedelta()

    @property
    def worked(self) -> timedelta:
        """The time between the presses less the breaks."""
        return self.present - self.rest


class Look(NamedTuple):
    """When the clock makes a difference; `monday` where it does so to what is said of a week."""

    at: datetime
    monday: date | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """All of it within a scope, in order, and the clock by which it is judged (None before the first tick)."""

    employee: str
    clock: datetime | None
    calendar: Calendar
    mondays: tuple[date, ...]
    presses: tuple[Pressed, ...]
    shifts: tuple[Planned, ...]
    stretches: tuple[Stretch, ...]

    def of(self, shift: Planned) -> list[Stretch]:
        """Return the stretches that belong to a shift."""
        return [each for each in self.stretches if each.shift is shift]

    def has_passed(self, moment: datetime) -> bool:
        """Return whether the clock has reached a moment."""
        return self.clock is not None and self.clock >= moment


def work_of(
    employee: str,
    attendance: Attendance,
    in_force: Iterable[tuple[str, Revision]],
    scope: Scope,
    calendar: Calendar,
    clock: datetime | None,
) -> Work:
    """Return a person's work within a scope; `in_force` are the shifts that ever named them, each with its revision in force."""
    presses = sorted(_pressed(row) for row in attendance.punches if row.counts and scope.covers(row.at))
    named = (each for each in in_force if _concerns(each[1], employee, scope))
    shifts = tuple(sorted((_planned(name, row, calendar) for name, row in named), key=lambda shift: (shift.starts_at, shift.shift_id)))
    sessions: list[Session[Pressed, Planned]] = pair(press for press in presses if press.direction in {"in", "out"})
    breaks = _breaks([press for press in presses if press.direction not in {"in", "out"}])
    stretches = tuple(_stretch(session, shifts, breaks, calendar) for session in sessions)
    return Work(employee, clock, calendar, scope.mondays, tuple(presses), shifts, stretches)


def _pressed(row: Punch) -> Pressed:
    return Pressed(moment_of(row.at), _DIRECTIONS[row.pressed], row.event, row.place, row.auto)


def _concerns(row: Revision, employee: str, scope: Scope) -> bool:
    return row.planned and row.employee == employee and scope.covers(row.starts_at)


def _planned(shift: str, row: Revision, calendar: Calendar) -> Planned:
    starts_at = moment_of(row.starts_at)
    return Planned(shift, starts_at, moment_of(row.ends_at), row.event, row.announced, calendar.day(starts_at), row.missable)


def _stretch(
    session: Session[Pressed, Planned], shifts: Sequence[Planned], breaks: Sequence[tuple[datetime, datetime]], calendar: Calendar
) -> Stretch:
    shift = matching_shift(session, shifts)
    day = shift.day if shift else calendar.day(session.begins)
    return Stretch(session.came, session.left, tuple(session.again), shift, day, _rest(session, breaks))


def _breaks(presses: Sequence[Pressed]) -> list[tuple[datetime, datetime]]:
    """Pair a begin with the end that follows it; a break that nobody ended in time proves nothing, so it is none."""
    pairs = ((first, second) for first, second in pairwise(presses) if (first.direction, second.direction) == ("break", "back"))
    times = ((first.occurred_at, second.occurred_at) for first, second in pairs)
    return [(begin, end) for begin, end in times if end - begin <= LONGEST_SESSION]


def _rest(session: Session[Pressed, Planned], breaks: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """Return the breaks that lie within a session; one that is open lasts as long as any may."""
    if session.came is None:
        return timedelta()
    came = session.came.occurred_at
    left = session.left.occurred_at if session.left else came + LONGEST_SESSION
    return sum((min(end, left) - begin for begin, end in breaks if came <= begin < left), timedelta())
