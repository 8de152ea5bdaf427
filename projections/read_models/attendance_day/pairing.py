"""What a person's punches and shifts say of each day: a pure function of the set of punches, whatever order they came in.

Sessions are paired as everywhere (`contracts.pairing`) and belong to the day of their shift's start, else of their first punch.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from contracts.pairing import Session, matching_shift, pair

GRACE_MINUTES = 5


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


_Session: TypeAlias = Session[PunchSeen, ShiftSeen]


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
    sessions: list[_Session] = pair(punches)
    by_day: dict[date, list[_Session]] = defaultdict(list)
    for session in sessions:
        session.shift = matching_shift(session, planned)
        by_day[(session.shift or session.first).business_date].append(session)
    shifts_of: dict[date, list[ShiftSeen]] = defaultdict(list)
    for shift in planned:
        shifts_of[shift.business_date].append(shift)
    return [_day(day, by_day[day], shifts_of[day]) for day in sorted(by_day.keys() | shifts_of.keys())]


def _minutes(session: _Session) -> int:
    return int(session.length.total_seconds() // 60)


def _minutes_after(later: datetime, earlier: datetime) -> int:
    return max(0, int((later - earlier).total_seconds() // 60))


def _day(day: date, sessions: Sequence[_Session], shifts: Sequence[ShiftSeen]) -> AttendanceDay:
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
        worked_minutes=sum(_minutes(session) for session in sessions),
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


def _session_document(session: _Session) -> dict[str, Any]:
    return {
        "in_at": _text(session.in_at),
        "out_at": _text(session.out_at),
        "minutes": _minutes(session),
        "shift_id": session.shift.shift_id if session.shift else None,
        "flags": sorted(session.flags),
    }


def _shift_document(shift: ShiftSeen) -> dict[str, Any]:
    return {"shift_id": shift.shift_id, "starts_at": _text(shift.starts_at), "ends_at": _text(shift.ends_at)}
