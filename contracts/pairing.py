"""Pairs the presses of a time clock into stretches of work: a pure function of the set of presses, whatever order they came in.

In and out alternate. A second "in" while one is open is kept out and flagged, an "out" without an "in" is
flagged, the same press within a minute is one press, and a session that stays open longer than the longest
shift was left without an "out".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

SAME_PRESS = timedelta(seconds=60)
LONGEST_SESSION = timedelta(hours=16)
BEFORE_SHIFT = timedelta(hours=3)
AFTER_SHIFT = timedelta(hours=4)
_TO_APPROVE = frozenset({"outside", "uncertain", "no_fix"})


class Press(Protocol):
    """A press that counts; `direction` is "in" or "out"."""

    @property
    def event_id(self) -> Any:
        """Its identity, which orders presses of one moment."""
        ...

    @property
    def direction(self) -> str:
        """Whether the person came or went."""
        ...

    @property
    def occurred_at(self) -> datetime:
        """When it was pressed."""
        ...

    @property
    def verdict(self) -> str | None:
        """The judgement of its place, where there is one."""
        ...


class Shift(Protocol):
    """A planned shift."""

    @property
    def shift_id(self) -> str:
        """Its name."""
        ...

    @property
    def starts_at(self) -> datetime:
        """Planned start."""
        ...

    @property
    def ends_at(self) -> datetime:
        """Planned end."""
        ...


PressT = TypeVar("PressT", bound=Press)
ShiftT = TypeVar("ShiftT", bound=Shift)


@dataclass(slots=True)
class Session(Generic[PressT, ShiftT]):
    """A stretch of work between two presses, one of which may be missing."""

    came: PressT | None
    left: PressT | None
    flags: set[str] = field(default_factory=set)
    again: list[PressT] = field(default_factory=list)
    """Further "in" presses, more than a minute later, while it was open."""
    shift: ShiftT | None = None

    @property
    def first(self) -> PressT:
        """Return its first press."""
        found = self.came or self.left
        if found is None:
            raise ValueError("a session has a press")
        return found

    @property
    def in_at(self) -> datetime | None:
        """When it began, where that is known."""
        return self.came.occurred_at if self.came else None

    @property
    def out_at(self) -> datetime | None:
        """When it ended, where that is known."""
        return self.left.occurred_at if self.left else None

    @property
    def begins(self) -> datetime:
        """When its first press was."""
        return self.first.occurred_at

    @property
    def length(self) -> timedelta:
        """The time that really passed between the presses, zero when one is missing."""
        return self.left.occurred_at - self.came.occurred_at if self.left and self.came else timedelta()


def pair(presses: Iterable[PressT]) -> list[Session[PressT, Any]]:
    """Pair presses into sessions, in the order of time."""
    sessions: list[Session[PressT, Any]] = []
    for press in sorted(presses, key=lambda press: (press.occurred_at, press.direction, press.event_id)):
        last = sessions[-1] if sessions else None
        if press.direction == "in":
            _clock_in(sessions, last, press)
        else:
            _clock_out(sessions, last, press)
        if press.verdict in _TO_APPROVE and sessions:
            sessions[-1].flags.add("needs_approval")
    if sessions and sessions[-1].left is None:
        sessions[-1].flags.add("no_out_yet")
    return sessions


def matching_shift(session: Session[PressT, ShiftT], planned: Sequence[ShiftT]) -> ShiftT | None:
    """Return the shift whose start (for an "out" alone: whose end) is nearest, among those whose window holds the first press."""
    at = session.begins
    fitting = [shift for shift in planned if shift.starts_at - BEFORE_SHIFT <= at <= shift.ends_at + AFTER_SHIFT]
    if not fitting:
        return None
    came = session.came is not None
    return min(fitting, key=lambda shift: (abs(at - (shift.starts_at if came else shift.ends_at)), shift.starts_at, shift.shift_id))


def _is_open(session: Session[PressT, Any] | None, at: datetime) -> bool:
    return session is not None and session.came is not None and session.left is None and at - session.came.occurred_at <= LONGEST_SESSION


def _clock_in(sessions: list[Session[PressT, Any]], last: Session[PressT, Any] | None, press: PressT) -> None:
    if last is not None and last.came is not None and _is_open(last, press.occurred_at):
        if press.occurred_at - last.came.occurred_at > SAME_PRESS:
            last.flags.add("second_in")
            last.again.append(press)
        return
    if last is not None and last.left is None:
        last.flags.add("missed_out")
    sessions.append(Session(press, None))


def _clock_out(sessions: list[Session[PressT, Any]], last: Session[PressT, Any] | None, press: PressT) -> None:
    if last is not None and _is_open(last, press.occurred_at):
        last.left = press
        return
    if last is not None and last.left is not None and press.occurred_at - last.left.occurred_at <= SAME_PRESS:
        return
    if last is not None and last.left is None:
        last.flags.add("missed_out")
    sessions.append(Session(None, press, {"missed_in"}))
