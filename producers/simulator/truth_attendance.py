"""Which shifts must raise a no-show and which of those a late punch takes back; forgets what is over."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from contracts.envelope import Event
from contracts.events.clock import ClockedIn
from contracts.events.shifts import ShiftPublished
from contracts.fields import Model

_SETTLED = timedelta(days=1)
"""Punches arrive within hours; a day after its end nothing about a shift changes any more."""


@dataclass(slots=True)
class AttendanceTruth:
    """Follows shifts and punches. A tick must have seen the grace end before a punch that takes the alert back."""

    grace: timedelta = timedelta()
    early: timedelta = timedelta()
    raised: list[str] = field(default_factory=list)
    retracted: list[str] = field(default_factory=list)
    _shifts: dict[str, ShiftPublished] = field(default_factory=dict)
    _ends: list[tuple[datetime, str]] = field(default_factory=list)
    _punches: defaultdict[str, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))

    def observe(self, event: Event[Model], arrival: datetime) -> None:
        """Take a published shift or a punch; anything else is not its business."""
        data = event.data
        if isinstance(data, ShiftPublished):
            known = self._shifts.get(data.shift_id)
            if known is None or known.revision < data.revision:
                self._shifts[data.shift_id] = data
                heappush(self._ends, (data.ends_at, data.shift_id))
            self._settle(arrival - _SETTLED)
        elif isinstance(data, ClockedIn):
            self._punches[data.employee_id].append((event.envelope.occurred_at, arrival))

    def result(self) -> tuple[list[str], list[str], list[str]]:
        """Return shifts that raise an alert, those taken back by a punch, and those that stay."""
        self._settle(None)
        raised, retracted = sorted(self.raised), sorted(self.retracted)
        return raised, retracted, sorted(set(raised) - set(retracted))

    def _settle(self, until: datetime | None) -> None:
        while self._ends and (until is None or self._ends[0][0] <= until):
            _, name = heappop(self._ends)
            shift = self._shifts.pop(name, None)
            if shift is not None:
                self._judge(shift)

    def _judge(self, shift: ShiftPublished) -> None:
        punches = self._punches[shift.employee_id]
        opens = shift.starts_at - self.early
        heard = [arrival for at, arrival in punches if opens <= at <= shift.ends_at]
        if shift.status == "planned" and (not heard or min(heard) > shift.starts_at + self.grace):
            self.raised.append(shift.shift_id)
            if heard:
                self.retracted.append(shift.shift_id)
        self._punches[shift.employee_id] = [row for row in punches if row[0] > opens - _SETTLED]
