"""What a person's punches and shifts say of each day: a pure function of the set of punches, whatever order they came in.

In and out alternate. A second "in" while one is open is kept out and flagged, an "out" without an "in" is
flagged, the same press within a minute is one press, and a session that stays open longer than the longest
shift was left without an "out". Sessions belong to the day of their shift's start, else of their first punch.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

SAME_PRESS = timedelta(seconds=60)
LONGEST_SESSION = timedelta(hours=16)
BEFORE_SHIFT = timedelta(hours=3)
AFTER_SHIFT = timedelta(hours=4)
GRACE_MINUTES = 5
_TO_APPROVE = frozenset({"outside", "uncertain", "no_fix"})


@dataclass(frozen=True, slots=True)
class PunchSeen:
    """A punch that counts."""

    event_id: UUID
    direction: str
    occurred_at: datetime
    business_date: date
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class ShiftSeen:
    """The newest revision of a shift that is planned."""

    shift_id: str
    starts_at: datetime
    ends_at: datetime
    business_date: date


@dataclass(slots=True)
class Session:
    """A stretch of work between two punches, one of which may be missing."""

    in_at: datetime | None
    out_at: datetime | None
    business_date: date
    flags: set[str] = field(default_factory=set)
    shift: ShiftSeen | None = None

    @property
    def begins(self) -> datetime:
        """Its first punch."""
        found = self.in_at or self.out_at
        if found is None:
            raise ValueError("a session has a punch")
        return found

    @property
    def minutes(self) -> int:
        """Whole minutes that really passed between the punches, 0 when one is missing."""
        return int((self.out_at - self.in_at).total_seconds() // 60) if self.in_at and self.out_at else 0


@dataclass(frozen=True, slots=True)
class AttendanceDay:
    """What is known of a person's business date in a store; times are UTC."""

    business_date: date
    first_in: datetime | None
    last_out: datetime | None
    worked_minutes: int
    late_minutes: int
    early_minutes: int
    flags: tuple[str, ...]
    sessions: tuple[dict[str, Any], ...]
    shifts: tuple[dict[str, Any], ...]


def attendance_days(punches: Iterable[PunchSeen], shifts: Iterable[ShiftSeen]) -> list[AttendanceDay]:
    """Fold one person's punches and planned shifts in one store into days, by date."""
    planned = sorted(shifts, key=lambda shift: (shift.starts_at, shift.shift_id))
    sessions = pair(punches)
    by_day: dict[date, list[Session]] = defaultdict(list)
    for session in sessions:
        session.shift = _matching_shift(session, planned)
        by_day[session.shift.business_date if session.shift else session.business_date].append(session)
    shifts_of: dict[date, list[ShiftSeen]] = defaultdict(list)
    for shift in planned:
        shifts_of[shift.business_date].append(shift)
    return [_day(day, by_day[day], shifts_of[day]) for day in sorted(by_day.keys() | shifts_of.keys())]


def pair(punches: Iterable[PunchSeen]) -> list[Session]:
    """Pair punches into sessions, in the order of time."""
    sessions: list[Session] = []
    for punch in sorted(punches, key=lambda punch: (punch.occurred_at, punch.direction, punch.event_id)):
        last = sessions[-1] if sessions else None
        if punch.direction == "in":
            _clock_in(sessions, last, punch)
        else:
            _clock_out(sessions, last, punch)
        if punch.verdict in _TO_APPROVE and sessions:
            sessions[-1].flags.add("needs_approval")
    if sessions and sessions[-1].out_at is None:
        sessions[-1].flags.add("no_out_yet")
    return sessions


def _is_open(session: Session | None, at: datetime) -> bool:
    return session is not None and session.in_at is not None and session.out_at is None and at - session.in_at <= LONGEST_SESSION


def _clock_in(sessions: list[Session], last: Session | None, punch: PunchSeen) -> None:
    if last is not None and last.in_at is not None and _is_open(last, punch.occurred_at):
        if punch.occurred_at - last.in_at > SAME_PRESS:
            last.flags.add("second_in")
        return
    if last is not None and last.out_at is None:
        last.flags.add("missed_out")
    sessions.append(Session(punch.occurred_at, None, punch.business_date))


def _clock_out(sessions: list[Session], last: Session | None, punch: PunchSeen) -> None:
    if last is not None and _is_open(last, punch.occurred_at):
        last.out_at = punch.occurred_at
        return
    if last is not None and last.out_at is not None and punch.occurred_at - last.out_at <= SAME_PRESS:
        return
    if last is not None and last.out_at is None:
        last.flags.add("missed_out")
    sessions.append(Session(None, punch.occurred_at, punch.business_date, {"missed_in"}))


def _matching_shift(session: Session, planned: Sequence[ShiftSeen]) -> ShiftSeen | None:
    """Return the shift whose start (for an "out" alone: whose end) is nearest, among those whose window holds the first punch."""
    at = session.begins
    fitting = [shift for shift in planned if shift.starts_at - BEFORE_SHIFT <= at <= shift.ends_at + AFTER_SHIFT]
    if not fitting:
        return None
    return min(
        fitting, key=lambda shift: (abs(at - (shift.starts_at if session.in_at else shift.ends_at)), shift.starts_at, shift.shift_id)
    )


def _minutes_after(later: datetime, earlier: datetime) -> int:
    return max(0, int((later - earlier).total_seconds() // 60))


def _day(day: date, sessions: Sequence[Session], shifts: Sequence[ShiftSeen]) -> AttendanceDay:
    ins = [session.in_at for session in sessions if session.in_at]
    outs = [session.out_at for session in sessions if session.out_at]
    flags = {flag for session in sessions for flag in session.flags}
    late = early = 0
    for shift in shifts:
        mine = [session for session in sessions if session.shift == shift]
        if not mine:
            flags.add("no_punch")
            continue
        if mine[0].in_at:
            late += _minutes_after(mine[0].in_at, shift.starts_at)
        if mine[-1].out_at:
            early += _minutes_after(shift.ends_at, mine[-1].out_at)
    if any(session.shift is None for session in sessions):
        flags.add("unscheduled")
    flags |= {name for name, minutes in (("late", late), ("left_early", early)) if minutes > GRACE_MINUTES}
    return AttendanceDay(
        business_date=day,
        first_in=_utc(min(ins, default=None)),
        last_out=_utc(max(outs, default=None)),
        worked_minutes=sum(session.minutes for session in sessions),
        late_minutes=late,
        early_minutes=early,
        flags=tuple(sorted(flags)),
        sessions=tuple(_session_document(session) for session in sessions),
        shifts=tuple(_shift_document(shift) for shift in shifts),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _session_document(session: Session) -> dict[str, Any]:
    return {
        "in_at": _text(session.in_at),
        "out_at": _text(session.out_at),
        "minutes": session.minutes,
        "shift_id": session.shift.shift_id if session.shift else None,
        "flags": sorted(session.flags),
    }


def _shift_document(shift: ShiftSeen) -> dict[str, Any]:
    return {"shift_id": shift.shift_id, "starts_at": _text(shift.starts_at), "ends_at": _text(shift.ends_at)}
